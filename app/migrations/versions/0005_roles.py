"""Roles as grants instead of one word on each account, the security log, and bodies with one officer."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What each of the three words could do until now.
WAS = {"admin": ("admin", "manager"), "manager": ("manager",)}


def upgrade() -> None:
    op.create_table(
        "app_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["app_account.id"],
            name=op.f("fk_app_grant_account_id_app_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["commons_organisation.id"],
            name=op.f("fk_app_grant_organisation_id_commons_organisation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_grant")),
    )
    with op.batch_alter_table("app_grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_app_grant_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_app_grant_account_id_organisation_id_role_unit"),
            ["account_id", "organisation_id", "role", "unit"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
    op.create_table(
        "app_security_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("who", sa.Uuid(), nullable=True),
        sa.Column("whom", sa.Uuid(), nullable=True),
        sa.Column("browser", sa.String(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_security_event")),
    )
    with op.batch_alter_table("app_security_event", schema=None) as batch_op:
        for column in ("happened_at", "who", "whom"):
            batch_op.create_index(batch_op.f(f"ix_app_security_event_{column}"), [column], unique=False)
    # A line is for ever. PostgreSQL refuses by the app role's rights (env.py), SQLite by triggers.
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER app_security_event_no_{act.lower()} BEFORE {act} ON app_security_event "
                f"BEGIN SELECT RAISE(ABORT, 'the security log is append-only'); END"
            )
    with op.batch_alter_table("commons_organisation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("single_handed", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("commons_organisation", schema=None) as batch_op:
        batch_op.alter_column("single_handed", server_default=None)
    _words_to_grants()
    with op.batch_alter_table("app_account", schema=None) as batch_op:
        batch_op.drop_column("role")


def downgrade() -> None:
    with op.batch_alter_table("app_account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("role", sa.String(40), nullable=False, server_default="citizen"))
    with op.batch_alter_table("app_account", schema=None) as batch_op:
        batch_op.alter_column("role", server_default=None)
    # The old column knows two of the roles; the higher one wins, and who holds neither becomes a citizen.
    for word in ("manager", "admin"):
        op.execute(
            f"UPDATE app_account SET role = '{word}' WHERE id IN "
            f"(SELECT account_id FROM app_grant WHERE role = '{word}' AND ended_at IS NULL)"
        )
    with op.batch_alter_table("commons_organisation", schema=None) as batch_op:
        batch_op.drop_column("single_handed")
    op.drop_table("app_security_event")
    op.drop_table("app_grant")


def _words_to_grants() -> None:
    """Give everybody what their word let them do, since they have had an account."""
    account = sa.table("app_account", sa.column("id", sa.Uuid()), sa.column("role"), sa.column("created_at"))
    host = sa.table("commons_organisation", sa.column("id", sa.Uuid()), sa.column("slug"))
    grant = sa.table(
        "app_grant",
        sa.column("id", sa.Uuid()),
        sa.column("account_id", sa.Uuid()),
        sa.column("organisation_id", sa.Uuid()),
        *(sa.column(name) for name in ("role", "unit", "granted_at")),
    )
    connection = op.get_bind()
    host_id = connection.scalar(sa.select(host.c.id).order_by(host.c.slug).limit(1))
    if host_id is None:
        return
    for account_id, word, created_at in connection.execute(
        sa.select(account.c.id, account.c.role, account.c.created_at).where(account.c.role.in_(WAS))
    ).all():
        for role in WAS[word]:
            connection.execute(
                grant.insert().values(
                    id=uuid4(),
                    account_id=account_id,
                    organisation_id=host_id,
                    role=role,
                    unit="",
                    granted_at=created_at,
                )
            )
