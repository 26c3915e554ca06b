"""Rows of people who sign in, of their browsers and roles, and of the lists of those who may vote."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from app.security import Role
from commons.ids import new_id
from commons.tables import Json, Texts, UTCDateTime, choice


class Account(SQLModel, table=True):
    """A person who confirmed an address, or came by a provider of sign-ins. Never what they voted or answered."""

    __tablename__ = "app_account"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    email: str | None = Field(default=None, unique=True)  # None: a provider vouches for them and told no address
    name: str  # empty where a provider told none
    password_hash: str  # see passwords.no_password for who never chose one
    created_at: datetime = Field(sa_type=UTCDateTime)
    language: str | None = None  # of the pages they last came in by; letters that no form asks for are written in it


HELD = text("ended_at IS NULL")


class Grant(SQLModel, table=True):
    """One role that a person holds or held in an organisation, and who gave it. Everybody is a citizen without one."""

    __tablename__ = "app_grant"
    __table_args__ = (
        Index(
            None, "account_id", "organisation_id", "role", "unit",
            unique=True, sqlite_where=HELD, postgresql_where=HELD,
        ),
    )  # fmt: skip

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="app_account.id", ondelete="CASCADE")
    organisation_id: UUID = Field(foreign_key="commons_organisation.id", index=True)
    role: Role = Field(sa_type=choice(Role))
    unit: str = ""  # the part of the organisation it is for; empty: all of it
    granted_at: datetime = Field(sa_type=UTCDateTime)
    asked_by: UUID | None = None  # None: by the operator's command line
    approved_by: UUID | None = None
    ended_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class Event(StrEnum):
    """What the security log tells."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    SIGNED_OUT_EVERYWHERE = "signed_out_everywhere"
    SESSIONS_ENDED = "sessions_ended"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a word, no password
    PASSWORD_RESET = "password_reset"  # noqa: S105
    CODE_FAILED = "code_failed"
    SECOND_STEP_FAILED = "second_step_failed"  # a code at sign-in, after a right password
    GUESSING_TOLD = "guessing_told"
    RECOVERY_CODE_USED = "recovery_code_used"
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_REFUSED = "passkey_refused"
    PASSKEY_COPIED = "passkey_copied"  # it counted back: two devices hold the same key
    IDENTITY_JOINED = "identity_joined"
    IDENTITY_REMOVED = "identity_removed"
    ROLE_ASKED = "role_asked"
    ROLE_GRANTED = "role_granted"
    ROLE_ENDED = "role_ended"
    ROLE_REFUSED = "role_refused"
    ROLE_TAKEN_BACK = "role_taken_back"
    FACTOR_LOSS_ASKED = "factor_loss_asked"
    FACTOR_LOSS_AGREED = "factor_loss_agreed"
    FACTOR_LOSS_REFUSED = "factor_loss_refused"
    FACTOR_LOSS_STOPPED = "factor_loss_stopped"
    FACTOR_FORGOTTEN = "factor_forgotten"
    PHONE_ADDED = "phone_added"
    PHONE_REMOVED = "phone_removed"
    ADDRESS_CHANGED = "address_changed"
    ADDRESS_CHANGED_BACK = "address_changed_back"
    DATA_DOWNLOADED = "data_downloaded"
    ACCOUNT_ERASED = "account_erased"
    CODES_SHOWN = "codes_shown"
    SLIP_BOUND = "slip_bound"
    SCREEN_JOINED = "screen_joined"  # a browser became an agent's second screen
    SCREEN_OPENED = "screen_opened"  # for somebody at the counter; by day alone
    PAPER_MARKED = "paper_marked"
    PAPER_RELEASE_ASKED = "paper_release_asked"
    PAPER_RELEASED = "paper_released"


class SecurityEvent(SQLModel, table=True):
    """One line of the security log. The app adds and reads, changes none, and deletes those older than a year alone."""

    __tablename__ = "app_security_event"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    happened_at: datetime = Field(sa_type=UTCDateTime, index=True)
    event: Event = Field(sa_type=choice(Event))
    who: UUID | None = Field(default=None, index=True)  # no foreign keys: the line stays when an account goes
    whom: UUID | None = Field(default=None, index=True)
    browser: str = ""
    about: str = ""  # such as the role; never a name or an address


