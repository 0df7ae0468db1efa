"""The tables of datasets in the control store, part of `tables`."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    desc,
)

from headrace_server.db.columns import count as _count
from headrace_server.db.columns import instant as _instant
from headrace_server.db.columns import metadata
from headrace_server.db.columns import short_text as _text

datasets = Table(
    "datasets",
    metadata,
    _text("dataset_id", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("full_name"),
    # Of model.dataset.Declaration and model.observation.Observation.
    Column("declaration", JSON, nullable=False),
    Column("observation", JSON(none_as_null=True)),
    Column("score", Integer, nullable=False),
    _text("status"),
    _text("rules_version"),
    # When time alone may change the score; null for never.
    _instant("valid_until", index=True),
    _count("revision"),
    # Entries of its history.
    _count("scorings"),
    _instant("scored_at", nullable=False),
    _instant("created_at", nullable=False),
    _instant("updated_at", nullable=False),
    UniqueConstraint("tenant_id", "full_name"),
)
Index("ix_datasets_best", datasets.c.tenant_id, desc(datasets.c.score), datasets.c.full_name)
Index("ix_datasets_changed", datasets.c.tenant_id, datasets.c.revision)


def _dataset_id() -> Column[str]:
    return _text("dataset_id", ForeignKey("datasets.dataset_id", ondelete="CASCADE"))


dataset_dimensions = Table(
    "dataset_dimensions",
    metadata,
    _dataset_id(),
    _text("dimension"),
    Column("score", Integer, nullable=False),
    Column("max_score", Integer, nullable=False),
    Column("not_evaluated", JSON, nullable=False),
    PrimaryKeyConstraint("dataset_id", "dimension"),
)

dataset_reasons = Table(
    "dataset_reasons",
    metadata,
    _dataset_id(),
    Column("position", Integer, nullable=False),
    _text("dimension"),
    _text("rule"),
    Column("points", Integer, nullable=False),
    Column("message", Text, nullable=False),
    Column("not_evaluated", Boolean, nullable=False),
    Column("declared", Text),
    Column("observed", Text),
    _instant("waived_until"),
    PrimaryKeyConstraint("dataset_id", "position"),
)

dataset_actions = Table(
    "dataset_actions",
    metadata,
    _dataset_id(),
    Column("position", Integer, nullable=False),
    _text("dimension"),
    _text("rule"),
    Column("points", Integer, nullable=False),
    Column("description", Text, nullable=False),
    PrimaryKeyConstraint("dataset_id", "position"),
)

dataset_scores = Table(
    "dataset_scores",
    metadata,
    _dataset_id(),
    Column("number", BigInteger, nullable=False),
    _instant("scored_at", nullable=False),
    Column("score", Integer, nullable=False),
    _text("status"),
    _text("rules_version"),
    _text("cause"),
    # Of model.dataset.DimensionScore.
    Column("dimensions", JSON, nullable=False),
    PrimaryKeyConstraint("dataset_id", "number"),
)

dataset_waivers = Table(
    "dataset_waivers",
    metadata,
    _dataset_id(),
    _text("rule"),
    Column("justification", Text, nullable=False),
    # The key that granted it; null for an anonymous caller.
    _text("granted_by", nullable=True),
    _instant("granted_at", nullable=False),
    _instant("expires_at", nullable=False),
    PrimaryKeyConstraint("dataset_id", "rule"),
)

# Tables that rows were loaded into since they were last observed.
dataset_loads = Table(
    "dataset_loads",
    metadata,
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("full_name"),
    _instant("loaded_at", nullable=False),
    # Until then it is somebody's to observe.
    _instant("claimed_until", nullable=False),
    PrimaryKeyConstraint("tenant_id", "full_name"),
)

# The newest revision of any dataset of a tenant; who changes one locks this first.
readiness_revisions = Table(
    "readiness_revisions",
    metadata,
    _text("tenant_id", ForeignKey("tenants.tenant_id"), primary_key=True),
    _count("revision"),
)
