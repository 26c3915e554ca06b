"""Second factors, recovery codes, known devices; when a session last showed its factor."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("app_session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True))

    op.create_table(
        "app_device",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["app_account.id"], name=op.f("fk_app_device_account_id_app_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "mark", name=op.f("pk_app_device")),
    )
    with op.batch_alter_table("app_device", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_app_device_seen_at"), ["seen_at"], unique=False)

    op.create_table(
        "app_factor",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["app_account.id"], name=op.f("fk_app_factor_account_id_app_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_app_factor")),
    )
    op.create_table(
        "app_recovery_code",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app_account.id"],
            name=op.f("fk_app_recovery_code_account_id_app_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "code_hash", name=op.f("pk_app_recovery_code")),
    )


def downgrade() -> None:
    op.drop_table("app_recovery_code")
    op.drop_table("app_factor")
    with op.batch_alter_table("app_device", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_app_device_seen_at"))

    op.drop_table("app_device")
    with op.batch_alter_table("app_session", schema=None) as batch_op:
        batch_op.drop_column("proved_at")
