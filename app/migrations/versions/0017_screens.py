"""Second screens of counters."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "app_screen",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("public", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("lease", sa.LargeBinary(), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["app_account.id"], name=op.f("fk_app_screen_account_id_app_account"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["commons_organisation.id"],
            name=op.f("fk_app_screen_organisation_id_commons_organisation"),
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_app_screen")),
        sa.UniqueConstraint("id", name=op.f("uq_app_screen_id")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_app_screen_code_hash")),
    )  # fmt: skip
    op.create_index(op.f("ix_app_screen_ends_at"), "app_screen", ["ends_at"], unique=False)


def downgrade() -> None:
    op.drop_table("app_screen")
