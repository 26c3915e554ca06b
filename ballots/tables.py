"""Rows of what is answered: who took part, the sealed envelopes, the box list, the urn, the opened ballots.

No row here has a time of casting, a running number or a person's name, and none is written in readable form before the
box is opened. docs/secrecy.md says what each of them tells to whom.
"""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field, SQLModel

from ballots.eligibility import Channel
from commons.ids import new_id
from commons.tables import Json, Texts, UTCDateTime, choice


class Participation(SQLModel, table=True):
    """One line per voter who took part, and how; never what, never when."""

    __tablename__ = "ballots_participation"
    __table_args__ = {"sqlite_with_rowid": False}  # no insertion order on disk

    poll_id: UUID = Field(foreign_key="polls_poll.id", primary_key=True)
    tag: bytes = Field(primary_key=True)  # HMAC(roll.key, vote ‖ roll line): no person id here
    channel: Channel = Field(sa_type=choice(Channel))
    form_key: bytes | None = None  # hash of the last accepted form; erased at close


class Act(StrEnum):
    """What can be done for a voter at a counter. Each means that their document was seen."""

    SLIP_BOUND = "slip_bound"
    SLIP_REPLACED = "slip_replaced"  # and what they had before stopped working
    SCREEN_OPENED = "screen_opened"  # a ballot, on the second screen; not whether it was cast
    PAPER_MARKED = "paper_marked"
    PAPER_RELEASED = "paper_released"


class AssistedAct(SQLModel, table=True):
    """One act at a counter, for the voter to see. No hour, no order, no agent, and nothing that leads to a ballot."""

    __tablename__ = "ballots_assisted_act"
    __table_args__ = {"sqlite_with_rowid": False}

    poll_id: UUID = Field(foreign_key="polls_poll.id", primary_key=True)
    mark: bytes = Field(primary_key=True)  # HMAC(roll.key, another purpose ‖ vote ‖ roll line): not the voter's tag
    id: UUID = Field(default_factory=new_id, primary_key=True)
    act: Act = Field(sa_type=choice(Act))
    day: date


class Envelope(SQLModel, table=True):
    """One sealed ballot. Without the two keys kept elsewhere it is noise of one length."""

    __tablename__ = "ballots_envelope"
    __table_args__ = {"sqlite_with_rowid": False}

    poll_id: UUID = Field(foreign_key="polls_poll.id", primary_key=True)
    slot: bytes = Field(primary_key=True)  # HMAC(K_slot, tag): overwritten when the vote is changed
    sealed: bytes  # nonce ‖ AES-256-GCM(K_wrap, bound to vote, slot, channel and form); one length


class Step(StrEnum):
    """How far the closing of a box has come; each step is done once, whoever is killed in between."""

    CASTING = "casting"
    LISTED = "listed"  # box.txt and its root are in the ledger
    FILLED = "filled"  # the urn is complete and agrees with box.txt
    DROPPED = "dropped"  # no envelope and no form key is left
    CLOSED = "closed"  # the box key is destroyed
    OPENED = "opened"
    UNOPENED = "unopened"  # too few ballots: it stays shut


class Box(SQLModel, table=True):
    """How one vote's box stands. Its numbers are public from closing on."""

    __tablename__ = "ballots_box"

    poll_id: UUID = Field(foreign_key="polls_poll.id", primary_key=True)
    step: Step = Field(default=Step.CASTING, sa_type=choice(Step))
    faults: dict[str, int] = Field(default_factory=dict, sa_type=Json)  # kind → how many rows; never which
    halted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    set_aside: int = 0
    paper: int = 0  # marks of people who vote on paper; public from closing on, with the other numbers
    paper_released: int = 0  # such marks that two people took back while the vote was open
    urn_hash: str = ""  # SHA-256 of the urn file, 64 hex digits
    unreadable: int = 0
    opened_hash: str = ""
    opened_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)  # urn and patterns, after the objections
    turnout: int = 0  # as the pages show it while the vote is open: in steps
    turnout_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class List(SQLModel, table=True):
    """A public list of hashes, sorted, with the root that stands in the ledger: `roll`, `took_part` or `box`."""

    __tablename__ = "ballots_list"

    poll_id: UUID = Field(foreign_key="polls_poll.id", primary_key=True)
    name: str = Field(primary_key=True)
    size: int
    root: bytes
    hashes: bytes  # 32 bytes each


class UrnRow(SQLModel, table=True):
    """One sealed ballot without its envelope. It lies where its own random bytes put it: nothing leads to a voter."""

    __tablename__ = "ballots_urn"
    __table_args__ = {"sqlite_with_rowid": False}

    poll_id: UUID = Field(foreign_key="polls_poll.id", primary_key=True)
    ciphertext: bytes = Field(primary_key=True)


class OpenedPattern(SQLModel, table=True):
    """How many opened ballots say the same. No row for a single ballot, and no way back to its ciphertext."""

    __tablename__ = "ballots_opened"
    __table_args__ = {"sqlite_with_rowid": False}

    poll_id: UUID = Field(foreign_key="polls_poll.id", primary_key=True)
    pattern: bytes = Field(primary_key=True)  # numbers of the options, best first
    count: int


class SetAside(SQLModel, table=True):
    """One damaged row that two people set aside: kept as it was found, counted, never opened."""

    __tablename__ = "ballots_set_aside"
    __table_args__ = {"sqlite_with_rowid": False}

    id: UUID = Field(default_factory=new_id, primary_key=True)
    poll_id: UUID = Field(foreign_key="polls_poll.id", index=True)
    kind: str
    tag: bytes | None = None
    slot: bytes | None = None
    sealed: bytes | None = None


class Custodian(SQLModel, table=True):
    """Somebody who keeps sealed copies of vote keys for an organisation, named by function."""

    __tablename__ = "ballots_custodian"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="commons_organisation.id", index=True)
    functions: Texts = Field(sa_type=Json)
    public: bytes  # X25519 (32 bytes) ‖ Ed25519 (32 bytes)


class Custody(SQLModel, table=True):
    """What one custodian did for one vote: proved that the copies open; confirmed that no box key is left."""

    __tablename__ = "ballots_custody"

    poll_id: UUID = Field(foreign_key="polls_poll.id", primary_key=True)
    custodian_id: UUID = Field(foreign_key="ballots_custodian.id", primary_key=True)
    proved_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    destroyed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    signature: bytes = b""  # over keys.destruction_line
