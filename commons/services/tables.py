"""Rows of the service catalogue."""

from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from commons.ids import new_id
from commons.tables import Json, Texts


class Service(SQLModel, table=True):
    """One service, in the languages it was described in. Hundreds stand side by side."""

    __tablename__ = "commons_service"
    __table_args__ = (UniqueConstraint("organisation_id", "slug"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="commons_organisation.id")
    slug: str
    names: Texts = Field(sa_type=Json)
    summaries: Texts = Field(sa_type=Json)
    picture: UUID | None = Field(default=None, foreign_key="commons_picture.id")
