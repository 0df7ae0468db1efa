"""The tables of pipelines and of their runs, part of `tables`."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
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

pipelines = Table(
    "pipelines",
    metadata,
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("pipeline_id"),
    # The newest of its versions.
    Column("version", Integer, nullable=False),
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("tenant_id", "pipeline_id"),
)

# They stay without their pipeline as long as runs of them are known.
pipeline_versions = Table(
    "pipeline_versions",
    metadata,
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("pipeline_id"),
    Column("version", Integer, nullable=False),
    Column("definition", JSON, nullable=False),
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("tenant_id", "pipeline_id", "version"),
)

runs = Table(
    "runs",
    metadata,
    _text("run_id", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("pipeline_id"),
    Column("pipeline_version", Integer, nullable=False),
    # The job that moves it on.
    _text("job_id"),
    _text("status"),
    _count("revision"),
    Column("parameters", JSON, nullable=False),
    Column("notification_email", Text, nullable=False),
    _text("trigger_id", nullable=True),
    _instant("nominal_time", nullable=False),
    _text("local_time"),
    Column("event", JSON, nullable=False),
    Column("error", Text),
    _instant("created_at", nullable=False),
    _instant("started_at"),
    _instant("completed_at"),
    _instant("deadline_at"),
    _count("total_steps"),
    _count("ended_steps"),
    _count("failed_steps"),
    _count("rows"),
    ForeignKeyConstraint(
        ["tenant_id", "pipeline_id", "pipeline_version"],
        [
            "pipeline_versions.tenant_id",
            "pipeline_versions.pipeline_id",
            "pipeline_versions.version",
        ],
        name="fk_runs_pipeline_version",
    ),
)
Index("ix_runs_newest", runs.c.tenant_id, desc(runs.c.created_at), runs.c.run_id)
Index(
    "ix_runs_of_pipeline",
    runs.c.tenant_id,
    runs.c.pipeline_id,
    desc(runs.c.created_at),
    runs.c.run_id,
)
_triggered = text("trigger_id IS NOT NULL")
Index(
    "ix_runs_of_trigger",
    runs.c.tenant_id,
    runs.c.trigger_id,
    desc(runs.c.created_at),
    runs.c.run_id,
    postgresql_where=_triggered,
    sqlite_where=_triggered,
)
Index("ix_runs_completed_at", runs.c.completed_at)

run_steps = Table(
    "run_steps",
    metadata,
    _text("run_id", ForeignKey("runs.run_id", ondelete="CASCADE")),
    # Its place in the pipeline, from 0.
    Column("step_no", Integer, nullable=False),
    _text("step_id"),
    _text("kind"),
    _text("status"),
    _count("attempt"),
    _count("failures"),
    _instant("next_attempt_at"),
    # An ingestion, a refresh, an export or a job, by the kind.
    _text("child_id", nullable=True),
    Column("child_open", Boolean, nullable=False),
    _instant("started_at"),
    _instant("completed_at"),
    _count("progress"),
    _count("rows"),
    Column("output", JSON, nullable=False),
    Column("error", Text),
    Column("message", Text),
    # approved, decided_by, decided_at, comment; null until it is decided.
    Column("verdict", JSON(none_as_null=True)),
    PrimaryKeyConstraint("run_id", "step_no"),
)
_open = text("child_open")
Index(
    "ix_run_steps_open",
    run_steps.c.kind,
    run_steps.c.child_id,
    postgresql_where=_open,
    sqlite_where=_open,
)

run_log = Table(
    "run_log",
    metadata,
    _text("run_id", ForeignKey("runs.run_id", ondelete="CASCADE")),
    Column("number", Integer, nullable=False),
    _text("step_id"),
    _count("attempt"),
    _instant("at", nullable=False),
    Column("message", Text, nullable=False),
    PrimaryKeyConstraint("run_id", "number"),
)
