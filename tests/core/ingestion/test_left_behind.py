"""What killed processes leave behind is seen to by those that come after."""

import asyncio
import os
import time

import pytest

from headrace_server.app import Core
from headrace_server.core.ingestion.settling import Settlement
from headrace_server.model.ingestion import Ingestion, Status

from .conftest import CALLER, Send, Work, customer, lines, order

HALF_A_MINUTE = 30
TWO_HOURS = 7200.0


async def status_of(core: Core, ingestion: Ingestion) -> Status:
    return (await core.services.ingestions.get(CALLER, ingestion.request_id)).status


async def test_released_rows_are_counted_though_their_releaser_died(
    core: Core, send: Send, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = await send("orders_1.ndjson", lines([order(1, 7)]))
    await work()
    customers = await send("customers_1.ndjson", lines([customer(7)]))

    async def die(*_: object) -> None:
        """Leave the settlement out, as one does who is killed before it."""

    with monkeypatch.context() as death:
        death.setattr(Settlement, "settle", die)
        await work()
    assert await status_of(core, customers) is Status.COMPLETED
    assert await status_of(core, orders) is Status.COMPLETED_WITH_ERRORS
    async with core.housekeeping.running(), asyncio.timeout(HALF_A_MINUTE):
        while await status_of(core, orders) is not Status.COMPLETED:
            await asyncio.sleep(0.01)


async def test_folders_that_loads_left_are_dropped_when_they_are_quiet(
    core: Core, send: Send
) -> None:
    cancelled, waiting, fresh = [
        await send(f"customers_{number}.ndjson", lines([customer(number)])) for number in range(3)
    ]
    for ingestion in (cancelled, fresh):
        await core.services.ingestions.cancel(CALLER, ingestion.request_id)
    loads = core.config.spool_dir / "loads"
    for name in (cancelled.request_id, waiting.request_id, fresh.request_id, "unknown"):
        (loads / name).mkdir()
        (loads / name / "0.plain").write_bytes(b"x")
        if name != fresh.request_id:
            os.utime(loads / name, (time.time() - TWO_HOURS,) * 2)
    await core.housekeeping.sweep()
    assert {path.name for path in loads.iterdir()} == {waiting.request_id, fresh.request_id}
