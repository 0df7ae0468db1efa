"""The tables of triggers and of what they started, part of `tables`."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    desc,
    text,
)

from headrace_server.db.columns import count as _count
from headrace_server.db.columns import instant as _instant
from headrace_server.db.columns import metadata
from headrace_server.db.columns import short_text as _text

triggers = Table(
    "triggers",
    metadata,
    _text("trigger_id", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("pipeline_id"),
    _text("type"),
    # Of model.trigger.TriggerSettings.
    Column("settings", JSON, nullable=False),
    _text("status"),
    _instant("created_at", nullable=False),
    _text("webhook_auth", nullable=True),
    # key_id, sealed in base64 and expires_at of each, newest first; empty where there are none.
    Column("secrets", JSON, nullable=False),
    _text("watch_id", nullable=True),
    _count("files_revision"),
    _instant("paused_at"),
    Column("pause_reason", Text),
    _count("executions"),
    _count("successes"),
    _count("failures"),
    _count("consecutive_failures"),
    _instant("last_execution_at"),
)
Index(
    "ix_triggers_newest",
    triggers.c.tenant_id,
    desc(triggers.c.created_at),
    triggers.c.trigger_id,
)
Index("ix_triggers_of_pipeline", triggers.c.tenant_id, triggers.c.pipeline_id)
_of_files = text("type = 'FILE'")
Index(
    "ix_triggers_of_files",
    triggers.c.status,
    postgresql_where=_of_files,
    sqlite_where=_of_files,
)

trigger_executions = Table(
    "trigger_executions",
    metadata,
    _text("execution_id", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("trigger_id", ForeignKey("triggers.trigger_id", ondelete="CASCADE")),
    _instant("executed_at", nullable=False),
    _instant("nominal_at", nullable=False),
    _text("status"),
    Column("reason", Text),
    _text("run_id", nullable=True),
    Column("times", BigInteger, nullable=False),
    Column("event", JSON, nullable=False),
    Column("parameters", JSON, nullable=False),
    _text("webhook_id", nullable=True),
    Column("backfill", Boolean, nullable=False),
    Column("duration_seconds", Double),
    Column("rows", BigInteger),
)
Index(
    "ix_trigger_executions_newest",
    trigger_executions.c.trigger_id,
    desc(trigger_executions.c.executed_at),
    trigger_executions.c.execution_id,
)
Index(
    "ix_trigger_executions_nominal",
    trigger_executions.c.trigger_id,
    trigger_executions.c.nominal_at,
)
_open = text("status IN ('QUEUED', 'RUNNING')")
Index(
    "ix_trigger_executions_open",
    trigger_executions.c.status,
    trigger_executions.c.trigger_id,
    postgresql_where=_open,
    sqlite_where=_open,
)

# Messages of webhooks that were taken, so that none is taken twice.
trigger_messages = Table(
    "trigger_messages",
    metadata,
    _text("trigger_id", ForeignKey("triggers.trigger_id", ondelete="CASCADE")),
    # SHA-256 of the id that the sender gave it.
    _text("message_hash"),
    _text("execution_id"),
    _instant("expires_at", nullable=False),
    PrimaryKeyConstraint("trigger_id", "message_hash"),
)
Index("ix_trigger_messages_expires_at", trigger_messages.c.expires_at)

# Which version of each file fired a trigger last.
trigger_files = Table(
    "trigger_files",
    metadata,
    _text("trigger_id", ForeignKey("triggers.trigger_id", ondelete="CASCADE")),
    # SHA-256 of the file's path.
    _text("path_hash"),
    Column("fingerprint", Text, nullable=False),
    PrimaryKeyConstraint("trigger_id", "path_hash"),
)
