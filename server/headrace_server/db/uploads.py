"""Statements on uploads and their segments.

Those that take no tenant are for records that were read with one, or for sweeping.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.tables import (
    SHORT_SOURCE,
    ingestions,
    remote_jobs,
    upload_segments,
    uploads,
)
from headrace_server.model.job import Priority
from headrace_server.model.upload import Segment, Upload, UploadStatus

_COMPLETED = UploadStatus.COMPLETED.value
_OPEN = UploadStatus.OPEN.value


async def insert(connection: AsyncConnection, upload: Upload) -> None:
    """Insert an upload without bytes."""
    await connection.execute(
        uploads.insert().values(
            upload_id=upload.upload_id,
            tenant_id=upload.tenant_id,
            file_name=upload.file_name,
            data_type=upload.data_type,
            priority=upload.priority.name,
            status=upload.status.value,
            total_bytes=upload.total_bytes,
            sha256=upload.sha256,
            writer=upload.writer,
            expires_at=upload.expires_at,
            request_id=upload.request_id,
            created_at=upload.created_at,
            job_id=upload.job_id,
            job_attempt=upload.job_attempt,
        )
    )


async def find(connection: AsyncConnection, tenant_id: str, upload_id: str) -> Upload | None:
    """Read a tenant's upload; its offset is the sum of its segments."""
    statement = _select().where(uploads.c.tenant_id == tenant_id, uploads.c.upload_id == upload_id)
    row = (await connection.execute(statement)).first()
    return None if row is None else _upload(row)


async def take_writer(connection: AsyncConnection, upload_id: str) -> Upload | None:
    """Make the caller the newest writer, with a segment that begins where the upload ends.

    None, changing nothing, where the upload is not open.
    """
    # The update locks the upload: no older writer acknowledges between it and the sum.
    writer = await connection.execute(
        uploads.update()
        .where(uploads.c.upload_id == upload_id, uploads.c.status == _OPEN)
        .values(writer=uploads.c.writer + 1)
        .returning(uploads.c.writer)
    )
    number = writer.scalar_one_or_none()
    if number is None:
        return None
    row = (await connection.execute(_select().where(uploads.c.upload_id == upload_id))).one()
    upload = _upload(row)
    await connection.execute(
        upload_segments.insert().values(
            upload_id=upload_id, writer=number, start=upload.offset, length=0
        )
    )
    return upload


async def acknowledge(
    connection: AsyncConnection, upload_id: str, writer: int, length: int, expires_at: datetime
) -> Upload | None:
    """Count a segment's bytes; None, changing nothing, where the writer is not the newest.

    So too where the upload is not open, or `length` is less than was acknowledged before.
    """
    locked = await connection.execute(
        uploads.update()
        .where(
            uploads.c.upload_id == upload_id,
            uploads.c.writer == writer,
            uploads.c.status == _OPEN,
            _length_of(upload_id, writer) <= length,
        )
        .values(expires_at=expires_at)
    )
    if locked.rowcount != 1:
        return None
    await connection.execute(
        upload_segments.update()
        .where(upload_segments.c.upload_id == upload_id, upload_segments.c.writer == writer)
        .values(length=length)
    )
    row = (await connection.execute(_select().where(uploads.c.upload_id == upload_id))).one()
    return _upload(row)


async def segments(connection: AsyncConnection, upload_id: str) -> list[Segment]:
    """The segments that have bytes, in order."""
    columns = upload_segments.c
    rows = await connection.execute(
        select(columns.writer, columns.start, columns.length)
        .where(columns.upload_id == upload_id, columns.length > 0)
        .order_by(columns.writer)
    )
    return [Segment(*row) for row in rows]


async def delete_segments(connection: AsyncConnection, upload_id: str) -> None:
    """Forget all bytes: the upload begins anew with the next writer."""
    await connection.execute(
        upload_segments.delete().where(upload_segments.c.upload_id == upload_id)
    )


async def fail(connection: AsyncConnection, upload_id: str, writer: int) -> bool:
    """Fail an open upload; False where it is not open, or the writer is not the newest."""
    statement = (
        uploads.update()
        .where(
            uploads.c.upload_id == upload_id,
            uploads.c.status == _OPEN,
            uploads.c.writer == writer,
        )
        .values(status=UploadStatus.FAILED.value)
    )
    return (await connection.execute(statement)).rowcount == 1


async def reopen(connection: AsyncConnection, upload_id: str) -> bool:
    """Open an upload; False where it is complete, or gone."""
    statement = (
        uploads.update()
        .where(uploads.c.upload_id == upload_id, uploads.c.status != _COMPLETED)
        .values(status=_OPEN)
    )
    return (await connection.execute(statement)).rowcount == 1


async def complete(connection: AsyncConnection, upload_id: str, request_id: str | None) -> bool:
    """End an open upload with the ingestion it starts, if any; False where it is not open."""
    statement = (
        uploads.update()
        .where(uploads.c.upload_id == upload_id, uploads.c.status == _OPEN)
        .values(status=_COMPLETED, request_id=request_id)
    )
    return (await connection.execute(statement)).rowcount == 1


async def delete(connection: AsyncConnection, upload_id: str) -> None:
    """Delete an upload with its segments."""
    await connection.execute(uploads.delete().where(uploads.c.upload_id == upload_id))


