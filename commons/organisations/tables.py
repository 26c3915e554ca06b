"""Rows of the organisation and its own pages."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from commons.ids import new_id
from commons.tables import Json, Texts, UTCDateTime

PAGES = ("about", "contact", "help", "privacy", "accessibility", "terms")


class Organisation(SQLModel, table=True):
    """A body that asks and answers: its names, and the zone its times are shown in."""

    __tablename__ = "commons_organisation"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    slug: str = Field(unique=True)
    names: Texts = Field(sa_type=Json)
    summaries: Texts = Field(sa_type=Json)
    zone: str
    single_handed: bool = False  # one officer: nobody else can agree, and every page says so


class OrganisationPage(SQLModel, table=True):
    """One page in one language, in Markdown, where the organisation has replaced the first text that Khma brings."""

    __tablename__ = "commons_organisation_page"

    organisation_id: UUID = Field(foreign_key="commons_organisation.id", primary_key=True)
    key: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    title: str
    body: str
    changed_at: datetime = Field(sa_type=UTCDateTime)
