"""Rows of the public log: lines that wait, leaves that stay for ever, and words that may have to be erased.

Leaves and checkpoints are only ever added: the application's database role needs no right to change or delete them.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field, SQLModel

from commons.ids import new_id
from commons.tables import Json


class PendingLine(SQLModel, table=True):
    """A line that waits for its place in the log. Its id is random and it has no time: it does not know its order."""

    __tablename__ = "commons_ledger_pending"
    __table_args__ = {"sqlite_with_rowid": False}  # no order of insertion on disk either

    id: UUID = Field(default_factory=new_id, primary_key=True)
    kind: str
    subject: str
    salt: bytes
    words: dict[str, str | int] = Field(sa_type=Json)


class Leaf(SQLModel, table=True):
    """One line for ever: its place, its kind, the minute of its batch and a salted hash. Never a person's name."""

    __tablename__ = "commons_ledger_leaf"

    position: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    kind: str
    minute: datetime
    digest: bytes  # of subject and words, salted: see lines.words_digest
    leaf_hash: bytes  # of kind, minute and digest: see lines.leaf_bytes


class Words(SQLModel, table=True):
    """What a line says. The row is deleted when a line is redacted; the leaf stays, and its hash then tells nothing."""

    __tablename__ = "commons_ledger_words"

    position: int = Field(
        sa_type=BigInteger,
        primary_key=True,
        foreign_key="commons_ledger_leaf.position",
        sa_column_kwargs={"autoincrement": False},
    )
    subject: str = Field(index=True)
    salt: bytes
    words: dict[str, str | int] = Field(sa_type=Json)


class StoredCheckpoint(SQLModel, table=True):
    """What the sequencer signed after each batch."""

    __tablename__ = "commons_ledger_checkpoint"

    size: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    root: bytes
    note: str
    signed_at: datetime


class Head(SQLModel, table=True):
    """The one row that a sequencer locks, so that there is one sequencer at a time; it counts the leaves."""

    __tablename__ = "commons_ledger_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: int = Field(default=1, primary_key=True, sa_column_kwargs={"autoincrement": False})
    size: int = Field(default=0, sa_type=BigInteger)
