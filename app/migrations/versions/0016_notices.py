"""In which language letters nobody asks for are written, which ballots people were told of, and telephone numbers."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("app_account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("language", sa.String(), nullable=True))
    op.create_table(
        "app_notice_round",
        sa.Column("poll_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["poll_id"], ["polls_poll.id"], name=op.f("fk_app_notice_round_poll_id_polls_poll")),
        sa.PrimaryKeyConstraint("poll_id", name=op.f("pk_app_notice_round")),
    )
    op.create_table(
        "app_notice_mark",
        sa.Column("poll_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("first_round", sa.Integer(), nullable=False),
        sa.Column("told_again", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["poll_id"], ["polls_poll.id"], name=op.f("fk_app_notice_mark_poll_id_polls_poll")),
        sa.PrimaryKeyConstraint("poll_id", "tag", name=op.f("pk_app_notice_mark")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "app_phone",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["app_account.id"], name=op.f("fk_app_phone_account_id_app_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_app_phone")),
        sa.UniqueConstraint("mark", name=op.f("uq_app_phone_mark")),
    )
    op.create_table(
        "app_phone_code",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["app_account.id"], name=op.f("fk_app_phone_code_account_id_app_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_app_phone_code")),
    )  # fmt: skip
    op.create_index(op.f("ix_app_phone_code_account_id"), "app_phone_code", ["account_id"], unique=False)
    op.create_index(op.f("ix_app_phone_code_ends_at"), "app_phone_code", ["ends_at"], unique=False)


def downgrade() -> None:
    op.drop_table("app_phone_code")
    op.drop_table("app_phone")
    op.drop_table("app_notice_mark")
    op.drop_table("app_notice_round")
    with op.batch_alter_table("app_account", schema=None) as batch_op:
        batch_op.drop_column("language")
