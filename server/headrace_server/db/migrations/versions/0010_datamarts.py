"""Datamarts and their refreshes."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of datamarts."""
    op.create_table(
        "datamarts",
        _text("datamart_id"),
        _text("tenant_id"),
        _text("schema"),
        _text("name"),
        sa.Column("query", sa.Text(), nullable=False),
        _text("type"),
        _text("strategy"),
        sa.Column("concurrent", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        _text("status"),
        _count("rows_count"),
        _count("size_bytes"),
        _instant("last_refresh", nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("unique_key", sa.JSON(), nullable=False),
        _text("latest_refresh_id", nullable=True),
        _count("refreshes"),
        sa.Column("seen", sa.JSON(), nullable=True),
        _text("version", nullable=True),
        _text("versioned_name", nullable=True),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        _instant("expires_at", nullable=True),
        _text("schedule_id", nullable=True),
        sa.Column("schedule_concurrent", sa.Boolean(), nullable=True),
        _instant("created_at"),
        _of_tenant("datamarts"),
        sa.PrimaryKeyConstraint("datamart_id", name="pk_datamarts"),
        sa.UniqueConstraint(
            "tenant_id", "schema", "name", name="uq_datamarts_tenant_id_schema_name"
        ),
    )
    _index("datamarts", "expiring", ["expires_at"], "expires_at IS NOT NULL")
    _index("datamarts", "on_commit", ["tenant_id"], "strategy = 'ON_COMMIT'")
    _create_refreshes()


def _create_refreshes() -> None:
    op.create_table(
        "datamart_refreshes",
        _text("refresh_id"),
        _text("tenant_id"),
        _text("datamart_id"),
        _text("job_id", nullable=True),
        _text("status"),
        _text("cause"),
        sa.Column("concurrent", sa.Boolean(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        _count("rows_written"),
        _count("rows_count"),
        _count("size_bytes"),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        _count("revision"),
        _instant("created_at"),
        _instant("started_at", nullable=True),
        _instant("completed_at", nullable=True),
        _of_tenant("datamart_refreshes"),
        sa.ForeignKeyConstraint(
            ["datamart_id"],
            ["datamarts.datamart_id"],
            name="fk_datamart_refreshes_datamart_id_datamarts",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("refresh_id", name="pk_datamart_refreshes"),
    )
    op.create_index(
        "ix_datamart_refreshes_newest",
        "datamart_refreshes",
        ["datamart_id", sa.text("number DESC")],
    )
    _index("datamart_refreshes", "open", ["tenant_id"], "status IN ('PENDING', 'RUNNING')")


def _index(table: str, name: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(
        f"ix_{table}_{name}", table, columns, postgresql_where=where, sqlite_where=where
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
    for table in ("datamart_refreshes", "datamarts"):
        op.drop_table(table)
