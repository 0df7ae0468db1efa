"""Detections of relationships, and decisions on them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of relationships."""
    op.create_table(
        "relationship_detections",
        _text("detection_id"),
        _text("tenant_id"),
        _text("job_id"),
        sa.Column("request", sa.JSON(), nullable=False),
        _text("status"),
        _count("tables_read"),
        _count("total_tables"),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("relationships", sa.JSON(), nullable=True),
        _instant("created_at"),
        _instant("completed_at", nullable=True),
        _instant("expires_at"),
        _of_tenant("relationship_detections"),
        sa.PrimaryKeyConstraint("detection_id", name="pk_relationship_detections"),
    )
    op.create_index(
        "ix_relationship_detections_expires_at", "relationship_detections", ["expires_at"]
    )
    op.create_table(
        "relationship_decisions",
        _text("tenant_id"),
        _text("schema"),
        _text("edge_hash"),
        sa.Column("edge", sa.JSON(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        _text("relationship_type", nullable=True),
        _instant("decided_at"),
        _of_tenant("relationship_decisions"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "schema", "edge_hash", name="pk_relationship_decisions"
        ),
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


def downgrade() -> None:
    """Drop them."""
    for table in ("relationship_decisions", "relationship_detections"):
        op.drop_table(table)
