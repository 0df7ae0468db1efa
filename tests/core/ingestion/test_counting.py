import pytest

from headrace_server.app import Core
from headrace_server.db import ingestions
from headrace_server.model.ingestion import Status

from .conftest import CALLER, Send, Work, customer, lines, order


@pytest.mark.parametrize("end", [Status.FAILED, Status.CANCELLED])
async def test_released_rows_count_but_a_failed_or_cancelled_ingestion_can_still_be_retried(
    core: Core, send: Send, work: Work, end: Status
) -> None:
    orders = await send("orders_1.ndjson", lines([order(1, 1)]))
    await work()
    async with core.store.begin() as connection:
        await ingestions.update_ingestion(
            connection,
            orders.request_id,
            {Status.COMPLETED_WITH_ERRORS},
            status=end,
            details="why it ended",
        )
    await send("customers_1.ndjson", lines([customer(1)]))
    await work()
    counted = await core.services.ingestions.get(CALLER, orders.request_id)
    assert (counted.rows_loaded, counted.rows_parked) == (1, 0)
    assert (counted.status, counted.details) == (end, "why it ended")
    again = await core.services.ingestions.retry(CALLER, orders.request_id)
    assert again.status is Status.PENDING
