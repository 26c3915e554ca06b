"""Who asked that a vote opens, and who agreed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("polls_poll", schema=None) as batch_op:
        batch_op.add_column(sa.Column("locked_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("agreed_by", sa.Uuid(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("polls_poll", schema=None) as batch_op:
        batch_op.drop_column("agreed_by")
        batch_op.drop_column("locked_by")
