"""The warehouses of all tenants, as many open at once as the server can bear."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.engines import PostgresWarehouse, SqliteWarehouse, connect
from headrace_server.warehouse.postgres_words import LONGEST_NAME


@dataclass(slots=True)
class _Open:
    """An open warehouse and how many use it."""

    warehouse: Warehouse
    users: int = 0


class Warehouses:
    """Gives each tenant's warehouse and closes the least recently used.

    `url` is the control store's: `postgresql://...` (libpq's form) puts a database for each tenant
    on its server, named after both (`<control store>_<tenant>`, so that two control stores share a
    server without sharing warehouses) and made on first use; `sqlite:///...` puts a file for
    each tenant into `folder`.
    """

    def __init__(
        self,
        url: str,
        *,
        folder: Path,
        limit: int = 32,
        pool_size: int = 4,
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
        name = database_name(self._url, tenant_id)
        await create_database(self._url, name)
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


async def create_database(url: str, name: str) -> None:
    """Create a database on the server of `url`, closed to other roles, unless it is there."""
    connection = await connect(url)
    try:
        await connection.execute(f"SELECT pg_advisory_lock({_MAKING})")
        quoted = '"' + name.replace('"', '""') + '"'
        found = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name)
        if found is None:
            await connection.execute(f"CREATE DATABASE {quoted}")
        # Asked each time: a crash may have come between the two statements.
        if await connection.fetchval(
            "SELECT has_database_privilege('public', $1, 'CONNECT')", name
        ):
            await connection.execute(f"REVOKE CONNECT ON DATABASE {quoted} FROM PUBLIC")
    finally:
        await connection.close()


def database_name(url: str, tenant_id: str) -> str:
    """`<control store>_<tenant>`, where PostgreSQL's 63 bytes hold it, else a hash of it."""
    name = f"{unquote(urlsplit(url).path[1:])}_{tenant_id}"
    if len(name.encode()) <= LONGEST_NAME:
        return name
    return f"headrace_{sha256(name.encode()).hexdigest()[:48]}"
