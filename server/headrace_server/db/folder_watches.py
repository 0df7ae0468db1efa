"""Statements on watched folders.

Those that take no tenant are for the servers that look at them.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, and_, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.dialects import upsert
from headrace_server.db.storage_tables import folder_watches, stored_files
from headrace_server.db.stored_files import hash_of
from headrace_server.model.storage import FolderWatch, ImportConfig, OnOverwrite

_columns = folder_watches.c


async def put(connection: AsyncConnection, watch: FolderWatch) -> None:
    """Store a watch in place of the one of its id; the server that looks at it goes on to."""
    known = select(func.count()).where(stored_files.c.watch_id == watch.watch_id)
    statement = upsert(connection, folder_watches).values(
        watch_id=watch.watch_id,
        tenant_id=watch.tenant_id,
        folder_hash=hash_of(watch.folder_path),
        folder_path=watch.folder_path,
        settings=_settings(watch),
        # Of an earlier watch of the folder, whose files stay known.
        files_detected=known.scalar_subquery(),
        created_at=watch.created_at,
        looked_at=watch.looked_at,
        error=watch.error,
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[_columns.watch_id],
            set_={name: statement.excluded[name] for name in ("settings", "looked_at", "error")},
        )
    )


async def find(connection: AsyncConnection, tenant_id: str, watch_id: str) -> FolderWatch | None:
    """Read a tenant's watch."""
    statement = select(folder_watches).where(
        _columns.tenant_id == tenant_id, _columns.watch_id == watch_id
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else _watch_of(row)


async def page(
    connection: AsyncConnection, tenant_id: str, after: str, limit: int
) -> list[FolderWatch]:
    """A tenant's watches by folder, those after a folder."""
    statement = (
        select(folder_watches)
        .where(_columns.tenant_id == tenant_id, _columns.folder_path > after)
        .order_by(_columns.folder_path)
        .limit(limit)
    )
    return [_watch_of(row) for row in await connection.execute(statement)]


async def folders(connection: AsyncConnection, tenant_id: str) -> Sequence[str]:
    """The folders that a tenant's watches are of."""
    statement = select(_columns.folder_path).where(_columns.tenant_id == tenant_id)
    return (await connection.execute(statement)).scalars().all()


async def delete(connection: AsyncConnection, tenant_id: str, watch_id: str) -> bool:
    """Delete a tenant's watch; whether there was one. Its files stay known."""
    statement = folder_watches.delete().where(
        _columns.tenant_id == tenant_id, _columns.watch_id == watch_id
    )
    return (await connection.execute(statement)).rowcount > 0


async def any_free(connection: AsyncConnection, now: datetime) -> bool:
    """Whether there is a watch that no server looks at."""
    statement = select(_columns.watch_id).where(_is_free(now)).limit(1)
    return (await connection.execute(statement)).first() is not None


async def take(
    connection: AsyncConnection, watcher_id: str, now: datetime, until: datetime, limit: int
) -> list[FolderWatch]:
    """Have a server look at watches that none looks at; those that others lock are passed over."""
    statement = (
        select(folder_watches)
        .where(_is_free(now))
        .order_by(_columns.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = [_watch_of(row) for row in await connection.execute(statement)]
    if taken:
        await connection.execute(
            folder_watches.update()
            .where(_columns.watch_id.in_([each.watch_id for each in taken]))
            .values(watcher_id=watcher_id, held_until=until)
        )
    return taken


async def keep(
    connection: AsyncConnection, watcher_id: str, now: datetime, until: datetime
) -> list[FolderWatch]:
    """Hold on to the watches that a server looks at; returns them as they are now."""
    statement = (
        folder_watches.update()
        .where(_is_held(watcher_id, now))
        .values(held_until=until)
        .returning(*_columns)
    )
    return [_watch_of(row) for row in await connection.execute(statement)]


async def let_go(connection: AsyncConnection, watcher_id: str) -> None:
    """Leave the watches that a server looks at to others, at once."""
    await connection.execute(
        folder_watches.update()
        .where(_columns.watcher_id == watcher_id)
        .values(watcher_id=None, held_until=None)
    )


async def all_held(
    connection: AsyncConnection, watcher_id: str, now: datetime
) -> list[FolderWatch]:
    """The watches that a server looks at."""
    statement = select(folder_watches).where(_is_held(watcher_id, now))
    return [_watch_of(row) for row in await connection.execute(statement)]


async def held(
    connection: AsyncConnection, watcher_id: str, watch_id: str, now: datetime
) -> FolderWatch | None:
    """Read a watch that a server looks at; None where it was stopped, or another does."""
    statement = select(folder_watches).where(
        _is_held(watcher_id, now), _columns.watch_id == watch_id
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else _watch_of(row)


async def record_looks(
    connection: AsyncConnection,
    watcher_id: str,
    now: datetime,
    looks: Mapping[str, tuple[datetime, str | None]],
) -> None:
    """Write down how a server's looks went, but for watches that it has lost.

    `looks` says when, and what kept the folder from being read, by the id of the watch.
    """
    statement = (
        folder_watches.update()
        .where(_is_held(watcher_id, now), _columns.watch_id == bindparam("of_watch"))
        .values(looked_at=bindparam("new_looked_at"), error=bindparam("new_error"))
    )
    await connection.execute(
        statement,
        [
            {"of_watch": watch_id, "new_looked_at": looked_at, "new_error": error}
            for watch_id, (looked_at, error) in looks.items()
        ],
    )


async def count_detected(connection: AsyncConnection, watch_id: str, added: int) -> None:
    """Count files that were noticed."""
    await connection.execute(
        folder_watches.update()
        .where(_columns.watch_id == watch_id)
        .values(files_detected=_columns.files_detected + added)
    )


async def configs(
    connection: AsyncConnection, watch_ids: Collection[str]
) -> dict[str, ImportConfig]:
    """How the files of watches are imported, and who is told, by the watch's id."""
    statement = select(_columns.watch_id, _columns.settings).where(_columns.watch_id.in_(watch_ids))
    rows = await connection.execute(statement)
    return {row.watch_id: _config_of(row.settings) for row in rows}


def _is_free(now: datetime) -> ColumnElement[bool]:
    return or_(_columns.held_until.is_(None), _columns.held_until <= now)


def _is_held(watcher_id: str, now: datetime) -> ColumnElement[bool]:
    return and_(_columns.watcher_id == watcher_id, _columns.held_until > now)


def _settings(watch: FolderWatch) -> dict[str, Any]:
    return {
        "patterns": list(watch.patterns),
        "recursive": watch.recursive,
        "auto_import": watch.auto_import,
        "on_overwrite": watch.on_overwrite.value,
        "stable": watch.stable.total_seconds(),
        "poll": watch.poll.total_seconds(),
        "import_config": msgspec.to_builtins(watch.config),
    }


def _config_of(settings: dict[str, Any]) -> ImportConfig:
    return msgspec.convert(settings["import_config"], ImportConfig)


def _watch_of(row: Row[Any]) -> FolderWatch:
    settings = row.settings
    return FolderWatch(
        watch_id=row.watch_id,
        tenant_id=row.tenant_id,
        folder_path=row.folder_path,
        patterns=tuple(settings["patterns"]),
        recursive=settings["recursive"],
        auto_import=settings["auto_import"],
        config=_config_of(settings),
        on_overwrite=OnOverwrite(settings["on_overwrite"]),
        stable=timedelta(seconds=settings["stable"]),
        poll=timedelta(seconds=settings["poll"]),
        created_at=row.created_at,
        files_detected=row.files_detected,
        looked_at=row.looked_at,
        error=row.error,
    )
