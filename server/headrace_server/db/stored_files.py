"""Statements on the files of watched folders.

Whoever writes locks the tenant's files first, and gives what he wrote the next revision.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.dialects import upsert
from headrace_server.db.storage_tables import storage_revisions, stored_files
from headrace_server.db.tables import ingestions
from headrace_server.model.ingestion import OPEN, Status
from headrace_server.model.storage import FileStatus, StoredFile

_columns = stored_files.c
_FIELDS = tuple(field.name for field in fields(StoredFile))
_SELECTED = [_columns[name] for name in _FIELDS]
_CHANGING = tuple(each for each in _FIELDS if each not in {"watch_id", "tenant_id", "file_path"})

#: what a file is as long as, and after, its import is so
STATUS_OF = {
    **dict.fromkeys(OPEN, FileStatus.IMPORTING),
    Status.COMPLETED: FileStatus.IMPORTED,
    Status.COMPLETED_WITH_ERRORS: FileStatus.IMPORTED_WITH_ERRORS,
    Status.FAILED: FileStatus.FAILED,
    Status.CANCELLED: FileStatus.FAILED,
}
#: statuses that an import may still change
_FOLLOWING = (FileStatus.IMPORTING, FileStatus.IMPORTED_WITH_ERRORS, FileStatus.FAILED)


@dataclass(frozen=True, slots=True)
class Ended:
    """A file, and what its import says that the file does not yet."""

    file: StoredFile
    import_status: Status
    details: str | None
    rows_loaded: int


def hash_of(path: str) -> str:
    """Return what stands for a path, which may be too long to be indexed: SHA-256, hexadecimal."""
    return hashlib.sha256(path.encode()).hexdigest()


async def lock(connection: AsyncConnection, tenant_id: str) -> int:
    """Keep others from changing the tenant's files until the commit; return the revision."""
    new = upsert(connection, storage_revisions).values(tenant_id=tenant_id, revision=0)
    await connection.execute(new.on_conflict_do_nothing())
    statement = (
        select(storage_revisions.c.revision)
        .where(storage_revisions.c.tenant_id == tenant_id)
        .with_for_update()
    )
    revision: int = (await connection.execute(statement)).scalar_one()
    return revision


async def set_revision(connection: AsyncConnection, tenant_id: str, revision: int) -> None:
    """Record the newest revision of a tenant that is locked."""
    await connection.execute(
        storage_revisions.update()
        .where(storage_revisions.c.tenant_id == tenant_id)
        .values(revision=revision)
    )


async def revision_of(connection: AsyncConnection, tenant_id: str) -> int:
    """The newest revision of a tenant's files; 0 before the first."""
    statement = select(storage_revisions.c.revision).where(
        storage_revisions.c.tenant_id == tenant_id
    )
    return (await connection.execute(statement)).scalar_one_or_none() or 0


async def present(connection: AsyncConnection, watch_id: str) -> dict[str, StoredFile]:
    """The files of a watch that were there at the last look, by the hash of their path."""
    statement = select(_columns.path_hash, *_SELECTED).where(
        _columns.watch_id == watch_id, _columns.status != FileStatus.GONE.value
    )
    return {row[0]: _file_of(row[1:]) for row in await connection.execute(statement)}


async def found(
    connection: AsyncConnection, watch_id: str, path_hashes: Collection[str]
) -> dict[str, StoredFile]:
    """Those files of a watch that are known, by the hash of their path."""
    statement = select(_columns.path_hash, *_SELECTED).where(
        _columns.watch_id == watch_id, _columns.path_hash.in_(path_hashes)
    )
    return {row[0]: _file_of(row[1:]) for row in await connection.execute(statement)}


async def insert(connection: AsyncConnection, new: Sequence[StoredFile]) -> None:
    """Insert files; those that are known stay as they are."""
    statement = upsert(connection, stored_files).on_conflict_do_nothing()
    await connection.execute(
        statement,
        [{"path_hash": hash_of(file.file_path), **_values(file, _FIELDS)} for file in new],
    )


async def update(connection: AsyncConnection, changed: Sequence[tuple[int, StoredFile]]) -> None:
    """Write files, each with the revision that it was read at.

    Those that another has changed since stay as they are.
    """
    statement = (
        stored_files.update()
        .where(
            _columns.watch_id == bindparam("of_watch"),
            _columns.path_hash == bindparam("of_path"),
            _columns.revision == bindparam("read_at"),
        )
        .values({name: bindparam(f"new_{name}") for name in _CHANGING})
    )
    await connection.execute(
        statement,
        [
            {
                "of_watch": file.watch_id,
                "of_path": hash_of(file.file_path),
                "read_at": revision,
                **{f"new_{name}": value for name, value in _values(file, _CHANGING).items()},
            }
            for revision, file in changed
        ],
    )


async def is_at(connection: AsyncConnection, file: StoredFile) -> bool:
    """Whether a file is still as it was read."""
    statement = select(_columns.watch_id).where(
        _columns.tenant_id == file.tenant_id,
        _columns.path_hash == hash_of(file.file_path),
        _columns.watch_id == file.watch_id,
        _columns.revision == file.revision,
    )
    return (await connection.execute(statement)).first() is not None


async def import_statuses(
    connection: AsyncConnection, tenant_id: str, import_ids: Collection[str]
) -> dict[str, Status]:
    """Where a tenant's imports stand, by their ids."""
    statement = select(ingestions.c.request_id, ingestions.c.status).where(
        ingestions.c.tenant_id == tenant_id, ingestions.c.request_id.in_(import_ids)
    )
    return {row[0]: Status(row[1]) for row in await connection.execute(statement)}


