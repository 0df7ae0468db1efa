"""The warehouses of many tenants."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import pytest

from headrace_server.model.errors import StorageUnavailableError
from headrace_server.warehouse.engines import SqliteWarehouse
from headrace_server.warehouse.registry import Warehouses, database_name

UNSAFE = "te-na.nt'_\"1; x"


def open_tenants(warehouses: Warehouses) -> list[str]:
    return list(warehouses._open)


async def test_each_tenant_has_its_own(database_url: str, tmp_path: Path) -> None:
    warehouses = Warehouses(database_url, folder=tmp_path / "tenants")
    try:
        async with warehouses.use(UNSAFE) as one, warehouses.use("other") as two:
            await one.fence("ing", 3)
            await two.fence("ing", 1)
            assert one is not two
        async with warehouses.use(UNSAFE) as again:
            assert again is one
    finally:
        await warehouses.close()
        await drop_databases(database_url)


async def drop_databases(url: str) -> None:
    if url.startswith("sqlite"):
        return
    prefix = urlsplit(url).path[1:] + "."
    connection = await asyncpg.connect(url)
    for row in await connection.fetch(
        "SELECT quote_ident(datname) AS name FROM pg_database WHERE starts_with(datname, $1)",
        prefix,
    ):
        await connection.execute(f"DROP DATABASE {row['name']} WITH (FORCE)")
    await connection.close()


async def test_the_least_recently_used_is_closed(sqlite_url: str, tmp_path: Path) -> None:
    warehouses = Warehouses(sqlite_url, folder=tmp_path / "tenants", limit=2)
    async with warehouses.use("a") as first:
        for tenant in ("b", "c", "b"):
            async with warehouses.use(tenant):
                pass
        assert open_tenants(warehouses) == ["a", "b"], "one in use stays"
        async with warehouses.use("d"), warehouses.use("e"):
            assert set(open_tenants(warehouses)) >= {"a", "d", "e"}
        await first.fence("ing", 1)
    assert len(open_tenants(warehouses)) == 2
    await warehouses.close()
    assert open_tenants(warehouses) == []


async def test_two_servers_make_one_database(postgres_url: str, tmp_path: Path) -> None:
    servers = [Warehouses(postgres_url, folder=tmp_path) for _ in range(4)]
    try:

        async def fence(warehouses: Warehouses) -> None:
            async with warehouses.use("t") as warehouse:
                await warehouse.fence("ing", 1)

        await asyncio.gather(*map(fence, servers))
    finally:
        await asyncio.gather(*(warehouses.close() for warehouses in servers))
    connection = await asyncpg.connect(postgres_url)
    name = database_name(postgres_url, "t")
    may = "SELECT has_database_privilege('pg_monitor', $1, 'CONNECT')"
    assert await connection.fetchval(may, name) is False, "closed to other roles"
    await connection.close()
    await drop_databases(postgres_url)


def with_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def test_two_deployments_share_no_database(postgres_url: str) -> None:
    pairs = [("head", "race_staging"), ("headrace", "staging"), ("head.race", "staging")]
    names = {database_name(with_database(postgres_url, name), tenant) for name, tenant in pairs}
    assert len(names) == 3


async def test_a_database_of_somebody_else_is_left_alone(postgres_url: str, tmp_path: Path) -> None:
    connection = await asyncpg.connect(postgres_url)
    name = database_name(postgres_url, "t")
    await connection.execute(f'CREATE DATABASE "{name}"')
    theirs = await asyncpg.connect(postgres_url, database=name)
    await theirs.execute("CREATE TABLE tenants (id TEXT)")

    async def fence() -> None:
        warehouses = Warehouses(postgres_url, folder=tmp_path)
        try:
            async with warehouses.use("t") as warehouse:
                await warehouse.fence("ing", 1)
        finally:
            await warehouses.close()

    try:
        with pytest.raises(StorageUnavailableError, match="somebody else's: its comment is None"):
            await fence()
        assert await theirs.fetchval("SELECT to_regnamespace('headrace')") is None
        may = "SELECT has_database_privilege('pg_monitor', $1, 'CONNECT')"
        assert await connection.fetchval(may, name) is True, "its rights stay, too"
        await theirs.execute("DROP TABLE tenants")
        await fence()
        await fence()
        await connection.execute(f"COMMENT ON DATABASE \"{name}\" IS 'tenant of another'")
        with pytest.raises(StorageUnavailableError, match="'tenant of another', not 'Headrace, "):
            await fence()
    finally:
        await theirs.close()
        await connection.close()
        await drop_databases(postgres_url)


def test_long_names_of_databases_stay_apart() -> None:
    url = "postgresql://u@/control?host=/run"
    assert database_name(url, "t" * 55) == f"control.{'t' * 55}"
    long = {database_name(url, "t" * length) for length in range(56, 60)}
    assert len(long) == 4
    assert max(map(len, long)) < 64


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    url = f"postgresql://u@/postgres?host={quote(str(tmp_path))}"
    warehouses = Warehouses(url, folder=tmp_path)
    with pytest.raises(StorageUnavailableError):
        async with warehouses.use("t"):
            pass
    assert open_tenants(warehouses) == []


def test_a_process_ends_after_close(tmp_path: Path) -> None:
    code = f"""
import asyncio
from pathlib import Path
from headrace_server.warehouse.registry import Warehouses

async def main():
    warehouses = Warehouses("sqlite:///x", folder=Path({str(tmp_path)!r}))
    async with warehouses.use("t") as warehouse:
        await warehouse.fence("ing", 1)
    await warehouses.close()

asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", code], timeout=30, check=True)


async def test_a_read_does_not_take_the_writer(sqlite_url: str, tmp_path: Path) -> None:
    warehouses = Warehouses(sqlite_url, folder=tmp_path / "tenants")
    async with warehouses.use("a") as warehouse:
        await warehouse.fence("ing", 1)
        assert isinstance(warehouse, SqliteWarehouse)
        async with warehouse._writing() as first, warehouse._reading() as reader:
            writer = (await first.get_raw_connection()).driver_connection
            assert (await reader.get_raw_connection()).driver_connection is not writer
        await warehouse.settlements()
        async with warehouse._writing() as again:
            assert (await again.get_raw_connection()).driver_connection is writer
    await warehouses.close()


async def test_sqlite_files_have_wide_pages(sqlite_url: str, tmp_path: Path) -> None:
    warehouses = Warehouses(sqlite_url, folder=tmp_path)
    async with warehouses.use("a") as warehouse:
        await warehouse.fence("ing", 1)
    await warehouses.close()
    with closing(sqlite3.connect(tmp_path / "a.sqlite")) as connection:
        assert connection.execute("PRAGMA page_size").fetchone() == (16384,)