class Session(SQLModel, table=True):
    """One browser that is signed in: the hash of its cookie, never the cookie."""

    __tablename__ = "app_session"

    id_hash: bytes = Field(primary_key=True)
    account_id: UUID = Field(foreign_key="app_account.id", ondelete="CASCADE", index=True)
    browser: str
    created_at: datetime = Field(sa_type=UTCDateTime)
    seen_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime, index=True)
    proved_at: datetime | None = Field(default=None, sa_type=UTCDateTime)  # when the second factor was last shown


class Device(SQLModel, table=True):
    """A browser that a person came from before: a keyed hash of its cookie, so that a new one is noticed."""

    __tablename__ = "app_device"

    account_id: UUID = Field(foreign_key="app_account.id", ondelete="CASCADE", primary_key=True)
    mark: bytes = Field(primary_key=True)
    seen_at: datetime = Field(sa_type=UTCDateTime, index=True)


class Factor(SQLModel, table=True):
    """What a person shows beside the password: the sealed secret of their app, and the last code that was taken."""

    __tablename__ = "app_factor"

    account_id: UUID = Field(foreign_key="app_account.id", ondelete="CASCADE", primary_key=True)
    sealed: bytes
    last_step: int  # number of the half minute; a code of this one or an earlier one is never taken again
    added_at: datetime = Field(sa_type=UTCDateTime)


class Passkey(SQLModel, table=True):
    """A key in a person's phone or computer, which signs only for its owner: what it calls itself, its public half."""

    __tablename__ = "app_passkey"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="app_account.id", ondelete="CASCADE", index=True)
    credential_id: bytes = Field(unique=True)
    public_key: bytes  # as COSE (RFC 9052)
    sign_count: int = Field(sa_type=BigInteger)  # up to 2**32 - 1; 0 for ever where a passkey does not count
    name: str  # as its owner calls it
    added_at: datetime = Field(sa_type=UTCDateTime)


class RecoveryCode(SQLModel, table=True):
    """One recovery code that still works: its slow hash under seal, never the code."""

    __tablename__ = "app_recovery_code"

    account_id: UUID = Field(foreign_key="app_account.id", ondelete="CASCADE", primary_key=True)
    code_hash: bytes = Field(primary_key=True)


class FactorLoss(SQLModel, table=True):
    """A second factor that two people agreed to forget. Until its time comes, its owner may say no."""

    __tablename__ = "app_factor_loss"

    account_id: UUID = Field(foreign_key="app_account.id", ondelete="CASCADE", primary_key=True)
    link_hash: bytes = Field(unique=True)  # of the link in the letter, which stops it
    language: str
    due_at: datetime = Field(sa_type=UTCDateTime, index=True)


class SpentLink(SQLModel, table=True):
    """A link from a letter, or a question to a passkey, that was used: a hash of it, so that it never is used again."""

    __tablename__ = "app_spent_link"

    mark: bytes = Field(primary_key=True)
    spent_at: datetime = Field(sa_type=UTCDateTime, index=True)


class Identity(SQLModel, table=True):
    """How a provider of sign-ins names a person: keyed hashes of its name for them and of their official number."""

    __tablename__ = "app_identity"
    __table_args__ = (UniqueConstraint("account_id", "issuer"),)

    issuer: str = Field(primary_key=True)
    subject_mac: bytes = Field(primary_key=True)
    account_id: UUID = Field(foreign_key="app_account.id", ondelete="CASCADE")
    person_mac: bytes | None = None  # None: the provider tells no official number
    linked_at: datetime = Field(sa_type=UTCDateTime)


class Roll(SQLModel, table=True):
    """A list of those who may vote. Votes name it; what they are asked and answer stands elsewhere."""

    __tablename__ = "app_roll"

    id: UUID = Field(default_factory=new_id, primary_key=True)
    organisation_id: UUID = Field(foreign_key="commons_organisation.id", index=True)
    names: Texts = Field(sa_type=Json)
    fact_names: Texts = Field(default_factory=dict, sa_type=Json)  # what a letter is asked for beside its code, or none
    made_at: datetime = Field(sa_type=UTCDateTime)
    # the vote open to all whose newcomers it holds; None: a list that an office keeps
    poll_id: UUID | None = Field(default=None, foreign_key="polls_poll.id", unique=True)


