"""Sealed votes: what is asked, and a box that links no voter with a choice."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "ballots_custodian",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("functions", JSON, nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["commons_organisation.id"],
            name=op.f("fk_ballots_custodian_organisation_id_commons_organisation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ballots_custodian")),
    )
    with op.batch_alter_table("ballots_custodian", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ballots_custodian_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "polls_poll",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("titles", JSON, nullable=False),
        sa.Column("questions", JSON, nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("most_ranked", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("binding", sa.Boolean(), nullable=False),
        sa.Column("legal_basis", JSON, nullable=False),
        sa.Column("objections", JSON, nullable=False),
        sa.Column("objections_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("single_handed", sa.Boolean(), nullable=False),
        sa.Column("repeats", sa.Uuid(), nullable=True),
        sa.Column("roll_id", sa.Uuid(), nullable=True),
        sa.Column("planned_opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("planned_publishes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("publishes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("card", JSON, nullable=True),
        sa.Column("card_hash", sa.String(), nullable=False),
        sa.Column("sealing_key", sa.LargeBinary(), nullable=False),
        sa.Column("receipt_key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["commons_organisation.id"],
            name=op.f("fk_polls_poll_organisation_id_commons_organisation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_polls_poll")),
        sa.UniqueConstraint("slug", name=op.f("uq_polls_poll_slug")),
    )
    with op.batch_alter_table("polls_poll", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_polls_poll_state_closes_at"), ["state", "closes_at"], unique=False)

    op.create_table(
        "ballots_box",
        sa.Column("poll_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(40), nullable=False),
        sa.Column("faults", JSON, nullable=False),
        sa.Column("halted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("set_aside", sa.Integer(), nullable=False),
        sa.Column("urn_hash", sa.String(), nullable=False),
        sa.Column("unreadable", sa.Integer(), nullable=False),
        sa.Column("opened_hash", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["poll_id"], ["polls_poll.id"], name=op.f("fk_ballots_box_poll_id_polls_poll")),
        sa.PrimaryKeyConstraint("poll_id", name=op.f("pk_ballots_box")),
    )
    op.create_table(
        "ballots_custody",
        sa.Column("poll_id", sa.Uuid(), nullable=False),
        sa.Column("custodian_id", sa.Uuid(), nullable=False),
        sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["custodian_id"], ["ballots_custodian.id"], name=op.f("fk_ballots_custody_custodian_id_ballots_custodian")
        ),
        sa.ForeignKeyConstraint(["poll_id"], ["polls_poll.id"], name=op.f("fk_ballots_custody_poll_id_polls_poll")),
        sa.PrimaryKeyConstraint("poll_id", "custodian_id", name=op.f("pk_ballots_custody")),
    )
    op.create_table(
        "ballots_envelope",
        sa.Column("poll_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["poll_id"], ["polls_poll.id"], name=op.f("fk_ballots_envelope_poll_id_polls_poll")),
        sa.PrimaryKeyConstraint("poll_id", "slot", name=op.f("pk_ballots_envelope")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ballots_list",
        sa.Column("poll_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["poll_id"], ["polls_poll.id"], name=op.f("fk_ballots_list_poll_id_polls_poll")),
        sa.PrimaryKeyConstraint("poll_id", "name", name=op.f("pk_ballots_list")),
    )
    op.create_table(
        "ballots_opened",
        sa.Column("poll_id", sa.Uuid(), nullable=False),
        sa.Column("pattern", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["poll_id"], ["polls_poll.id"], name=op.f("fk_ballots_opened_poll_id_polls_poll")),
        sa.PrimaryKeyConstraint("poll_id", "pattern", name=op.f("pk_ballots_opened")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ballots_participation",
        sa.Column("poll_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.LargeBinary(), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("form_key", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["poll_id"], ["polls_poll.id"], name=op.f("fk_ballots_participation_poll_id_polls_poll")
        ),
        sa.PrimaryKeyConstraint("poll_id", "tag", name=op.f("pk_ballots_participation")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ballots_set_aside",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("poll_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("tag", sa.LargeBinary(), nullable=True),
        sa.Column("slot", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["poll_id"], ["polls_poll.id"], name=op.f("fk_ballots_set_aside_poll_id_polls_poll")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ballots_set_aside")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("ballots_set_aside", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ballots_set_aside_poll_id"), ["poll_id"], unique=False)

    op.create_table(
        "ballots_urn",
        sa.Column("poll_id", sa.Uuid(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["poll_id"], ["polls_poll.id"], name=op.f("fk_ballots_urn_poll_id_polls_poll")),
        sa.PrimaryKeyConstraint("poll_id", "ciphertext", name=op.f("pk_ballots_urn")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "polls_amendment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("poll_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("values", JSON, nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed_by", sa.Uuid(), nullable=True),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused_by", sa.Uuid(), nullable=True),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["poll_id"], ["polls_poll.id"], name=op.f("fk_polls_amendment_poll_id_polls_poll")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_polls_amendment")),
    )
    with op.batch_alter_table("polls_amendment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_polls_amendment_poll_id"), ["poll_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("polls_amendment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_polls_amendment_poll_id"))

    op.drop_table("polls_amendment")
    op.drop_table("ballots_urn")
    with op.batch_alter_table("ballots_set_aside", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ballots_set_aside_poll_id"))

    op.drop_table("ballots_set_aside")
    op.drop_table("ballots_participation")
    op.drop_table("ballots_opened")
    op.drop_table("ballots_list")
    op.drop_table("ballots_envelope")
    op.drop_table("ballots_custody")
    op.drop_table("ballots_box")
    with op.batch_alter_table("polls_poll", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_polls_poll_state_closes_at"))

    op.drop_table("polls_poll")
    with op.batch_alter_table("ballots_custodian", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ballots_custodian_organisation_id"))

    op.drop_table("ballots_custodian")
