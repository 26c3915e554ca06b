"""Rows of the rounds of notices: which lines of an open vote were told of, and in which round. Never whose, or when."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from commons.tables import UTCDateTime


class NoticeRound(SQLModel, table=True):
    """How far the rounds of one vote are."""

    __tablename__ = "app_notice_round"

    poll_id: UUID = Field(foreign_key="polls_poll.id", primary_key=True)
    number: int = 0  # rounds that told somebody
    looked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)  # the last one, whether it told anybody
    told_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class NoticeMark(SQLModel, table=True):
    """One line of the box that a round took in, whether its voter has an address or not; deleted at closing."""

    __tablename__ = "app_notice_mark"
    __table_args__ = {"sqlite_with_rowid": False}

    poll_id: UUID = Field(foreign_key="polls_poll.id", primary_key=True)
    tag: bytes = Field(primary_key=True)  # as in ballots_participation
    mark: bytes  # keyed hash of the ballot's form, so that a change is seen
    first_round: int
    told_again: bool = False  # of a change
