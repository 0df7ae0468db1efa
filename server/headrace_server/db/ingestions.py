"""Statements on ingestions and their files.

Those that take no tenant are for the worker, which serves all of them, and for records that were
read with one.
"""

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.tables import ingestion_files, ingestions, jobs
from headrace_server.model.ingestion import OPEN, Ingestion, IngestionFile, Kind, Status
from headrace_server.model.job import JobStatus, Priority

#: the fields of a record, in the order of `ingestion_of`
INGESTION_FIELDS = tuple(field.name for field in fields(Ingestion))
_FILE_FIELDS = tuple(field.name for field in fields(IngestionFile))
_INGESTION_COLUMNS = [ingestions.c[name] for name in INGESTION_FIELDS]
_FILE_COLUMNS = [ingestion_files.c[name] for name in _FILE_FIELDS]


async def insert(
    connection: AsyncConnection,
    ingestion: Ingestion,
    job_id: str,
    its_files: Sequence[IngestionFile],
) -> None:
    """Insert an ingestion with its files and the job that works on it."""
    values = {name: _plain(getattr(ingestion, name)) for name in INGESTION_FIELDS}
    await connection.execute(ingestions.insert().values(job_id=job_id, **values))
    if its_files:
        rows = [{name: _plain(getattr(file, name)) for name in _FILE_FIELDS} for file in its_files]
        await connection.execute(ingestion_files.insert(), rows)


async def find(connection: AsyncConnection, tenant_id: str, request_id: str) -> Ingestion | None:
    """Read a tenant's ingestion."""
    statement = select(*_INGESTION_COLUMNS).where(
        ingestions.c.tenant_id == tenant_id, ingestions.c.request_id == request_id
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else ingestion_of(row)


async def find_in_any_tenant(connection: AsyncConnection, request_id: str) -> Ingestion | None:
    """Read an ingestion, of whichever tenant."""
    statement = select(*_INGESTION_COLUMNS).where(ingestions.c.request_id == request_id)
    row = (await connection.execute(statement)).first()
    return None if row is None else ingestion_of(row)


async def job_id(connection: AsyncConnection, request_id: str) -> str:
    """The job that works on an ingestion, or did last.

    Raises sqlalchemy.exc.NoResultFound where there is no such ingestion.
    """
    statement = select(ingestions.c.job_id).where(ingestions.c.request_id == request_id)
    found: str = (await connection.execute(statement)).scalar_one()
    return found


async def attempt(connection: AsyncConnection, request_id: str) -> int:
    """The newest attempt of the job that works on an ingestion, or did last; 0 without any."""
    statement = select(jobs.c.attempt).where(
        jobs.c.job_id == ingestions.c.job_id, ingestions.c.request_id == request_id
    )
    return int((await connection.execute(statement)).scalar() or 0)


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    *,
    status: Status | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Ingestion]:
    """A tenant's ingestions, newest first, those after a creation time and request id."""
    created_at, request_id = ingestions.c.created_at, ingestions.c.request_id
    statement = (
        select(*_INGESTION_COLUMNS)
        .where(ingestions.c.tenant_id == tenant_id)
        .order_by(created_at.desc(), request_id)
        .limit(limit)
    )
    if status is not None:
        statement = statement.where(ingestions.c.status == status.value)
    if after is not None:
        last, last_id = after
        # The first condition follows from the second; it lets the index begin at the right place.
        statement = statement.where(
            created_at <= last, or_(created_at < last, request_id > last_id)
        )
    return [ingestion_of(row) for row in await connection.execute(statement)]


async def update_ingestion(
    connection: AsyncConnection,
    request_id: str,
    statuses: Collection[Status],
    *,
    revision: int | None = None,
    **values: object,
) -> Ingestion | None:
    """Set fields of an ingestion in one of the statuses, raise its revision and return it.

    Returns None, changing nothing, where its status is none of them or, if that is given, its
    revision another.
    """
    statement = (
        ingestions.update()
        .where(
            ingestions.c.request_id == request_id,
            ingestions.c.status.in_([status.value for status in statuses]),
        )
        .values({name: _plain(value) for name, value in values.items()})
        .values(revision=ingestions.c.revision + 1)
        .returning(*_INGESTION_COLUMNS)
    )
    if revision is not None:
        statement = statement.where(ingestions.c.revision == revision)
    row = (await connection.execute(statement)).first()
    return None if row is None else ingestion_of(row)


