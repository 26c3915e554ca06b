"""The house."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(JSONB(), "postgresql")
APPEND_ONLY = ("commons_ledger_leaf", "commons_ledger_checkpoint")


def upgrade() -> None:
    op.create_table(
        "app_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_account")),
        sa.UniqueConstraint("email", name=op.f("uq_app_account_email")),
    )
    op.create_table(
        "app_job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column(
            "facts",
            JSON,
            nullable=False,
        ),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_job")),
        sa.UniqueConstraint("key", name=op.f("uq_app_job_key")),
    )
    with op.batch_alter_table("app_job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_app_job_state_due_at"), ["state", "due_at"], unique=False)

    op.create_table(
        "app_letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column(
            "facts",
            JSON,
            nullable=False,
        ),
        sa.Column("fate", sa.String(40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_letter")),
    )
    with op.batch_alter_table("app_letter", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_app_letter_fate_due_at"), ["fate", "due_at"], unique=False)

    op.create_table(
        "commons_approval",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", sa.String(40), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commons_approval")),
    )
    with op.batch_alter_table("commons_approval", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_commons_approval_action_subject"),
            ["action", "subject"],
            unique=True,
            sqlite_where=sa.text("decision = 'waiting'"),
            postgresql_where=sa.text("decision = 'waiting'"),
        )
        batch_op.create_index(batch_op.f("ix_commons_approval_decision"), ["decision"], unique=False)
        batch_op.create_index(batch_op.f("ix_commons_approval_subject"), ["subject"], unique=False)

    op.create_table(
        "commons_ledger_checkpoint",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_commons_ledger_checkpoint")),
    )
    op.create_table(
        "commons_ledger_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_commons_ledger_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commons_ledger_head")),
    )
    op.create_table(
        "commons_ledger_leaf",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_commons_ledger_leaf")),
    )
    op.create_table(
        "commons_ledger_pending",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column(
            "words",
            JSON,
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commons_ledger_pending")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "commons_organisation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column(
            "names",
            JSON,
            nullable=False,
        ),
        sa.Column(
            "summaries",
            JSON,
            nullable=False,
        ),
        sa.Column("zone", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commons_organisation")),
        sa.UniqueConstraint("slug", name=op.f("uq_commons_organisation_slug")),
    )
    op.create_table(
        "app_session",
        sa.Column("id_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("browser", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["app_account.id"], name=op.f("fk_app_session_account_id_app_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_app_session")),
    )
    with op.batch_alter_table("app_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_app_session_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_app_session_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "commons_ledger_words",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column(
            "words",
            JSON,
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["position"],
            ["commons_ledger_leaf.position"],
            name=op.f("fk_commons_ledger_words_position_commons_ledger_leaf"),
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_commons_ledger_words")),
    )
    with op.batch_alter_table("commons_ledger_words", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_commons_ledger_words_subject"), ["subject"], unique=False)

    op.create_table(
        "commons_organisation_page",
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["commons_organisation.id"],
            name=op.f("fk_commons_organisation_page_organisation_id_commons_organisation"),
        ),
        sa.PrimaryKeyConstraint("organisation_id", "key", "language", name=op.f("pk_commons_organisation_page")),
    )
    op.create_table(
        "commons_picture",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "descriptions",
            JSON,
            nullable=False,
        ),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("webp", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["commons_organisation.id"],
            name=op.f("fk_commons_picture_organisation_id_commons_organisation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commons_picture")),
    )
    op.create_table(
        "results_result",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column(
            "titles",
            JSON,
            nullable=False,
        ),
        sa.Column("source_name", sa.String(), nullable=False),
        sa.Column("source_url", sa.String(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column(
            "card",
            JSON,
            nullable=False,
        ),
        sa.Column(
            "count",
            JSON,
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_because", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["commons_organisation.id"],
            name=op.f("fk_results_result_organisation_id_commons_organisation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_results_result")),
        sa.UniqueConstraint("slug", name=op.f("uq_results_result_slug")),
    )
    with op.batch_alter_table("results_result", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_results_result_organisation_id_published_at"),
            ["organisation_id", "published_at"],
            unique=False,
        )

    op.create_table(
        "commons_service",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column(
            "names",
            JSON,
            nullable=False,
        ),
        sa.Column(
            "summaries",
            JSON,
            nullable=False,
        ),
        sa.Column("picture", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["commons_organisation.id"],
            name=op.f("fk_commons_service_organisation_id_commons_organisation"),
        ),
        sa.ForeignKeyConstraint(
            ["picture"], ["commons_picture.id"], name=op.f("fk_commons_service_picture_commons_picture")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commons_service")),
        sa.UniqueConstraint("organisation_id", "slug", name=op.f("uq_commons_service_organisation_id_slug")),
    )
    op.create_table(
        "results_file",
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["result_id"], ["results_result.id"], name=op.f("fk_results_file_result_id_results_result")
        ),
        sa.PrimaryKeyConstraint("result_id", "name", name=op.f("pk_results_file")),
    )

    # A leaf and a checkpoint are for ever. PostgreSQL refuses by the app role's rights (env.py), SQLite by triggers.
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for act in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
                )


def downgrade() -> None:
    op.drop_table("results_file")
    op.drop_table("commons_service")
    with op.batch_alter_table("results_result", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_results_result_organisation_id_published_at"))

    op.drop_table("results_result")
    op.drop_table("commons_picture")
    op.drop_table("commons_organisation_page")
    with op.batch_alter_table("commons_ledger_words", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_commons_ledger_words_subject"))

    op.drop_table("commons_ledger_words")
    with op.batch_alter_table("app_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_app_session_expires_at"))
        batch_op.drop_index(batch_op.f("ix_app_session_account_id"))

    op.drop_table("app_session")
    op.drop_table("commons_organisation")
    op.drop_table("commons_ledger_pending")
    op.drop_table("commons_ledger_leaf")
    op.drop_table("commons_ledger_head")
    op.drop_table("commons_ledger_checkpoint")
    with op.batch_alter_table("commons_approval", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_commons_approval_subject"))
        batch_op.drop_index(batch_op.f("ix_commons_approval_decision"))
        batch_op.drop_index(batch_op.f("ix_commons_approval_action_subject"))

    op.drop_table("commons_approval")
    with op.batch_alter_table("app_letter", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_app_letter_fate_due_at"))

    op.drop_table("app_letter")
    with op.batch_alter_table("app_job", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_app_job_state_due_at"))

    op.drop_table("app_job")
    op.drop_table("app_account")
