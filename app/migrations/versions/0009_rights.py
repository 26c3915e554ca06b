"""Second factors that two people agreed to forget, whose a letter is, and an end to old lines of the security log."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# docs/adr/0018: the only lines that may go are those older than this, whoever asks.
KEPT_DAYS = 365


def upgrade() -> None:
    op.create_table(
        "app_factor_loss",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("link_hash", sa.LargeBinary(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app_account.id"],
            name=op.f("fk_app_factor_loss_account_id_app_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_app_factor_loss")),
        sa.UniqueConstraint("link_hash", name=op.f("uq_app_factor_loss_link_hash")),
    )
    with op.batch_alter_table("app_factor_loss", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_app_factor_loss_due_at"), ["due_at"], unique=False)
    with op.batch_alter_table("app_letter", schema=None) as batch_op:
        batch_op.add_column(sa.Column("account_id", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_app_letter_account_id"), ["account_id"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        _guard(f"WHEN OLD.happened_at >= strftime('%Y-%m-%d %H:%M:%f', 'now', '-{KEPT_DAYS} days')")
    else:
        op.execute(
            "CREATE FUNCTION app_forget_security_events() RETURNS bigint LANGUAGE sql SECURITY DEFINER "
            "SET search_path = pg_catalog AS $$ WITH gone AS (DELETE FROM public.app_security_event "
            f"WHERE happened_at < now() - interval '{KEPT_DAYS} days' RETURNING 1) SELECT count(*) FROM gone $$"
        )
        op.execute("REVOKE ALL ON FUNCTION app_forget_security_events() FROM PUBLIC")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _guard("")
    else:
        op.execute("DROP FUNCTION app_forget_security_events()")
    with op.batch_alter_table("app_letter", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_app_letter_account_id"))
        batch_op.drop_column("account_id")
    op.drop_table("app_factor_loss")


def _guard(condition: str) -> None:
    """Say which lines SQLite refuses to delete: those that a condition names, or all."""
    op.execute("DROP TRIGGER app_security_event_no_delete")
    op.execute(
        f"CREATE TRIGGER app_security_event_no_delete BEFORE DELETE ON app_security_event {condition} "
        f"BEGIN SELECT RAISE(ABORT, 'the security log is append-only'); END"
    )