class RollLine(SQLModel, table=True):
    """One person on a roll, as the office knows them. Their tag in a vote is made of the id, under a key elsewhere."""

    __tablename__ = "app_roll_line"
    __table_args__ = (
        UniqueConstraint("roll_id", "reference"),
        UniqueConstraint("roll_id", "account_id"),
        UniqueConstraint("roll_id", "person_mac"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    roll_id: UUID = Field(foreign_key="app_roll.id")
    reference: str  # the office's own number for this person
    name: str = ""  # so that the slip finds its way
    struck_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    account_id: UUID | None = Field(default=None, foreign_key="app_account.id", ondelete="SET NULL", index=True)
    person_mac: bytes | None = None  # keyed hash of their official number, as an identity has it
    facts: dict[str, Any] | None = Field(default=None, sa_type=Json)  # for a rule, as `roll.facts.read_facts` kept them
    # keyed hash of the line's id and what only the person knows, as `roll.second_fact` makes it
    fact_mac: bytes | None = None


class RollVersion(SQLModel, table=True):
    """One import into a roll, or one single change: what the list was after it, and how much it changed. Never who."""

    __tablename__ = "app_roll_version"

    roll_id: UUID = Field(foreign_key="app_roll.id", primary_key=True)
    number: int = Field(primary_key=True)  # counted from 1
    hash: str  # SHA-256 of the lines that may vote, sorted, 64 hex digits; empty once one of them was erased
    lines: int  # how many they are
    added: int
    renamed: int
    struck: int
    restored: int = 0
    made_by: UUID
    made_at: datetime = Field(sa_type=UTCDateTime)


class RunKind(StrEnum):
    """What a print run makes."""

    LETTERS = "letters"  # each slip for one line
    DESK = "desk"  # for nobody yet: they sleep until an agent binds one to a person


class RunState(StrEnum):
    """How far a print run has come."""

    ASKED = "asked"
    RELEASED = "released"
    REFUSED = "refused"
    SHOWN = "shown"
    VOID = "void"


class PrintRun(SQLModel, table=True):
    """One numbered run of slips: who asked, how many, and how far it has come. Its codes lie elsewhere, as hashes."""

    __tablename__ = "app_print_run"
    __table_args__ = (UniqueConstraint("roll_id", "number"),)

    id: UUID = Field(default_factory=new_id, primary_key=True)
    roll_id: UUID = Field(foreign_key="app_roll.id")
    number: int  # counted from 1 in each roll; a refused run keeps its number
    kind: RunKind = Field(sa_type=choice(RunKind))
    size: int  # slips asked for; once they were shown, how many there are
    poll_id: UUID | None = Field(default=None, foreign_key="polls_poll.id")  # the vote that is named on them
    state: RunState = Field(default=RunState.ASKED, sa_type=choice(RunState))
    asked_by: UUID
    asked_at: datetime = Field(sa_type=UTCDateTime)
    shown_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class DeskSlip(SQLModel, table=True):
    """One slip that sleeps: the hash of its code, which casts nothing. Once it is bound, the row is a VoterCode."""

    __tablename__ = "app_desk_slip"
    __table_args__ = {"sqlite_with_rowid": False}

    run_id: UUID = Field(foreign_key="app_print_run.id", primary_key=True)
    serial: int = Field(primary_key=True)  # counted from 1
    code_hash: bytes = Field(unique=True)


class VoterCode(SQLModel, table=True):
    """One code that was printed for a line: its hash, never the code, and never whether it was used."""

    __tablename__ = "app_voter_code"

    line_id: UUID = Field(foreign_key="app_roll_line.id", primary_key=True)
    serial: int = Field(primary_key=True)  # counted from 1; the newest one works
    code_hash: bytes = Field(unique=True)
    void_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    run_id: UUID | None = Field(default=None, foreign_key="app_print_run.id", index=True)  # None: made alone
    from_desk: bool = False  # a sleeping slip that an agent bound
