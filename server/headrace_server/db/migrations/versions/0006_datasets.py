"""Datasets, their scores, waivers and history."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_EXPLANATIONS = (
    ("dataset_reasons", "position"),
    ("dataset_actions", "position"),
    ("dataset_dimensions", "dimension"),
    ("dataset_scores", "number"),
    ("dataset_waivers", "rule"),
)


def upgrade() -> None:
    """Create the tables of readiness."""
    _create_datasets()
    _create_explanations()
    op.create_table(
        "dataset_loads",
        _text("tenant_id"),
        _text("full_name"),
        _instant("loaded_at"),
        _instant("claimed_until"),
        _of_tenant("dataset_loads"),
        sa.PrimaryKeyConstraint("tenant_id", "full_name", name="pk_dataset_loads"),
    )
    op.create_table(
        "readiness_revisions",
        _text("tenant_id"),
        _count("revision"),
        _of_tenant("readiness_revisions"),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_readiness_revisions"),
    )


def _create_datasets() -> None:
    op.create_table(
        "datasets",
        _text("dataset_id"),
        _text("tenant_id"),
        _text("full_name"),
        sa.Column("declaration", sa.JSON(), nullable=False),
        sa.Column("observation", sa.JSON(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=False),
        _text("status"),
        _text("rules_version"),
        _instant("valid_until", nullable=True),
        _count("revision"),
        _count("scorings"),
        _instant("scored_at"),
        _instant("created_at"),
        _instant("updated_at"),
        _of_tenant("datasets"),
        sa.PrimaryKeyConstraint("dataset_id", name="pk_datasets"),
        sa.UniqueConstraint("tenant_id", "full_name", name="uq_datasets_tenant_id_full_name"),
    )
    op.create_index("ix_datasets_valid_until", "datasets", ["valid_until"])
    op.create_index("ix_datasets_changed", "datasets", ["tenant_id", "revision"])
    op.create_index(
        "ix_datasets_best", "datasets", ["tenant_id", sa.literal_column("score DESC"), "full_name"]
    )


def _create_explanations() -> None:
    _create_of_dataset(
        "dataset_reasons",
        sa.Column("position", sa.Integer(), nullable=False),
        _text("dimension"),
        _text("rule"),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("not_evaluated", sa.Boolean(), nullable=False),
        sa.Column("declared", sa.Text(), nullable=True),
        sa.Column("observed", sa.Text(), nullable=True),
        _instant("waived_until", nullable=True),
    )
    _create_of_dataset(
        "dataset_actions",
        sa.Column("position", sa.Integer(), nullable=False),
        _text("dimension"),
        _text("rule"),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
    )
    _create_of_dataset(
        "dataset_dimensions",
        _text("dimension"),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("max_score", sa.Integer(), nullable=False),
        sa.Column("not_evaluated", sa.JSON(), nullable=False),
    )
    _create_of_dataset(
        "dataset_scores",
        sa.Column("number", sa.BigInteger(), nullable=False),
        _instant("scored_at"),
        sa.Column("score", sa.Integer(), nullable=False),
        _text("status"),
        _text("rules_version"),
        _text("cause"),
        sa.Column("dimensions", sa.JSON(), nullable=False),
    )
    _create_of_dataset(
        "dataset_waivers",
        _text("rule"),
        sa.Column("justification", sa.Text(), nullable=False),
        _text("granted_by", nullable=True),
        _instant("granted_at"),
        _instant("expires_at"),
    )


def _create_of_dataset(table: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        table,
        _text("dataset_id"),
        *columns,
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["datasets.dataset_id"],
            name=f"fk_{table}_dataset_id_datasets",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("dataset_id", dict(_EXPLANATIONS)[table], name=f"pk_{table}"),
    )


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length=255), nullable=nullable)


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_tenant(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id"], ["tenants.tenant_id"], name=f"fk_{table}_tenant_id_tenants"
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "readiness_revisions",
        "dataset_loads",
        *(table for table, _ in _EXPLANATIONS),
        "datasets",
    ):
        op.drop_table(table)
