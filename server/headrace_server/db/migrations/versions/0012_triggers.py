"""Triggers, what they started, and what fired them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_OF_FILES = sa.text("type = 'FILE'")
_OPEN = sa.text("status IN ('QUEUED', 'RUNNING')")


def upgrade() -> None:
    """Create the tables of triggers."""
    op.create_table(
        "triggers",
        _text("trigger_id"),
        _text("tenant_id"),
        _text("pipeline_id"),
        _text("type"),
        sa.Column("settings", sa.JSON(), nullable=False),
        _text("status"),
        _instant("created_at"),
        _text("webhook_auth", nullable=True),
        sa.Column("secrets", sa.JSON(), nullable=False),
        _text("watch_id", nullable=True),
        _count("files_revision"),
        _instant("paused_at", nullable=True),
        sa.Column("pause_reason", sa.Text(), nullable=True),
        _count("executions"),
        _count("successes"),
        _count("failures"),
        _count("consecutive_failures"),
        _instant("last_execution_at", nullable=True),
        _of_tenant("triggers"),
        sa.PrimaryKeyConstraint("trigger_id", name="pk_triggers"),
    )
    op.create_index(
        "ix_triggers_newest", "triggers", ["tenant_id", sa.text("created_at DESC"), "trigger_id"]
    )
    op.create_index("ix_triggers_of_pipeline", "triggers", ["tenant_id", "pipeline_id"])
    op.create_index(
        "ix_triggers_of_files",
        "triggers",
        ["status"],
        postgresql_where=_OF_FILES,
        sqlite_where=_OF_FILES,
    )
    _create_executions()
    op.create_table(
        "trigger_messages",
        _text("trigger_id"),
        _text("message_hash"),
        _text("execution_id"),
        _instant("expires_at"),
        _of_trigger("trigger_messages"),
        sa.PrimaryKeyConstraint("trigger_id", "message_hash", name="pk_trigger_messages"),
    )
    op.create_index("ix_trigger_messages_expires_at", "trigger_messages", ["expires_at"])
    op.create_table(
        "trigger_files",
        _text("trigger_id"),
        _text("path_hash"),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        _of_trigger("trigger_files"),
        sa.PrimaryKeyConstraint("trigger_id", "path_hash", name="pk_trigger_files"),
    )


def _create_executions() -> None:
    op.create_table(
        "trigger_executions",
        _text("execution_id"),
        _text("tenant_id"),
        _text("trigger_id"),
        _instant("executed_at"),
        _instant("nominal_at"),
        _text("status"),
        sa.Column("reason", sa.Text(), nullable=True),
        _text("run_id", nullable=True),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.JSON(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        _text("webhook_id", nullable=True),
        sa.Column("backfill", sa.Boolean(), nullable=False),
        sa.Column("duration_seconds", sa.Double(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        _of_tenant("trigger_executions"),
        _of_trigger("trigger_executions"),
        sa.PrimaryKeyConstraint("execution_id", name="pk_trigger_executions"),
    )
    op.create_index(
        "ix_trigger_executions_newest",
        "trigger_executions",
        ["trigger_id", sa.text("executed_at DESC"), "execution_id"],
    )
    op.create_index(
        "ix_trigger_executions_nominal", "trigger_executions", ["trigger_id", "nominal_at"]
    )
    op.create_index(
        "ix_trigger_executions_open",
        "trigger_executions",
        ["status", "trigger_id"],
        postgresql_where=_OPEN,
        sqlite_where=_OPEN,
    )


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(255), nullable=nullable)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0"))


def _instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id"], ["tenants.tenant_id"], name=f"fk_{table}_tenant_id_tenants"
    )


def _of_trigger(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["trigger_id"],
        ["triggers.trigger_id"],
        name=f"fk_{table}_trigger_id_triggers",
        ondelete="CASCADE",
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("trigger_files", "trigger_messages", "trigger_executions", "triggers"):
        op.drop_table(table)
