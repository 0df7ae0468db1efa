"""Exports of data into files."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of exports."""
    op.create_table(
        "exports",
        _text("export_id"),
        _text("tenant_id"),
        _text("job_id"),
        sa.Column("request", sa.JSON(), nullable=False),
        _text("status"),
        sa.Column("file_name", sa.Text(), nullable=False),
        _count("revision"),
        _count("rows"),
        sa.Column("total_rows", sa.BigInteger(), nullable=True),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column("sheets", sa.JSON(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        _count("file_bytes"),
        _count("file_attempt"),
        sa.Column("error", sa.Text(), nullable=True),
        _instant("created_at"),
        _instant("started_at", nullable=True),
        _instant("completed_at", nullable=True),
        _instant("expires_at"),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_exports_tenant_id_tenants"
        ),
        sa.PrimaryKeyConstraint("export_id", name="pk_exports"),
    )
    op.create_index("ix_exports_tenant_id_created_at", "exports", ["tenant_id", "created_at"])
    op.create_index("ix_exports_expires_at", "exports", ["expires_at"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(255), nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0"))


def _instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def downgrade() -> None:
    """Drop it."""
    op.drop_table("exports")
