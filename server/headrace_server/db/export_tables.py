"""The table of exports, part of `tables`."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Table, Text

from headrace_server.db.columns import count as _count
from headrace_server.db.columns import instant as _instant
from headrace_server.db.columns import metadata
from headrace_server.db.columns import short_text as _text

exports = Table(
    "exports",
    metadata,
    _text("export_id", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("job_id"),
    # output, source, title, sections.
    Column("request", JSON, nullable=False),
    _text("status"),
    Column("file_name", Text, nullable=False),
    _count("revision"),
    _count("rows"),
    # Null where it is not known.
    Column("total_rows", BigInteger),
    Column("truncated", Boolean, nullable=False),
    # Names of sheets, and sentences.
    Column("sheets", JSON, nullable=False),
    Column("warnings", JSON, nullable=False),
    _count("file_bytes"),
    # Names the folder of the file in the spool.
    _count("file_attempt"),
    Column("error", Text),
    _instant("created_at", nullable=False),
    _instant("started_at"),
    _instant("completed_at"),
    _instant("expires_at", nullable=False),
)
Index("ix_exports_tenant_id_created_at", exports.c.tenant_id, exports.c.created_at)
Index("ix_exports_expires_at", exports.c.expires_at)
