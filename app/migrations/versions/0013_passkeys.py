"""Passkeys: a key in somebody's device, by its public half."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "app_passkey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["app_account.id"], name=op.f("fk_app_passkey_account_id_app_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_app_passkey_credential_id")),
    )
    with op.batch_alter_table("app_passkey", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_app_passkey_account_id"), ["account_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("app_passkey", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_app_passkey_account_id"))

    op.drop_table("app_passkey")
