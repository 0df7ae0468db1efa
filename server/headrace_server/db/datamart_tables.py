"""The tables of datamarts and their refreshes, part of `tables`."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    desc,
    text,
)

from headrace_server.db.columns import count as _count
from headrace_server.db.columns import instant as _instant
from headrace_server.db.columns import metadata
from headrace_server.db.columns import short_text as _text

datamarts = Table(
    "datamarts",
    metadata,
    _text("datamart_id", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("schema"),
    _text("name"),
    Column("query", Text, nullable=False),
    _text("type"),
    _text("strategy"),
    Column("concurrent", Boolean, nullable=False),
    Column("description", Text, nullable=False),
    Column("metadata", JSON, nullable=False),
    # Pairs of schema and name.
    Column("sources", JSON, nullable=False),
    _text("status"),
    _count("rows_count"),
    _count("size_bytes"),
    _instant("last_refresh"),
    Column("error", Text),
    Column("unique_key", JSON, nullable=False),
    _text("latest_refresh_id", nullable=True),
    _count("refreshes"),
    # What had come into its sources when a load last had it refreshed; null before.
    Column("seen", JSON(none_as_null=True)),
    _text("version", nullable=True),
    _text("versioned_name", nullable=True),
    Column("retention_days", Integer),
    _instant("expires_at"),
    # Of its schedule, which is in the table of these; null where it has none.
    _text("schedule_id", nullable=True),
    Column("schedule_concurrent", Boolean),
    _instant("created_at", nullable=False),
    UniqueConstraint("tenant_id", "schema", "name"),
)
_expiring = text("expires_at IS NOT NULL")
Index(
    "ix_datamarts_expiring",
    datamarts.c.expires_at,
    postgresql_where=_expiring,
    sqlite_where=_expiring,
)
_on_commit = text("strategy = 'ON_COMMIT'")
Index(
    "ix_datamarts_on_commit",
    datamarts.c.tenant_id,
    postgresql_where=_on_commit,
    sqlite_where=_on_commit,
)

datamart_refreshes = Table(
    "datamart_refreshes",
    metadata,
    _text("refresh_id", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("datamart_id", ForeignKey("datamarts.datamart_id", ondelete="CASCADE")),
    # Null while other refreshes come before it, and for those that are never done.
    _text("job_id", nullable=True),
    _text("status"),
    _text("cause"),
    Column("concurrent", Boolean, nullable=False),
    # The refreshes that come before it.
    Column("after", JSON, nullable=False),
    Column("number", BigInteger, nullable=False),
    _count("rows_written"),
    _count("rows_count"),
    _count("size_bytes"),
    Column("error", Text),
    Column("note", Text),
    _count("revision"),
    _instant("created_at", nullable=False),
    _instant("started_at"),
    _instant("completed_at"),
)
Index(
    "ix_datamart_refreshes_newest",
    datamart_refreshes.c.datamart_id,
    desc(datamart_refreshes.c.number),
)
_open = text("status IN ('PENDING', 'RUNNING')")
Index(
    "ix_datamart_refreshes_open",
    datamart_refreshes.c.tenant_id,
    postgresql_where=_open,
    sqlite_where=_open,
)
