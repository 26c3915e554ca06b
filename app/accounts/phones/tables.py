"""Rows of telephone numbers: one for an account, under seal, and the codes that wait for a message."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from commons.tables import UTCDateTime


class Phone(SQLModel, table=True):
    """A number that belongs to an account: sealed, and a keyed hash so that it belongs to one alone."""

    __tablename__ = "app_phone"

    account_id: UUID = Field(foreign_key="app_account.id", ondelete="CASCADE", primary_key=True)
    sealed: bytes
    mark: bytes = Field(unique=True)
    added_at: datetime = Field(sa_type=UTCDateTime)


class PhoneCode(SQLModel, table=True):
    """One code that an account waits with for a message: its keyed hash, never the code."""

    __tablename__ = "app_phone_code"

    code_hash: bytes = Field(primary_key=True)
    account_id: UUID = Field(foreign_key="app_account.id", ondelete="CASCADE", index=True)
    ends_at: datetime = Field(sa_type=UTCDateTime, index=True)