async def waiting(connection: AsyncConnection, watch_id: str, limit: int) -> list[StoredFile]:
    """The files of a watch that wait for their import, oldest first."""
    statement = (
        select(*_SELECTED)
        .where(_columns.status == FileStatus.PENDING.value, _columns.watch_id == watch_id)
        .order_by(_columns.modified_at, _columns.file_path)
        .limit(limit)
    )
    return [_file_of(row) for row in await connection.execute(statement)]


async def importing(connection: AsyncConnection, watch_id: str) -> list[str]:
    """The paths of a watch's files that are being imported."""
    statement = select(_columns.file_path).where(
        _columns.status == FileStatus.IMPORTING.value, _columns.watch_id == watch_id
    )
    return list((await connection.execute(statement)).scalars())


async def watches_waiting(connection: AsyncConnection, watch_ids: Collection[str]) -> list[str]:
    """Those of the watches of which files wait for their import."""
    statement = (
        select(_columns.watch_id)
        .distinct()
        .where(_columns.status == FileStatus.PENDING.value, _columns.watch_id.in_(watch_ids))
    )
    return list((await connection.execute(statement)).scalars())


async def tenants_behind(connection: AsyncConnection) -> list[str]:
    """The tenants of files whose imports say more than the files."""
    statement = select(_columns.tenant_id).distinct().select_from(_imports()).where(_is_behind())
    return list((await connection.execute(statement)).scalars())


async def behind(connection: AsyncConnection, tenant_id: str, limit: int) -> list[Ended]:
    """A tenant's files whose imports say more than they do."""
    statement = (
        select(ingestions.c.status, ingestions.c.details, ingestions.c.rows_loaded, *_SELECTED)
        .select_from(_imports())
        .where(_columns.tenant_id == tenant_id, _is_behind())
        .limit(limit)
    )
    rows = await connection.execute(statement)
    return [Ended(_file_of(row[3:]), Status(row[0]), *row[1:3]) for row in rows]


def _imports() -> Any:
    return stored_files.join(ingestions, ingestions.c.request_id == _columns.import_id)


def _is_behind() -> ColumnElement[bool]:
    followed = case(
        {status.value: file_status.value for status, file_status in STATUS_OF.items()},
        value=ingestions.c.status,
    )
    ended = ingestions.c.status.not_in([status.value for status in OPEN])
    return and_(
        _columns.status.in_([status.value for status in _FOLLOWING]),
        or_(
            followed != _columns.status,
            and_(ended, ingestions.c.rows_loaded != _columns.rows_imported),
        ),
    )


async def page(
    connection: AsyncConnection,
    tenant_id: str,
    watch_id: str,
    status: FileStatus | None,
    after: tuple[str, str] | None,
    limit: int,
) -> list[StoredFile]:
    """A tenant's files by path, those after a path and watch; of any watch if that is empty."""
    statement = (
        select(*_SELECTED)
        .where(_wanted(tenant_id, watch_id, status))
        .order_by(_columns.file_path, _columns.watch_id)
        .limit(limit)
    )
    if after is not None:
        path, watch = after
        statement = statement.where(
            or_(
                _columns.file_path > path,
                and_(_columns.file_path == path, _columns.watch_id > watch),
            )
        )
    return [_file_of(row) for row in await connection.execute(statement)]


async def count(
    connection: AsyncConnection, tenant_id: str, watch_id: str, status: FileStatus | None
) -> int:
    """How many files `page` has on all pages."""
    statement = select(func.count()).where(_wanted(tenant_id, watch_id, status))
    counted: int = (await connection.execute(statement)).scalar_one()
    return counted


async def at_path(connection: AsyncConnection, tenant_id: str, file_path: str) -> list[StoredFile]:
    """A tenant's files of one path: one for each watch that noticed it, newest first."""
    statement = (
        select(*_SELECTED)
        .where(_columns.tenant_id == tenant_id, _columns.path_hash == hash_of(file_path))
        .order_by(_columns.revision.desc(), _columns.watch_id)
    )
    return [_file_of(row) for row in await connection.execute(statement)]


async def changed_after(
    connection: AsyncConnection,
    tenant_id: str,
    watch_id: str,
    after: int,
    until: int,
    limit: int,
) -> list[StoredFile]:
    """A tenant's files that changed after a revision and not after another, in that order."""
    statement = (
        select(*_SELECTED)
        .where(
            _wanted(tenant_id, watch_id, None),
            _columns.revision > after,
            _columns.revision <= until,
        )
        .order_by(_columns.revision, _columns.path_hash)
        .limit(limit)
    )
    return [_file_of(row) for row in await connection.execute(statement)]


def _wanted(tenant_id: str, watch_id: str, status: FileStatus | None) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [_columns.tenant_id == tenant_id]
    if watch_id:
        conditions.append(_columns.watch_id == watch_id)
    if status is not None:
        conditions.append(_columns.status == status.value)
    return and_(*conditions)


def _values(file: StoredFile, names: Sequence[str]) -> dict[str, Any]:
    return {name: _plain(getattr(file, name)) for name in names}


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


def _file_of(row: Row[Any] | Sequence[Any]) -> StoredFile:
    """The record of a row that has the columns `_FIELDS`, in their order."""
    values = dict(zip(_FIELDS, row, strict=True))
    return StoredFile(**{**values, "status": FileStatus(values["status"])})
