"""The table of schedules, part of `tables`."""

from sqlalchemy import Column, Double, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, text

from headrace_server.db.columns import instant as _instant
from headrace_server.db.columns import metadata
from headrace_server.db.columns import short_text as _text

schedules = Table(
    "schedules",
    metadata,
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("kind"),
    _text("subject"),
    _text("cron"),
    _text("time_zone"),
    _text("catch_up"),
    Column("window_seconds", Double, nullable=False),
    Column("jitter_seconds", Double, nullable=False),
    # The next time by the schedule, and when it is handled: later by the jitter, or by a back-off.
    # Null where no time is left.
    _instant("nominal_at"),
    _instant("next_at"),
    # How often the handling failed since it last went well.
    Column("failures", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("tenant_id", "kind", "subject"),
)
Index("ix_schedules_next_at", schedules.c.next_at)
