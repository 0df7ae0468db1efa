"""Tables that are profiled and scored after their loads, on each engine."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from headrace_server.app import Core
from headrace_server.core.ingestion.accepting import LOAD_FILES
from headrace_server.core.ingestion.load_records import Load
from headrace_server.db import dataset_loads as dataset_loads_rows
from headrace_server.db.dataset_tables import dataset_loads
from headrace_server.model.errors import NotFoundError, StaleAttemptError, StorageUnavailableError
from headrace_server.model.ingestion import Status

from .conftest import CALLER, customer, lines, order

if TYPE_CHECKING:
    from .conftest import Send, Work


async def observe_all(core: Core) -> int:
    count = 0
    while await core.services.observer.observe_next():
        count += 1
    return count


async def rows_seen(core: Core, table: str) -> int:
    dataset = await core.services.datasets.get(CALLER, f"public.{table}")
    assert dataset.observation is not None
    return dataset.observation.profile.rows


async def test_loads_keep_their_datasets(core: Core, send: "Send", work: "Work") -> None:
    await send("customers_1.ndjson", lines(customer(n) for n in range(3)))
    await send("customers_2.ndjson", lines(customer(n) for n in range(2, 5)))
    await work()
    # Customers together, and the tables below them, into which nothing was loaded.
    assert await observe_all(core) == 3
    assert await rows_seen(core, "customers") == 5
    for table in ("orders", "products"):
        with pytest.raises(NotFoundError):
            await core.services.datasets.get(CALLER, f"public.{table}")
    await send("orders_1.ndjson", lines([order(1, 1), order(2, 77)]))
    await work()
    await observe_all(core)
    assert await rows_seen(core, "orders") == 1
    await send("customers_3.ndjson", lines([customer(77)]))
    await work()
    await observe_all(core)
    assert await rows_seen(core, "orders") == 2
    found = await core.services.datasets.get(CALLER, "public.customers")
    assert found.observation is not None
    assert found.observation.compared


async def test_what_cannot_be_noted_fails_no_load(core: Core, send: "Send", work: "Work") -> None:
    async with core.store.begin() as connection:
        await connection.execute(text("ALTER TABLE dataset_loads RENAME TO gone"))
    ingestion = await send("customers_1.ndjson", lines([customer(1)]))
    await work()
    ended = await core.services.ingestions.get(CALLER, ingestion.request_id)
    assert ended.status is Status.COMPLETED


async def test_a_table_that_is_gone_is_forgotten(core: Core) -> None:
    observer = core.services.observer
    catalog = await core.services.contracts.catalog("default")
    await observer.load_ended("default", {"products"}, catalog)
    assert await observe_all(core) == 2
    async with core.store.read() as connection:
        assert (await connection.execute(dataset_loads.select())).all() == []
    with pytest.raises(NotFoundError):
        await observer.observe(CALLER, "public.products")
    with pytest.raises(NotFoundError):
        await observer.observe(CALLER, "products")


async def test_it_goes_on_after_a_fault(core: Core, send: "Send", work: "Work") -> None:
    await send("customers_1.ndjson", lines([customer(1)]))
    async with core.store.begin() as connection:
        await connection.execute(text("ALTER TABLE datasets RENAME TO gone"))
    async with core.services.observer.running():
        await work()
        async with asyncio.timeout(10):
            while not await claimed(core):
                await asyncio.sleep(0.02)
    async with core.store.begin() as connection:
        await connection.execute(text("ALTER TABLE gone RENAME TO datasets"))
        await connection.execute(
            dataset_loads.update().values(claimed_until=dataset_loads.c.loaded_at)
        )
    async with core.services.observer.running():
        async with asyncio.timeout(10):
            while not await core.services.datasets.find("default", "public.customers"):
                await asyncio.sleep(0.02)


async def claimed(core: Core) -> bool:
    async with core.store.read() as connection:
        rows = await connection.execute(
            dataset_loads.select().where(dataset_loads.c.claimed_until > dataset_loads.c.loaded_at)
        )
        return bool(rows.all())


async def test_who_dies_at_the_end_loses_no_observation(
    core: Core, send: "Send", monkeypatch: pytest.MonkeyPatch
) -> None:
    await send("customers_1.ndjson", lines([customer(1)]))
    [job] = await core.jobs.claim("tests", [LOAD_FILES], 1)
    finish = core.loading._records.finish

    async def die_after(load: Load) -> None:
        await finish(load)
        raise asyncio.CancelledError

    monkeypatch.setattr(core.loading._records, "finish", die_after)
    with pytest.raises(asyncio.CancelledError):
        await core.loading.run(job)
    await observe_all(core)
    assert await rows_seen(core, "customers") == 1


@pytest.mark.parametrize("error", [StaleAttemptError("cancelled"), StorageUnavailableError("full")])
async def test_what_a_load_left_is_observed(
    core: Core, send: "Send", error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send("customers_1.ndjson", lines([customer(1)]))
    [job] = await core.jobs.claim("tests", [LOAD_FILES], 1)

    async def fail(load: Load, number: int) -> None:
        raise error

    monkeypatch.setattr(core.loading._records, "end_file", fail)
    with pytest.raises(type(error)):
        await core.loading.run(job)
    await observe_all(core)
    assert await rows_seen(core, "customers") == 1


async def test_a_clock_that_is_behind_loses_no_load(core: Core) -> None:
    catalog = await core.services.contracts.catalog("default")
    observer = core.services.observer
    await observer.load_ended("default", {"products"}, catalog)
    now = datetime.now(UTC)
    async with core.store.begin() as connection:
        first = await dataset_loads_rows.claim(connection, now, now + timedelta(minutes=1))
    assert first is not None
    behind = first[2] - timedelta(seconds=2)
    async with core.store.begin() as connection:
        await dataset_loads_rows.add(connection, "default", [first[1]], behind)
        await dataset_loads_rows.done(connection, *first)
    async with core.store.read() as connection:
        rows = (await connection.execute(dataset_loads.select())).all()
    assert (first[1], behind) in [(row.full_name, row.loaded_at) for row in rows]
