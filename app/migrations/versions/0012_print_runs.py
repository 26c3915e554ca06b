"""Print runs, slips that sleep, codes that know their run, and the numbers of those who vote on paper."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "app_print_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("roll_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("poll_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["roll_id"], ["app_roll.id"], name=op.f("fk_app_print_run_roll_id_app_roll")),
        sa.ForeignKeyConstraint(["poll_id"], ["polls_poll.id"], name=op.f("fk_app_print_run_poll_id_polls_poll")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_print_run")),
        sa.UniqueConstraint("roll_id", "number", name=op.f("uq_app_print_run_roll_id_number")),
    )
    op.create_table(
        "app_desk_slip",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["app_print_run.id"], name=op.f("fk_app_desk_slip_run_id_app_print_run")),
        sa.PrimaryKeyConstraint("run_id", "serial", name=op.f("pk_app_desk_slip")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_app_desk_slip_code_hash")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("app_voter_code", schema=None) as batch_op:
        batch_op.add_column(sa.Column("run_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("from_desk", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_index(batch_op.f("ix_app_voter_code_run_id"), ["run_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_app_voter_code_run_id_app_print_run"), "app_print_run", ["run_id"], ["id"]
        )
    with op.batch_alter_table("app_voter_code", schema=None) as batch_op:
        batch_op.alter_column("from_desk", server_default=None)
    with op.batch_alter_table("ballots_box", schema=None) as batch_op:
        for name in ("paper", "paper_released"):
            batch_op.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("ballots_box", schema=None) as batch_op:
        for name in ("paper", "paper_released"):
            batch_op.alter_column(name, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("ballots_box", schema=None) as batch_op:
        for name in ("paper", "paper_released"):
            batch_op.drop_column(name)
    with op.batch_alter_table("app_voter_code", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_app_voter_code_run_id_app_print_run"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_app_voter_code_run_id"))
        batch_op.drop_column("from_desk")
        batch_op.drop_column("run_id")
    op.drop_table("app_desk_slip")
    op.drop_table("app_print_run")
