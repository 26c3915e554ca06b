"""Votes open to everybody with a confirmed address, rolls that belong to one vote; rules of votes, and what they need."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
LINES = ("app_roll_line", "app_pending_roll_line")


def upgrade() -> None:
    with op.batch_alter_table("polls_poll", schema=None) as batch_op:
        batch_op.add_column(sa.Column("open_to_all", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("polls_poll", schema=None) as batch_op:
        batch_op.alter_column("open_to_all", server_default=None)
        batch_op.add_column(sa.Column("eligibility", JSON, nullable=True))
    for name in LINES:
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.add_column(sa.Column("facts", JSON, nullable=True))
    with op.batch_alter_table("app_roll", schema=None) as batch_op:
        batch_op.add_column(sa.Column("poll_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_app_roll_poll_id_polls_poll"), "polls_poll", ["poll_id"], ["id"])
        batch_op.create_unique_constraint(batch_op.f("uq_app_roll_poll_id"), ["poll_id"])


def downgrade() -> None:
    with op.batch_alter_table("app_roll", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_app_roll_poll_id"), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_app_roll_poll_id_polls_poll"), type_="foreignkey")
        batch_op.drop_column("poll_id")
    for name in LINES:
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.drop_column("facts")
    with op.batch_alter_table("polls_poll", schema=None) as batch_op:
        batch_op.drop_column("eligibility")
        batch_op.drop_column("open_to_all")
