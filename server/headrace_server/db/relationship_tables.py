"""The tables of detections of relationships and of what was decided on them, part of `tables`."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from headrace_server.db.columns import count as _count
from headrace_server.db.columns import instant as _instant
from headrace_server.db.columns import metadata
from headrace_server.db.columns import short_text as _text

relationship_detections = Table(
    "relationship_detections",
    metadata,
    _text("detection_id", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("job_id"),
    # schema, tables, confidence_threshold, use_ai.
    Column("request", JSON, nullable=False),
    _text("status"),
    _count("tables_read"),
    _count("total_tables"),
    Column("error", Text),
    # The relationships; null until they are found.
    Column("relationships", JSON),
    _instant("created_at", nullable=False),
    _instant("completed_at"),
    _instant("expires_at", nullable=False),
)
Index("ix_relationship_detections_expires_at", relationship_detections.c.expires_at)

relationship_decisions = Table(
    "relationship_decisions",
    metadata,
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("schema"),
    # SHA-256 of the edge, whose names may be too long to be indexed.
    _text("edge_hash"),
    # from_table, from_columns, to_table, to_columns, through.
    Column("edge", JSON, nullable=False),
    Column("accepted", Boolean, nullable=False),
    # Null where whoever accepted it left it to detection.
    _text("relationship_type", nullable=True),
    _instant("decided_at", nullable=False),
    PrimaryKeyConstraint("tenant_id", "schema", "edge_hash"),
)
