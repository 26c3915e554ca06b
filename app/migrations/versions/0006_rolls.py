"""Versions of a roll."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "app_roll_version",
        sa.Column("roll_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("renamed", sa.Integer(), nullable=False),
        sa.Column("struck", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["roll_id"], ["app_roll.id"], name=op.f("fk_app_roll_version_roll_id_app_roll")),
        sa.PrimaryKeyConstraint("roll_id", "number", name=op.f("pk_app_roll_version")),
    )


def downgrade() -> None:
    op.drop_table("app_roll_version")
