"""Schedules: what is due by itself, and when."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of schedules."""
    op.create_table(
        "schedules",
        _text("tenant_id"),
        _text("kind"),
        _text("subject"),
        _text("cron"),
        _text("time_zone"),
        _text("catch_up"),
        sa.Column("window_seconds", sa.Double(), nullable=False),
        sa.Column("jitter_seconds", sa.Double(), nullable=False),
        _instant("nominal_at"),
        _instant("next_at"),
        sa.Column("failures", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.tenant_id"], name="fk_schedules_tenant_id_tenants"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "subject", name="pk_schedules"),
    )
    op.create_index("ix_schedules_next_at", "schedules", ["next_at"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(255), nullable=False)


def _instant(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def downgrade() -> None:
    """Drop it."""
    op.drop_table("schedules")
