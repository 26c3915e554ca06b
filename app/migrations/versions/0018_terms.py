"""What a rule of counting is given besides the ballots: seats, a budget, points, equal ranks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("polls_poll", schema=None) as batch_op:
        batch_op.add_column(sa.Column("terms", JSON, nullable=False, server_default="{}"))


def downgrade() -> None:
    with op.batch_alter_table("polls_poll", schema=None) as batch_op:
        batch_op.drop_column("terms")
