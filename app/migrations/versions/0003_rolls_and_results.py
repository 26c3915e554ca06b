"""Rolls and voter codes, results out of the box, measures."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "commons_measure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("taken_by", sa.Uuid(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_because", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commons_measure")),
    )
    with op.batch_alter_table("commons_measure", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_commons_measure_subject"),
            ["subject"],
            unique=True,
            sqlite_where=sa.text("lifted_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL"),
        )

    op.create_table(
        "app_roll",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("names", JSON, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["commons_organisation.id"],
            name=op.f("fk_app_roll_organisation_id_commons_organisation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_roll")),
    )
    with op.batch_alter_table("app_roll", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_app_roll_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "app_roll_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("roll_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("struck_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["roll_id"], ["app_roll.id"], name=op.f("fk_app_roll_line_roll_id_app_roll")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_roll_line")),
        sa.UniqueConstraint("roll_id", "reference", name=op.f("uq_app_roll_line_roll_id_reference")),
    )
    op.create_table(
        "app_voter_code",
        sa.Column("line_id", sa.Uuid(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("void_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["line_id"], ["app_roll_line.id"], name=op.f("fk_app_voter_code_line_id_app_roll_line")
        ),
        sa.PrimaryKeyConstraint("line_id", "serial", name=op.f("pk_app_voter_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_app_voter_code_code_hash")),
    )
    with op.batch_alter_table("ballots_box", schema=None) as batch_op:
        batch_op.add_column(sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("turnout", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("turnout_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("ballots_box", schema=None) as batch_op:
        batch_op.alter_column("turnout", server_default=None)
    with op.batch_alter_table("results_result", schema=None) as batch_op:
        batch_op.add_column(sa.Column("poll_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_results_result_poll_id_polls_poll"), "polls_poll", ["poll_id"], ["id"]
        )
        batch_op.create_unique_constraint(batch_op.f("uq_results_result_poll_id"), ["poll_id"])


def downgrade() -> None:
    with op.batch_alter_table("results_result", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_results_result_poll_id"), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_results_result_poll_id_polls_poll"), type_="foreignkey")
        batch_op.drop_column("poll_id")
    with op.batch_alter_table("ballots_box", schema=None) as batch_op:
        batch_op.drop_column("turnout_at")
        batch_op.drop_column("turnout")
        batch_op.drop_column("deleted_at")
    op.drop_table("app_voter_code")
    op.drop_table("app_roll_line")
    with op.batch_alter_table("app_roll", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_app_roll_organisation_id"))

    op.drop_table("app_roll")
    with op.batch_alter_table("commons_measure", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_commons_measure_subject"))

    op.drop_table("commons_measure")
