"""Links in letters that were used."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "app_spent_link",
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("spent_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_app_spent_link")),
    )
    with op.batch_alter_table("app_spent_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_app_spent_link_spent_at"), ["spent_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("app_spent_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_app_spent_link_spent_at"))

    op.drop_table("app_spent_link")
