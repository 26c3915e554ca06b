"""Alembic's door: runs the migrations on either database, with a synchronous driver, as the owner."""

from alembic import context
from sqlalchemy import create_engine, event, text

from app.config import load
from app.db import driver_url
from app.migrations.tables import metadata

config = context.config
settings = load()
url = config.attributes.get("url") or driver_url(
    settings.owner_database_url or settings.database_url, asynchronous=False
)
engine = create_engine(url)
embedded = engine.dialect.name == "sqlite"

if embedded:
    # Batch mode copies tables; with foreign keys enforced a copy could delete children. They are checked at the end.
    @event.listens_for(engine, "connect")
    def _prepare(connection, _):
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    @event.listens_for(engine, "begin")
    def _begin(connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def render_item(kind, thing, _):
    """Write types as plain SQLAlchemy ones: a migration must mean the same when our own classes have moved on."""
    if kind != "type":
        return False
    match type(thing).__name__:
        case "AutoString":
            return "sa.String()"
        case "Choice":
            return f"sa.String({thing.impl.length})"
        case "UTCDateTime":
            return "sa.DateTime(timezone=True)"
        case "JSON":
            return 'sa.JSON().with_variant(JSONB(), "postgresql")'
    return False


def grant(connection, role: str) -> None:
    """Let the app role work in the tables; the ledger's leaves and the security log's lines it may only add and read.

    The tables' revision it may only read.
    """
    name = connection.dialect.identifier_preparer.quote(role)
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {name}"))
    connection.execute(text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}"))
    for table in ("commons_ledger_leaf", "commons_ledger_checkpoint", "app_security_event"):
        connection.execute(
            text(
                f"DO $$ BEGIN IF to_regclass('{table}') IS NOT NULL THEN "
                f"REVOKE UPDATE, DELETE ON {table} FROM {name}; END IF; END $$"
            )
        )
    forgetting = "app_forget_security_events()"  # deletes lines older than a year and no others: docs/adr/0018
    connection.execute(
        text(
            f"DO $$ BEGIN IF to_regprocedure('{forgetting}') IS NOT NULL THEN "
            f"GRANT EXECUTE ON FUNCTION {forgetting} TO {name}; END IF; END $$"
        )
    )
    connection.execute(text(f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {name}"))


with engine.begin() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=embedded,
        compare_type=True,
        render_item=render_item,
        transaction_per_migration=False,
    )
    context.run_migrations()
    if embedded and connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
        raise RuntimeError("the migration would leave rows without their parents; nothing was changed")
    if not embedded and (role := config.attributes.get("app_role")):
        grant(connection, role)
engine.dispose()
