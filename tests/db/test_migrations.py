import asyncio
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from headrace_server.db import migrations
from headrace_server.db.engine import ControlStore
from headrace_server.db.migrations import downgrade, migrate, upgrade
from headrace_server.db.tables import metadata

SCRIPTS = ScriptDirectory(migrations.__path__[0])


def _differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True}
    )
    return list(compare_metadata(context, metadata))


def _schema(connection: Connection) -> dict[str, Any]:
    inspector = inspect(connection)
    return {
        table: (
            sorted(column["name"] for column in inspector.get_columns(table)),
            sorted(str(index["name"]) for index in inspector.get_indexes(table)),
        )
        for table in inspector.get_table_names()
    }


async def _schema_of(store: ControlStore) -> dict[str, Any]:
    async with store.read() as connection:
        return await connection.run_sync(_schema)


async def test_migrations_equal_the_tables(database_url: str) -> None:
    store = ControlStore.open(database_url)
    await migrate(store)
    async with store.read() as connection:
        assert await connection.run_sync(_differences) == []
        indexes = await connection.run_sync(
            lambda c: {
                (table, index["name"], tuple(map(str, index["column_names"])))
                for table in metadata.tables
                for index in inspect(c).get_indexes(table)
                if not index["unique"]
            }
        )
    declared = {(t.name, i.name) for t in metadata.tables.values() for i in t.indexes}
    assert {(table, name) for table, name, _ in indexes} == declared
    await store.close()


async def test_each_step_can_be_taken_back_and_again(database_url: str) -> None:
    store = ControlStore.open(database_url)
    for script in reversed(list(SCRIPTS.walk_revisions())):
        before = await _schema_of(store)
        await upgrade(store, script.revision)
        after = await _schema_of(store)
        assert after != before
        await downgrade(store, str(script.down_revision or "base"))
        assert (await _schema_of(store)).keys() - before.keys() <= {"alembic_version"}
        await upgrade(store, script.revision)
        assert await _schema_of(store) == after
    await store.close()


async def test_nothing_is_done_to_a_schema_that_is_up_to_date(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ControlStore.open(database_url)
    await migrate(store)
    newest = await _schema_of(store)
    await downgrade(store, "-1")
    await migrate(store)
    assert await _schema_of(store) == newest
    monkeypatch.delattr(migrations, "upgrade")
    await migrate(store)
    await store.close()


async def test_many_servers_migrate_at_once(database_url: str) -> None:
    stores = [ControlStore.open(database_url) for _ in range(5)]
    await asyncio.gather(*(migrate(store) for store in stores))
    assert metadata.tables.keys() < (await _schema_of(stores[0])).keys()
    for store in stores:
        await store.close()
