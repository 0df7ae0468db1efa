"""Remote jobs, and the keys that links to their sources are signed with."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of remote jobs."""
    op.create_index(
        "ix_jobs_completed",
        "jobs",
        ["kind", "tenant_id", "completed_at"],
        postgresql_where=sa.text("status = 'COMPLETED'"),
        sqlite_where=sa.text("status = 'COMPLETED'"),
    )
    op.create_table(
        "remote_jobs",
        sa.Column("job_id", sa.String(length=255), nullable=False),
        sa.Column("tenant_id", sa.String(length=255), nullable=False),
        sa.Column("content_type", sa.String(length=255), nullable=False),
        sa.Column("ingestion_task_id", sa.String(length=255), nullable=False),
        sa.Column("source_file_path", sa.Text(), nullable=False),
        sa.Column("task_options", sa.JSON(), nullable=False),
        sa.Column("checkpoint", sa.JSON(), nullable=True),
        sa.Column("worker_id", sa.String(length=255), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("ingestion_continued", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.job_id"], name="fk_remote_jobs_job_id_jobs", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_remote_jobs_tenant_id_tenants"
        ),
        sa.PrimaryKeyConstraint("job_id", name="pk_remote_jobs"),
    )
    op.create_index(
        "ix_remote_jobs_newest",
        "remote_jobs",
        ["tenant_id", sa.literal_column("created_at DESC"), "job_id"],
    )
    op.create_table(
        "signing_keys",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_signing_keys"),
    )


def downgrade() -> None:
    """Drop the tables of remote jobs."""
    op.drop_table("signing_keys")
    op.drop_table("remote_jobs")
    op.drop_index("ix_jobs_completed", table_name="jobs")
