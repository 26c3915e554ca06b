"""Single changes of a roll as versions, and long lists on their way into one."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WRITING = sa.text("stage = 'writing'")


def upgrade() -> None:
    with op.batch_alter_table("app_roll_version", schema=None) as batch_op:
        batch_op.add_column(sa.Column("restored", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("app_roll_version", schema=None) as batch_op:
        batch_op.alter_column("restored", server_default=None)
    numbers = ("seen", "acts", "written", "added", "renamed", "struck", "lines")
    op.create_table(
        "app_roll_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("roll_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.String(40), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in numbers),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["roll_id"], ["app_roll.id"], name=op.f("fk_app_roll_import_roll_id_app_roll")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_roll_import")),
    )
    with op.batch_alter_table("app_roll_import", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_app_roll_import_moved_at"), ["moved_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_app_roll_import_roll_id"),
            ["roll_id"],
            unique=True,
            sqlite_where=WRITING,
            postgresql_where=WRITING,
        )
    for table, columns, key in (
        ("app_roll_import_part", (("number", sa.Integer()), ("packed", sa.LargeBinary())), "number"),
        (
            "app_pending_roll_line",
            (("reference", sa.String()), ("act", sa.String()), ("line_id", sa.Uuid()), ("name", sa.String())),
            "reference",
        ),
    ):
        op.create_table(
            table,
            sa.Column("import_id", sa.Uuid(), nullable=False),
            *(sa.Column(name, kind, nullable=False) for name, kind in columns),
            sa.ForeignKeyConstraint(
                ["import_id"],
                ["app_roll_import.id"],
                name=op.f(f"fk_{table}_import_id_app_roll_import"),
                ondelete="CASCADE",
            ),
            sa.PrimaryKeyConstraint("import_id", key, name=op.f(f"pk_{table}")),
        )
    with op.batch_alter_table("app_pending_roll_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("person_mac", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    for table in ("app_pending_roll_line", "app_roll_import_part", "app_roll_import"):
        op.drop_table(table)
    with op.batch_alter_table("app_roll_version", schema=None) as batch_op:
        batch_op.drop_column("restored")
