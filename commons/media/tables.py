"""Rows of pictures."""

from uuid import UUID

from sqlmodel import Field, SQLModel

from commons.ids import new_id
from commons.tables import Json, Texts


class Picture(SQLModel, table=True):
    """One re-encoded picture and what it shows, in words. Kept in the database, so that a backup is one thing."""

    __tablename__ = "commons_picture"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="commons_organisation.id")
    descriptions: Texts = Field(sa_type=Json)
    width: int
    height: int
    webp: bytes
