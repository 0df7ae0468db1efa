import asyncio
from dataclasses import replace

from headrace_server.app import Core
from headrace_server.model.ingestion import Status

from .conftest import CALLER, Send, Work, customer, lines, order

CUSTOMERS = lines(customer(number) for number in range(60))
ORDERS = lines(order(1000 + number, number % 60) for number in range(60))


async def claimed(core: Core, count: int) -> list[asyncio.Task[None]]:
    jobs = await core.jobs.claim("tests", ["load_files"], count)
    assert len(jobs) == count
    return [asyncio.create_task(core.loading.run(job)) for job in jobs]


async def test_child_waits_for_the_parent_that_runs_so_that_nothing_is_parked(
    core: Core, send: Send
) -> None:
    await send("customers_1.ndjson", CUSTOMERS)
    orders = await send("orders_1.ndjson", ORDERS)
    await asyncio.gather(*await claimed(core, 2))
    async with core.loading._warehouses.use("default") as warehouse:
        chunks = await warehouse.committed(orders.request_id)
    assert {chunk.rows_parked for chunk in chunks} == {0}
    done = await core.services.ingestions.get(CALLER, orders.request_id)
    assert (done.status, done.rows_loaded) == (Status.COMPLETED, 60)


async def test_child_does_not_wait_for_a_parent_that_has_not_begun(
    core: Core, send: Send, work: Work
) -> None:
    orders = await send("orders_1.ndjson", ORDERS)
    await send("customers_1.ndjson", CUSTOMERS)
    (load,) = await claimed(core, 1)
    await load
    parked = await core.services.ingestions.get(CALLER, orders.request_id)
    assert (parked.status, parked.rows_parked) == (Status.COMPLETED_WITH_ERRORS, 60)
    await work()


async def test_wait_ends_with_the_parent_and_never_begins_for_another_tenant(
    core: Core, send: Send
) -> None:
    customers = await send("customers_1.ndjson", CUSTOMERS)
    orders = await send("orders_1.ndjson", ORDERS)
    (job,) = await core.jobs.claim("tests", ["load_files"], 1)
    await core.loading._records.begin(job)
    parents = core.loading._parent_loads
    catalog = await core.services.contracts.catalog("default")
    waiting = asyncio.create_task(parents.ended(orders, "orders", catalog))
    await parents.ended(replace(orders, tenant_id="stranger"), "orders", catalog)
    await parents.ended(orders, "products", catalog)
    assert not waiting.done()
    await core.services.ingestions.cancel(CALLER, customers.request_id)
    await waiting