async def delete_incomplete(
    connection: AsyncConnection, upload_id: str, *, expired_at: datetime | None = None
) -> bool:
    """Delete an upload with its segments; False where it is complete, or gone.

    So too where it has not run out at the instant, if one is given.
    """
    statement = uploads.delete().where(
        uploads.c.upload_id == upload_id, uploads.c.status != _COMPLETED
    )
    if expired_at is not None:
        statement = statement.where(uploads.c.expires_at <= expired_at)
    return (await connection.execute(statement)).rowcount == 1


async def expired(connection: AsyncConnection, now: datetime, limit: int) -> list[Upload]:
    """Uploads of all tenants that ran out before they were complete."""
    statement = (
        _select()
        .where(uploads.c.expires_at <= now, uploads.c.status != _COMPLETED)
        .order_by(uploads.c.expires_at)
        .limit(limit)
    )
    return [_upload(row) for row in await connection.execute(statement)]


async def ended_before(connection: AsyncConnection, instant: datetime, limit: int) -> list[Upload]:
    """Complete uploads of all tenants whose ingestions ended before an instant."""
    statement = (
        _select()
        .join(ingestions, ingestions.c.request_id == uploads.c.request_id)
        .where(uploads.c.status == _COMPLETED, ingestions.c.completed_at < instant)
        .order_by(ingestions.c.completed_at)
        .limit(limit)
    )
    return [_upload(row) for row in await connection.execute(statement)]


async def kept_before(connection: AsyncConnection, instant: datetime, limit: int) -> list[Upload]:
    """Complete uploads of all tenants, of no table, that ran out before an instant.

    Without those that are the source or the result of a remote job. They are locked: none becomes
    a result before the commit.
    """
    is_source = _jobs_of_source()
    is_result = select(remote_jobs.c.job_id).where(remote_jobs.c.job_id == uploads.c.job_id)
    statement = (
        _select()
        .where(uploads.c.data_type == "", uploads.c.status == _COMPLETED)
        .where(uploads.c.expires_at < instant, ~is_source.exists(), ~is_result.exists())
        .order_by(uploads.c.expires_at)
        .limit(limit)
        .with_for_update(of=uploads)
    )
    return [_upload(row) for row in await connection.execute(statement)]


async def make_result(
    connection: AsyncConnection, tenant_id: str, upload_id: str, job_id: str, attempt: int
) -> bool:
    """Make a complete upload that is only kept the result of an attempt; repeatable.

    False, changing nothing, where there is no such upload, or it is another attempt's.
    """
    columns = uploads.c
    statement = (
        uploads.update()
        .where(columns.tenant_id == tenant_id, columns.upload_id == upload_id)
        .where(columns.status == _COMPLETED, columns.data_type == "")
        .where(
            or_(
                columns.job_id.is_(None),
                and_(columns.job_id == job_id, columns.job_attempt == attempt),
            )
        )
        .values(job_id=job_id, job_attempt=attempt)
    )
    return (await connection.execute(statement)).rowcount == 1


async def delete_results(connection: AsyncConnection, job_ids: Collection[str]) -> list[str]:
    """Delete the uploads of jobs' results, complete or not; return which they were.

    Not those that are the source of another job: they are nobody's result from then on.
    """
    others = _jobs_of_source().where(remote_jobs.c.job_id.not_in(job_ids))
    await connection.execute(
        uploads.update()
        .where(uploads.c.job_id.in_(job_ids), uploads.c.status == _COMPLETED, others.exists())
        .values(job_id=None, job_attempt=None)
    )
    statement = uploads.delete().where(uploads.c.job_id.in_(job_ids)).returning(uploads.c.upload_id)
    return list((await connection.execute(statement)).scalars())


def _jobs_of_source() -> Select[Any]:
    """Remote jobs that an upload, of a statement around it, is the source of."""
    return (
        select(remote_jobs.c.job_id)
        .where(
            remote_jobs.c.tenant_id == uploads.c.tenant_id,
            remote_jobs.c.source_file_path == uploads.c.upload_id,
            # Follows from the other; only then do both engines use the partial index.
            SHORT_SOURCE,
        )
        .correlate(uploads)
    )


def _length_of(upload_id: str, writer: int) -> Any:
    return (
        select(upload_segments.c.length)
        .where(upload_segments.c.upload_id == upload_id, upload_segments.c.writer == writer)
        .scalar_subquery()
    )


def _select() -> Select[Any]:
    offset = (
        select(func.coalesce(func.sum(upload_segments.c.length), 0))
        .where(upload_segments.c.upload_id == uploads.c.upload_id)
        .scalar_subquery()
    )
    return select(uploads, offset.label("offset"))


def _upload(row: Row[Any]) -> Upload:
    return Upload(
        upload_id=row.upload_id,
        tenant_id=row.tenant_id,
        file_name=row.file_name,
        data_type=row.data_type,
        priority=Priority[row.priority],
        status=UploadStatus(row.status),
        total_bytes=row.total_bytes,
        sha256=row.sha256,
        writer=row.writer,
        # PostgreSQL sums bigints to a numeric.
        offset=int(row.offset),
        expires_at=row.expires_at,
        request_id=row.request_id,
        created_at=row.created_at,
        job_id=row.job_id,
        job_attempt=row.job_attempt,
    )
