"""Rows of what is asked: a vote with its frozen card, and what two people changed about it afterwards."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from commons.ids import new_id
from commons.tables import Json, Texts, UTCDateTime, choice
from polls.kinds import Paper, paper_of
from polls.lifecycle import Kind, State, Times

MOST_RANKED = 5


class Poll(SQLModel, table=True):
    """One vote. After locking only its state and its effective times ever change; the card holds what was promised."""

    __tablename__ = "polls_poll"
    __table_args__ = (Index(None, "state", "closes_at"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="commons_organisation.id")
    slug: str = Field(unique=True)
    state: State = Field(default=State.DRAFT, sa_type=choice(State))
    titles: Texts = Field(sa_type=Json)
    questions: Texts = Field(sa_type=Json)
    options: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)  # {"id", "names", "service", "cost"}
    most_ranked: int = MOST_RANKED
    rule: str = "schulze"
    terms: dict[str, Any] = Field(default_factory=dict, sa_type=Json)  # what the rule is given besides: `polls.kinds`
    binding: bool = False
    legal_basis: Texts = Field(default_factory=dict, sa_type=Json)
    objections: Texts = Field(default_factory=dict, sa_type=Json)  # where one objects
    objections_until: datetime = Field(sa_type=UTCDateTime)
    eligibility: dict[str, Any] | None = Field(default=None, sa_type=Json)  # a rule, as polls.eligibility writes it
    single_handed: bool = False  # a body with one officer; every page says so
    locked_by: UUID | None = None  # who froze it, and so asks that it opens
    agreed_by: UUID | None = None  # the second person, who agreed that it opens
    repeats: UUID | None = None  # the annulled vote; no foreign key, or a backup could not be put back row by row
    roll_id: UUID | None = None  # the list of who may vote; it lies above this package
    open_to_all: bool = (
        False  # indicative: whoever has a confirmed address takes part, once; the list grows until close
    )
    planned_opens_at: datetime = Field(sa_type=UTCDateTime)
    planned_closes_at: datetime = Field(sa_type=UTCDateTime)
    planned_publishes_at: datetime = Field(sa_type=UTCDateTime)
    closes_at: datetime = Field(sa_type=UTCDateTime)  # effective: the planned one and the amendments
    publishes_at: datetime = Field(sa_type=UTCDateTime)
    opened_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    suspended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    card: dict[str, Any] | None = Field(default=None, sa_type=Json)
    card_hash: str = ""
    sealing_key: bytes = b""  # public: what every ballot is sealed to
    receipt_key: bytes = b""  # public: what every receipt is checked by

    @property
    def subject(self) -> str:
        """How the public ledger names this vote."""
        return f"vote/{self.slug}"

    @property
    def option_ids(self) -> tuple[int, ...]:
        """The numbers of the options, in the order of the card."""
        return option_ids_of(self.options)

    @property
    def paper(self) -> Paper:
        """What one ballot may say."""
        return paper_of(self.rule, self.options, self.most_ranked, self.terms)

    @property
    def objections_end(self) -> datetime:
        """Until when one can object: as on the card, and never for a shorter time after a later publication."""
        return self.objections_until + max(self.publishes_at - self.planned_publishes_at, timedelta(0))

    @property
    def times(self) -> Times:
        """The effective times."""
        return Times(self.closes_at, self.publishes_at, self.suspended_at)


def option_ids_of(options: Sequence[Mapping[str, Any]]) -> tuple[int, ...]:
    """Find the numbers of options, in their order."""
    return tuple(int(option["id"]) for option in options)


class Amendment(SQLModel, table=True):
    """One change to a frozen vote: who asked, why, who agreed. Without a second person nothing has changed yet."""

    __tablename__ = "polls_amendment"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    poll_id: UUID = Field(foreign_key="polls_poll.id", index=True)
    kind: Kind = Field(sa_type=choice(Kind))
    reason: str
    values: dict[str, str] = Field(default_factory=dict, sa_type=Json)
    asked_by: UUID
    asked_at: datetime = Field(sa_type=UTCDateTime)
    agreed_by: UUID | None = None
    agreed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    refused_by: UUID | None = None
    refused_at: datetime | None = Field(default=None, sa_type=UTCDateTime)

    @property
    def time(self) -> datetime | None:
        """The time that it asks for, where it names one."""
        return datetime.fromisoformat(text) if (text := self.values.get("time")) else None

    @property
    def waits(self) -> bool:
        """Whether a second person has not decided yet."""
        return self.agreed_by is None and self.refused_by is None
