"""Rows of second screens: which belongs to which agent. For whom one is opened lies in it for seconds, under seal."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from commons.ids import new_id
from commons.tables import UTCDateTime


class Screen(SQLModel, table=True):
    """One second screen of one agent: the code's hash until a browser joined, then that browser's public key.

    No person of the roll, no vote and no time of a session can be read in it.
    """

    __tablename__ = "app_screen"

    account_id: UUID = Field(foreign_key="app_account.id", ondelete="CASCADE", primary_key=True)
    organisation_id: UUID = Field(foreign_key="commons_organisation.id")
    id: UUID = Field(default_factory=new_id, unique=True)
    code_hash: bytes | None = Field(default=None, unique=True)  # None: a browser joined
    public: bytes | None = None  # None: none did yet
    sealed: bytes | None = None  # for whom, until the screen takes it (handing.hand_over)
    lease: bytes | None = None  # which session, until when (handing.seal_lease)
    ends_at: datetime = Field(sa_type=UTCDateTime, index=True)  # of the joining, hours ahead
