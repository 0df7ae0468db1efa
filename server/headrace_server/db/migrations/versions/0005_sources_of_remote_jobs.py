"""Which remote jobs an upload is the source of, found without reading them all."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index(
        "ix_remote_jobs_of_source",
        "remote_jobs",
        ["source_file_path"],
        postgresql_where=sa.text("length(source_file_path) <= 64"),
        sqlite_where=sa.text("length(source_file_path) <= 64"),
    )


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_remote_jobs_of_source", table_name="remote_jobs")