async def tenants_with_parked_rows(connection: AsyncConnection) -> list[str]:
    """Tenants that have ended ingestions of which rows wait for a parent."""
    statement = (
        select(ingestions.c.tenant_id)
        .distinct()
        .where(
            ingestions.c.rows_parked > 0,
            ingestions.c.status.not_in([status.value for status in OPEN]),
        )
    )
    return list((await connection.execute(statement)).scalars())


async def in_progress(connection: AsyncConnection, tenant_id: str) -> list[str]:
    """Ids of the ingestions of a tenant that are being worked on."""
    statement = select(ingestions.c.request_id).where(
        ingestions.c.tenant_id == tenant_id,
        ingestions.c.status == Status.IN_PROGRESS.value,
    )
    return list((await connection.execute(statement)).scalars())


async def count_active(connection: AsyncConnection) -> int:
    """Ingestions of all tenants that have not ended."""
    statement = select(func.count()).where(
        ingestions.c.status.in_([status.value for status in OPEN])
    )
    count: int = (await connection.execute(statement)).scalar_one()
    return count


async def running_before(
    connection: AsyncConnection, ingestion: Ingestion, data_types: Collection[str]
) -> str | None:
    """An ingestion of the tenant, accepted before, that is loading a file of these data types."""
    columns = ingestions.c
    statement = (
        select(columns.request_id)
        .join(ingestion_files, ingestion_files.c.request_id == columns.request_id)
        # One that waits for its next attempt may wait for the slot of whoever would wait for it.
        .join(jobs, jobs.c.job_id == columns.job_id)
        .where(
            columns.tenant_id == ingestion.tenant_id,
            columns.status == Status.IN_PROGRESS.value,
            jobs.c.status == JobStatus.RUNNING.value,
            columns.request_id != ingestion.request_id,
            columns.created_at <= ingestion.created_at,
            ingestion_files.c.data_type.in_(sorted(data_types)),
            ingestion_files.c.status.in_([status.value for status in OPEN]),
        )
        .order_by(columns.created_at, columns.request_id)
        .limit(1)
    )
    found: str | None = (await connection.execute(statement)).scalar()
    return found


async def files(connection: AsyncConnection, request_id: str) -> list[IngestionFile]:
    """The files of an ingestion in the order of loading."""
    rows = await connection.execute(
        select(*_FILE_COLUMNS)
        .where(ingestion_files.c.request_id == request_id)
        .order_by(ingestion_files.c.file_no)
    )
    return [_file_of(row) for row in rows]


async def update_file(connection: AsyncConnection, file: IngestionFile) -> None:
    """Write the fields of a file that is there."""
    key = {"request_id", "file_no"}
    values = {name: _plain(getattr(file, name)) for name in _FILE_FIELDS if name not in key}
    await connection.execute(
        ingestion_files.update()
        .where(
            ingestion_files.c.request_id == file.request_id,
            ingestion_files.c.file_no == file.file_no,
        )
        .values(values)
    )


async def end_open_files(connection: AsyncConnection, request_id: str, status: Status) -> None:
    """Give the files that have not ended a status."""
    await connection.execute(
        ingestion_files.update()
        .where(
            ingestion_files.c.request_id == request_id,
            ingestion_files.c.status.in_([status.value for status in OPEN]),
        )
        .values(status=status.value)
    )


async def reopen_files(connection: AsyncConnection, request_id: str) -> None:
    """Have the failed and cancelled files of an ingestion wait again."""
    again = [Status.FAILED.value, Status.CANCELLED.value]
    await connection.execute(
        ingestion_files.update()
        .where(ingestion_files.c.request_id == request_id, ingestion_files.c.status.in_(again))
        .values(status=Status.PENDING.value, error=None)
    )


def ingestion_of(row: Any) -> Ingestion:
    """The record of a row that has the columns `INGESTION_FIELDS`, in their order."""
    request_id, tenant_id, kind, status, priority, *others = row
    return Ingestion(request_id, tenant_id, Kind(kind), Status(status), Priority[priority], *others)


def _file_of(row: Any) -> IngestionFile:
    """The record of a row that has the columns `_FILE_FIELDS`, in their order."""
    request_id, file_no, file_name, data_type, upload_id, status, *others = row
    return IngestionFile(
        request_id, file_no, file_name, data_type, upload_id, Status(status), *others
    )


def _plain(value: object) -> object:
    if isinstance(value, Priority):
        return value.name
    return value.value if isinstance(value, Enum) else value
