"""Statements on imports: what they are asked to do, and what was found out of their files.

Those that take no tenant are for the worker, which serves all of them.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.ingestions import INGESTION_FIELDS, ingestion_of
from headrace_server.db.storage_tables import file_imports
from headrace_server.db.tables import ingestions, jobs
from headrace_server.model.file_import import FileImport, ImportMode, ImportOptions, NewImport
from headrace_server.model.ingestion import Status
from headrace_server.model.job import JobStatus

_COLUMNS = [
    *(ingestions.c[name] for name in INGESTION_FIELDS),
    file_imports.c.file_path,
    file_imports.c.target_table,
    file_imports.c.options,
    file_imports.c.watch_id,
    file_imports.c.inferred_schema,
    file_imports.c.detected_format,
    file_imports.c.plan,
]


async def insert(
    connection: AsyncConnection, tenant_id: str, request_id: str, new: NewImport
) -> None:
    """Insert an import whose ingestion is there; its target table is named."""
    await connection.execute(
        file_imports.insert().values(
            request_id=request_id,
            tenant_id=tenant_id,
            file_path=new.file_path,
            target_table=new.target_table,
            options=msgspec.to_builtins(new.options),
            watch_id=new.watch_id,
        )
    )


async def find(connection: AsyncConnection, tenant_id: str, request_id: str) -> FileImport | None:
    """Read a tenant's import."""
    statement = _select().where(
        file_imports.c.tenant_id == tenant_id, file_imports.c.request_id == request_id
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else _import_of(row)


async def find_in_any_tenant(connection: AsyncConnection, request_id: str) -> FileImport | None:
    """Read an import, of whichever tenant."""
    statement = _select().where(file_imports.c.request_id == request_id)
    row = (await connection.execute(statement)).first()
    return None if row is None else _import_of(row)


async def running_before(
    connection: AsyncConnection, record: FileImport, *, only_replacing: bool
) -> str | None:
    """An import into the same table that was accepted before and runs; any, or one that replaces.

    One that waits for its next attempt does not run.
    """
    columns, ingestion = ingestions.c, record.ingestion
    statement = (
        select(columns.request_id)
        .join(file_imports, file_imports.c.request_id == columns.request_id)
        .join(jobs, jobs.c.job_id == columns.job_id)
        .where(
            file_imports.c.tenant_id == ingestion.tenant_id,
            file_imports.c.target_table == record.target_table,
            columns.status == Status.IN_PROGRESS.value,
            jobs.c.status == JobStatus.RUNNING.value,
            or_(
                columns.created_at < ingestion.created_at,
                and_(
                    columns.created_at == ingestion.created_at,
                    columns.request_id < ingestion.request_id,
                ),
            ),
        )
        .limit(1)
    )
    if only_replacing:
        mode = file_imports.c.options["mode"].as_string()
        statement = statement.where(mode == ImportMode.REPLACE.value)
    found: str | None = (await connection.execute(statement)).scalar()
    return found


async def sha256(connection: AsyncConnection, request_id: str) -> str | None:
    """The checksum of the bytes that the plan is of; None before there is one."""
    statement = select(file_imports.c.sha256).where(file_imports.c.request_id == request_id)
    found: str | None = (await connection.execute(statement)).scalar()
    return found


async def save_plan(
    connection: AsyncConnection,
    request_id: str,
    attempt: int,
    *,
    plan: Mapping[str, Any],
    inferred_schema: Mapping[str, str],
    detected_format: str,
    sha256: str,
) -> bool:
    """Write down what an attempt found out of the file; False where it is not the newest."""
    is_newest = exists().where(
        ingestions.c.request_id == request_id,
        jobs.c.job_id == ingestions.c.job_id,
        jobs.c.attempt == attempt,
    )
    updated = await connection.execute(
        file_imports.update()
        .where(file_imports.c.request_id == request_id, is_newest)
        .values(
            plan=dict(plan),
            # A list: objects have no order everywhere.
            inferred_schema=list(inferred_schema.items()),
            detected_format=detected_format,
            sha256=sha256,
        )
    )
    return updated.rowcount > 0


def _select() -> Any:
    return select(*_COLUMNS).join(ingestions, ingestions.c.request_id == file_imports.c.request_id)


def _import_of(row: Any) -> FileImport:
    *ingestion, file_path, target_table, options, watch_id, schema, format_, plan = row
    return FileImport(
        ingestion=ingestion_of(ingestion),
        file_path=file_path,
        target_table=target_table,
        options=msgspec.convert(options, ImportOptions),
        watch_id=watch_id,
        inferred_schema=dict(schema or ()),
        detected_format=format_,
        plan=plan,
    )
