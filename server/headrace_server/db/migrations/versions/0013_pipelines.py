"""Pipelines, and their runs."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of pipelines and runs."""
    _create_pipelines()
    _create_runs()
    _create_steps()


def _create_pipelines() -> None:
    op.create_table(
        "pipelines",
        _text("tenant_id"),
        _text("pipeline_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        _instant("created_at"),
        _of_tenant("pipelines"),
        sa.PrimaryKeyConstraint("tenant_id", "pipeline_id", name="pk_pipelines"),
    )
    op.create_table(
        "pipeline_versions",
        _text("tenant_id"),
        _text("pipeline_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        _instant("created_at"),
        _of_tenant("pipeline_versions"),
        sa.PrimaryKeyConstraint("tenant_id", "pipeline_id", "version", name="pk_pipeline_versions"),
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        _text("run_id"),
        _text("tenant_id"),
        _text("pipeline_id"),
        sa.Column("pipeline_version", sa.Integer(), nullable=False),
        _text("job_id"),
        _text("status"),
        _count("revision"),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("notification_email", sa.Text(), nullable=False),
        _text("trigger_id", nullable=True),
        _instant("nominal_time"),
        _text("local_time"),
        sa.Column("event", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        _instant("created_at"),
        _instant("started_at", nullable=True),
        _instant("completed_at", nullable=True),
        _instant("deadline_at", nullable=True),
        _count("total_steps"),
        _count("ended_steps"),
        _count("failed_steps"),
        _count("rows"),
        _of_tenant("runs"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "pipeline_id", "pipeline_version"],
            [
                "pipeline_versions.tenant_id",
                "pipeline_versions.pipeline_id",
                "pipeline_versions.version",
            ],
            name="fk_runs_pipeline_version",
        ),
        sa.PrimaryKeyConstraint("run_id", name="pk_runs"),
    )
    newest: list[Any] = [sa.text("created_at DESC"), "run_id"]
    op.create_index("ix_runs_newest", "runs", ["tenant_id", *newest])
    op.create_index("ix_runs_of_pipeline", "runs", ["tenant_id", "pipeline_id", *newest])
    triggered = sa.text("trigger_id IS NOT NULL")
    op.create_index(
        "ix_runs_of_trigger",
        "runs",
        ["tenant_id", "trigger_id", *newest],
        postgresql_where=triggered,
        sqlite_where=triggered,
    )
    op.create_index("ix_runs_completed_at", "runs", ["completed_at"])


def _create_steps() -> None:
    op.create_table(
        "run_steps",
        _text("run_id"),
        sa.Column("step_no", sa.Integer(), nullable=False),
        _text("step_id"),
        _text("kind"),
        _text("status"),
        _count("attempt"),
        _count("failures"),
        _instant("next_attempt_at", nullable=True),
        _text("child_id", nullable=True),
        sa.Column("child_open", sa.Boolean(), nullable=False),
        _instant("started_at", nullable=True),
        _instant("completed_at", nullable=True),
        _count("progress"),
        _count("rows"),
        sa.Column("output", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("verdict", sa.JSON(), nullable=True),
        _of_run("run_steps"),
        sa.PrimaryKeyConstraint("run_id", "step_no", name="pk_run_steps"),
    )
    under_way = sa.text("child_open")
    op.create_index(
        "ix_run_steps_open",
        "run_steps",
        ["kind", "child_id"],
        postgresql_where=under_way,
        sqlite_where=under_way,
    )
    op.create_table(
        "run_log",
        _text("run_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        _text("step_id"),
        _count("attempt"),
        _instant("at"),
        sa.Column("message", sa.Text(), nullable=False),
        _of_run("run_log"),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_run_log"),
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


def _of_run(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["run_id"], ["runs.run_id"], ondelete="CASCADE", name=f"fk_{table}_run_id_runs"
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("run_log", "run_steps", "runs", "pipeline_versions", "pipelines"):
        op.drop_table(table)
