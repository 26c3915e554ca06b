"""Votes that are open to everybody with a confirmed address, and the rolls that belong to one vote."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("polls_poll", schema=None) as batch_op:
        batch_op.add_column(sa.Column("open_to_all", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("polls_poll", schema=None) as batch_op:
        batch_op.alter_column("open_to_all", server_default=None)
    with op.batch_alter_table("app_roll", schema=None) as batch_op:
        batch_op.add_column(sa.Column("poll_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_app_roll_poll_id_polls_poll"), "polls_poll", ["poll_id"], ["id"])
        batch_op.create_unique_constraint(batch_op.f("uq_app_roll_poll_id"), ["poll_id"])


def downgrade() -> None:
    with op.batch_alter_table("app_roll", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_app_roll_poll_id"), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_app_roll_poll_id_polls_poll"), type_="foreignkey")
        batch_op.drop_column("poll_id")
    with op.batch_alter_table("polls_poll", schema=None) as batch_op:
        batch_op.drop_column("open_to_all")
