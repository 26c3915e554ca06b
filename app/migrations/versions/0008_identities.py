"""Identities at a provider of sign-ins; accounts without an address; whose line of a roll it is."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("app_account", schema=None) as batch_op:
        batch_op.alter_column("email", existing_type=sa.String(), nullable=True)

    op.create_table(
        "app_identity",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject_mac", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("person_mac", sa.LargeBinary(), nullable=True),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["app_account.id"], name=op.f("fk_app_identity_account_id_app_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issuer", "subject_mac", name=op.f("pk_app_identity")),
        sa.UniqueConstraint("account_id", "issuer", name=op.f("uq_app_identity_account_id_issuer")),
    )
    with op.batch_alter_table("app_roll_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("account_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("person_mac", sa.LargeBinary(), nullable=True))
        batch_op.create_index(batch_op.f("ix_app_roll_line_account_id"), ["account_id"], unique=False)
        batch_op.create_unique_constraint(batch_op.f("uq_app_roll_line_roll_id_account_id"), ["roll_id", "account_id"])
        batch_op.create_unique_constraint(batch_op.f("uq_app_roll_line_roll_id_person_mac"), ["roll_id", "person_mac"])
        batch_op.create_foreign_key(
            batch_op.f("fk_app_roll_line_account_id_app_account"),
            "app_account",
            ["account_id"],
            ["id"],
            ondelete="SET NULL",
        )


def downgrade() -> None:
    with op.batch_alter_table("app_roll_line", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_app_roll_line_account_id_app_account"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("uq_app_roll_line_roll_id_person_mac"), type_="unique")
        batch_op.drop_constraint(batch_op.f("uq_app_roll_line_roll_id_account_id"), type_="unique")
        batch_op.drop_index(batch_op.f("ix_app_roll_line_account_id"))
        batch_op.drop_column("person_mac")
        batch_op.drop_column("account_id")

    op.drop_table("app_identity")
    # What stood before knew no account without an address; this one leads nowhere (RFC 2606).
    op.execute("UPDATE app_account SET email = 'nobody-' || CAST(id AS VARCHAR(36)) || '@invalid' WHERE email IS NULL")
    with op.batch_alter_table("app_account", schema=None) as batch_op:
        batch_op.alter_column("email", existing_type=sa.String(), nullable=False)
