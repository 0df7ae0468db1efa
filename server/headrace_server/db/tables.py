"""The tables of the control store. Migrations are proven equal to them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    desc,
    false,
    text,
)

from headrace_server.db import (  # of the same metadata
    datamart_tables,  # noqa: F401
    dataset_tables,  # noqa: F401
    export_tables,  # noqa: F401
    pipeline_tables,  # noqa: F401
    relationship_tables,  # noqa: F401
    schedule_tables,  # noqa: F401
    storage_tables,  # noqa: F401
    trigger_tables,  # noqa: F401
)
from headrace_server.db.columns import count as _count
from headrace_server.db.columns import instant as _instant
from headrace_server.db.columns import metadata as metadata  # noqa: PLC0414  # exported
from headrace_server.db.columns import short_text as _text

tenants = Table(
    "tenants",
    metadata,
    _text("tenant_id", primary_key=True),
    _text("display_name"),
    _text("status"),
    _instant("created_at", nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    _text("key_id", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id"), index=True),
    _text("description"),
    # Names of model.tenant.Scope, sorted, joined by a comma.
    _text("scopes"),
    # SHA-256 of the secret in hexadecimal.
    _text("secret_hash", unique=True),
    _instant("created_at", nullable=False),
    _instant("revoked_at"),
)

watch_tokens = Table(
    "watch_tokens",
    metadata,
    # SHA-256 of the token in hexadecimal.
    _text("token_hash", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    # The key that made the token: revoking it ends the token's streams too. Null: anonymous.
    _text("key_id", nullable=True),
    # What it opens, such as "ingestion:<id>".
    _text("topic"),
    _instant("expires_at", nullable=False, index=True),
)

contracts = Table(
    "contracts",
    metadata,
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("name"),
    Column("version", Integer, nullable=False),
    Column("definition", JSON, nullable=False),
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("tenant_id", "name", "version"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    _text("tenant_id"),
    _text("method"),
    _text("key"),
    # SHA-256 of the request in hexadecimal; never the request.
    _text("fingerprint"),
    # Serialised answer; null while the first request is still being answered.
    Column("answer", LargeBinary),
    # Names the claim, so that a claim that ran out cannot finish over its successor.
    _text("claim_id", unique=True),
    _instant("claim_expires_at", nullable=False),
    _instant("expires_at", nullable=False, index=True),
    PrimaryKeyConstraint("tenant_id", "method", "key"),
)

uploads = Table(
    "uploads",
    metadata,
    _text("upload_id", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("file_name"),
    _text("data_type"),
    _text("priority"),
    _text("status"),
    Column("total_bytes", BigInteger),
    _text("sha256", nullable=True),
    Column("writer", Integer, nullable=False, server_default=text("0")),
    _instant("expires_at", nullable=False, index=True),
    _text("request_id", nullable=True, index=True),
    _instant("created_at", nullable=False),
    # The remote job that it is the result of, and the attempt that uploads it; null for neither.
    _text("job_id", nullable=True),
    Column("job_attempt", Integer),
)
_result = text("job_id IS NOT NULL")
Index("ix_uploads_of_job", uploads.c.job_id, postgresql_where=_result, sqlite_where=_result)

upload_segments = Table(
    "upload_segments",
    metadata,
    _text("upload_id", ForeignKey("uploads.upload_id", ondelete="CASCADE")),
    Column("writer", Integer, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    PrimaryKeyConstraint("upload_id", "writer"),
)

ingestions = Table(
    "ingestions",
    metadata,
    _text("request_id", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("kind"),
    _text("status", index=True),
    _text("priority"),
    # The job that works on it now, or did last.
    _text("job_id"),
    _count("total_units"),
    _count("processed_units"),
    _count("failed_units"),
    _count("rows_loaded"),
    _count("rows_rejected"),
    _count("rows_parked"),
    _count("bytes_total"),
    _count("bytes_processed"),
    Column("details", Text),
    _count("revision"),
    _count("replays"),
    _instant("created_at", nullable=False),
    _instant("started_at"),
    _instant("completed_at"),
    # How its own work ended while remote jobs keep it open; null before, and after its end.
    _text("own_status", nullable=True),
    Column("own_details", Text),
    # What its details say of remote jobs that failed for good; null where none did.
    Column("remote_failures", Text),
)
Index(
    "ix_ingestions_newest",
    ingestions.c.tenant_id,
    desc(ingestions.c.created_at),
    ingestions.c.request_id,
)

ingestion_files = Table(
    "ingestion_files",
    metadata,
    _text("request_id", ForeignKey("ingestions.request_id", ondelete="CASCADE")),
    Column("file_no", Integer, nullable=False),
    _text("file_name"),
    _text("data_type"),
    _text("upload_id"),
    _text("status"),
    _count("bytes_total"),
    _count("bytes_processed"),
    _count("rows_loaded"),
    _count("rows_rejected"),
    _count("rows_parked"),
    Column("error", Text),
    PrimaryKeyConstraint("request_id", "file_no"),
)

mappings = Table(
    "mappings",
    metadata,
    _text("request_id", ForeignKey("ingestions.request_id", ondelete="CASCADE")),
    # Its place in the request, from 0.
    Column("position", Integer, nullable=False),
    _text("mapping_id"),
    Column("source", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("transformation", JSON, nullable=False),
    _text("status"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    _count("latency_ms"),
    Column("error", Text),
    Column("output", JSON(none_as_null=True)),
    PrimaryKeyConstraint("request_id", "position"),
)

jobs = Table(
    "jobs",
    metadata,
    _text("job_id", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("kind"),
    Column("payload", JSON, nullable=False),
    _text("priority"),
    # Microseconds since 1970 of the creation less the head start of the priority: least first.
    Column("rank", BigInteger, nullable=False),
    _text("status"),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("max_retries", Integer, nullable=False),
    _text("worker_id", nullable=True),
    Column("lease_seconds", Double, nullable=False),
    Column("attempt_seconds", Double, nullable=False),
    # Null for no bound; a job that is armed again gets as long once more.
    Column("total_seconds", Double),
    _instant("lease_expires_at"),
    _instant("attempt_expires_at"),
    # The end of the total time; null for no bound.
    _instant("expires_at"),
    _instant("available_at", nullable=False),
    Column("last_error", Text),
    _instant("created_at", nullable=False),
    _instant("started_at"),
    _instant("completed_at"),
)
_pending = text("status = 'PENDING'")
Index(
    "ix_jobs_claimable",
    jobs.c.kind,
    jobs.c.tenant_id,
    jobs.c.rank,
    postgresql_where=_pending,
    sqlite_where=_pending,
)
_running = text("status = 'RUNNING'")
Index(
    "ix_jobs_leased",
    jobs.c.lease_expires_at,
    postgresql_where=_running,
    sqlite_where=_running,
)
# When a tenant was last served: the next turn is that of the one who waits longest.
Index("ix_jobs_served", jobs.c.tenant_id, jobs.c.started_at)
_expiring = text("expires_at IS NOT NULL")
Index(
    "ix_jobs_expiring",
    jobs.c.expires_at,
    postgresql_where=_expiring,
    sqlite_where=_expiring,
)
_completed = text("status = 'COMPLETED'")
# The newest ends of a tenant's jobs of a kind tell how long the next will take.
Index(
    "ix_jobs_completed",
    jobs.c.kind,
    jobs.c.tenant_id,
    jobs.c.completed_at,
    postgresql_where=_completed,
    sqlite_where=_completed,
)

# What a job of kind "remote:<content type>" has beside its place in the queue.
remote_jobs = Table(
    "remote_jobs",
    metadata,
    _text("job_id", ForeignKey("jobs.job_id", ondelete="CASCADE"), primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("content_type"),
    # An ingestion of the tenant, or a label of the caller's; empty for none.
    _text("ingestion_task_id"),
    Column("source_file_path", Text, nullable=False),
    Column("task_options", JSON, nullable=False),
    Column("checkpoint", JSON(none_as_null=True)),
    # The last that was given the job; the queue forgets it when the claim ends.
    _text("worker_id", nullable=True),
    # content, metadata, processing_time, upload_token; null until the job has completed.
    Column("result", JSON(none_as_null=True)),
    Column("ingestion_continued", Boolean, nullable=False, server_default=false()),
    _count("revision"),
    _instant("created_at", nullable=False),
    # The ingestion that the job keeps open; null once it has ended.
    _text("holds", nullable=True),
)
_holding = text("holds IS NOT NULL")
Index(
    "ix_remote_jobs_holding",
    remote_jobs.c.holds,
    postgresql_where=_holding,
    sqlite_where=_holding,
)
_named = text("ingestion_task_id <> ''")
Index(
    "ix_remote_jobs_of_ingestion",
    remote_jobs.c.tenant_id,
    remote_jobs.c.ingestion_task_id,
    postgresql_where=_named,
    sqlite_where=_named,
)
#: true of every source that is an upload; of other places, which may be too long to be indexed
SHORT_SOURCE = text("length(source_file_path) <= 64")
Index(
    "ix_remote_jobs_of_source",
    remote_jobs.c.source_file_path,
    postgresql_where=SHORT_SOURCE,
    sqlite_where=SHORT_SOURCE,
)
Index(
    "ix_remote_jobs_newest",
    remote_jobs.c.tenant_id,
    desc(remote_jobs.c.created_at),
    remote_jobs.c.job_id,
)

# Random keys of this deployment that every server of it signs with.
signing_keys = Table(
    "signing_keys",
    metadata,
    _text("name", primary_key=True),
    Column("secret", LargeBinary, nullable=False),
)
