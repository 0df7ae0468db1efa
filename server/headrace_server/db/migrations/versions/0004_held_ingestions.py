"""Ingestions that remote jobs keep open, and uploads that hold the results of jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what ingestions wait for, and whose result an upload is."""
    op.add_column("ingestions", sa.Column("own_status", sa.String(length=255), nullable=True))
    op.add_column("ingestions", sa.Column("own_details", sa.Text(), nullable=True))
    op.add_column("ingestions", sa.Column("remote_failures", sa.Text(), nullable=True))
    op.add_column("remote_jobs", sa.Column("holds", sa.String(length=255), nullable=True))
    op.create_index(
        "ix_remote_jobs_holding",
        "remote_jobs",
        ["holds"],
        postgresql_where=sa.text("holds IS NOT NULL"),
        sqlite_where=sa.text("holds IS NOT NULL"),
    )
    op.create_index(
        "ix_remote_jobs_of_ingestion",
        "remote_jobs",
        ["tenant_id", "ingestion_task_id"],
        postgresql_where=sa.text("ingestion_task_id <> ''"),
        sqlite_where=sa.text("ingestion_task_id <> ''"),
    )
    op.add_column("uploads", sa.Column("job_id", sa.String(length=255), nullable=True))
    op.add_column("uploads", sa.Column("job_attempt", sa.Integer(), nullable=True))
    op.create_index(
        "ix_uploads_of_job",
        "uploads",
        ["job_id"],
        postgresql_where=sa.text("job_id IS NOT NULL"),
        sqlite_where=sa.text("job_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Take the columns away."""
    op.drop_index("ix_uploads_of_job", table_name="uploads")
    op.drop_column("uploads", "job_attempt")
    op.drop_column("uploads", "job_id")
    op.drop_index("ix_remote_jobs_of_ingestion", table_name="remote_jobs")
    op.drop_index("ix_remote_jobs_holding", table_name="remote_jobs")
    op.drop_column("remote_jobs", "holds")
    op.drop_column("ingestions", "remote_failures")
    op.drop_column("ingestions", "own_details")
    op.drop_column("ingestions", "own_status")
