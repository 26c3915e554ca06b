"""A second fact beside a letter's code, and what was done for a voter at a counter."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    for table in ("app_roll", "app_roll_import"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("fact_names", JSON, nullable=False, server_default="{}"))
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column("fact_names", server_default=None)
    for table in ("app_roll_line", "app_pending_roll_line"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("fact_mac", sa.LargeBinary(), nullable=True))
    op.create_table(
        "ballots_assisted_act",
        sa.Column("poll_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("act", sa.String(40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["poll_id"], ["polls_poll.id"], name=op.f("fk_ballots_assisted_act_poll_id_polls_poll")
        ),
        sa.PrimaryKeyConstraint("poll_id", "mark", "id", name=op.f("pk_ballots_assisted_act")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("ballots_assisted_act")
    for table in ("app_pending_roll_line", "app_roll_line"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("fact_mac")
    for table in ("app_roll_import", "app_roll"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("fact_names")
