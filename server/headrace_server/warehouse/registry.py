"""The warehouses of all tenants, as many open at once as the server can bear."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from headrace_server.model.errors import StorageUnavailableError
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.engines import PostgresWarehouse, SqliteWarehouse
from headrace_server.warehouse.postgres_connections import connect
from headrace_server.warehouse.postgres_words import LONGEST_NAME


@dataclass(slots=True)
class _Open:
    """An open warehouse and how many use it."""

    warehouse: Warehouse
    users: int = 0


class Warehouses:
    """Gives each tenant's warehouse and closes the least recently used.

    `url` is the control store's: `postgresql://...` (libpq's form) puts a database for each tenant
    on its server, named after both (`<control store>.<tenant>`, so that two control stores share a
    server without sharing warehouses) and made on first use; `sqlite:///...` puts a file for
    each tenant into `folder`.
    """

    def __init__(
        self,
        url: str,
        *,
        folder: Path,
        limit: int = 32,
        pool_size: int = 8,
    ) -> None:
        self._url = url
        self._folder = folder
        self._limit = limit
        self._pool_size = pool_size
        self._open: OrderedDict[str, _Open] = OrderedDict()
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def use(self, tenant_id: str) -> AsyncIterator[Warehouse]:
        """The tenant's warehouse; it stays open until the block ends."""
        entry = await self._acquire(tenant_id)
        try:
            yield entry.warehouse
        finally:
            entry.users -= 1
            await self._close_surplus()

    async def _acquire(self, tenant_id: str) -> _Open:
        async with self._opening:
            if tenant_id not in self._open:
                self._open[tenant_id] = _Open(await self._make(tenant_id))
            self._open.move_to_end(tenant_id)
            entry = self._open[tenant_id]
            entry.users += 1
            return entry

    async def _make(self, tenant_id: str) -> Warehouse:
        if self._url.startswith("sqlite:"):
            self._folder.mkdir(parents=True, exist_ok=True)
            return SqliteWarehouse(self._folder / f"{quote(tenant_id, safe='')}.sqlite")
        name = await create_database(self._url, tenant_id)
        return PostgresWarehouse(self._url, database=name, pool_size=self._pool_size)

    async def _close_surplus(self) -> None:
        """Close those unused longest, until no more than the limit are open."""
        while len(self._open) > self._limit:
            idle = next((t for t, entry in self._open.items() if entry.users == 0), None)
            if idle is None:
                return
            await self._open.pop(idle).warehouse.close()

    async def close(self) -> None:
        """Close all; nothing may be in use any more."""
        while self._open:
            _, entry = self._open.popitem()
            await entry.warehouse.close()


#: key of the advisory lock on making databases, held in the control store's database
_MAKING = 0x68656462


async def create_database(url: str, tenant_id: str) -> str:
    """Create a tenant's database on the server of `url`, unless it is there; returns its name.

    It is closed to other roles, and marked by a comment as this tenant's of this control store.
    Raises StorageUnavailableError where the name is taken by another's database.
    """
    name, mark = database_name(url, tenant_id), _mark(url, tenant_id)
    quoted = _quoted(name, '"')
    connection = await connect(url)
    try:
        await connection.execute(f"SELECT pg_advisory_lock({_MAKING})")
        # Each is asked each time: a crash may have come between the statements.
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f"CREATE DATABASE {quoted}")
        found = await connection.fetchval(_FIND_MARK, name)
        if found != mark:
            await _check_free(url, name, found, mark)
            comment = _quoted(mark, "'")
            await connection.execute(f"COMMENT ON DATABASE {quoted} IS {comment}")
        if await connection.fetchval(
            "SELECT has_database_privilege('public', $1, 'CONNECT')", name
        ):
            await connection.execute(f"REVOKE CONNECT ON DATABASE {quoted} FROM PUBLIC")
    finally:
        await connection.close()
    return name


async def _check_free(url: str, name: str, found: str | None, mark: str) -> None:
    """Raise StorageUnavailableError unless a database without a mark of ours holds no table."""
    if found is None:
        connection = await connect(url, database=name)
        try:
            if not await connection.fetchval(_HAS_TABLES):
                return
        finally:
            await connection.close()
    raise StorageUnavailableError(
        f"the database {name!r} is somebody else's: its comment is {found!r}, not {mark!r}"
    )


_FIND_MARK = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1"
_HAS_TABLES = (
    "SELECT EXISTS (SELECT 1 FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p')"
    " AND n.nspname <> 'information_schema' AND NOT starts_with(n.nspname, 'pg_'))"
)


def _mark(url: str, tenant_id: str) -> str:
    return f"Headrace, control store {_control_store(url)}, tenant {tenant_id}"


def _quoted(text: str, mark: str) -> str:
    return mark + text.replace(mark, mark * 2) + mark


def _control_store(url: str) -> str:
    return unquote(urlsplit(url).path[1:])


def database_name(url: str, tenant_id: str) -> str:
    """`<control store>.<tenant>`, where PostgreSQL's 63 bytes hold it, else a hash of it.

    No tenant's id holds a point, so the last one parts the two.
    """
    name = f"{_control_store(url)}.{tenant_id}"
    if len(name.encode()) <= LONGEST_NAME:
        return name
    return f"headrace.{sha256(name.encode()).hexdigest()[:48]}"
