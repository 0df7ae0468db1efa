"""What is cancelled, given up, retried and replayed, in whatever order."""

import asyncio
import json
from typing import Any

import pytest

from headrace_server.app import Core
from headrace_server.core.ingestion.load_records import Load
from headrace_server.model.errors import StaleAttemptError, WrongStateError
from headrace_server.model.ingestion import Ingestion, Status
from headrace_server.model.page import PageRequest

from .conftest import CALLER, Send, Work, customer, lines, order

ROWS = lines([customer(0, name=0), *(customer(number) for number in range(1, 100))])


async def newest(core: Core, ingestion: Ingestion) -> Ingestion:
    return await core.services.ingestions.get(CALLER, ingestion.request_id)


async def replayed(core: Core, ingestion: Ingestion, raw: str) -> int:
    _, page = await core.services.rejects.list(
        CALLER, ingestion.request_id, rejected=True, parked=False, page=PageRequest()
    )
    count, _ = await core.services.rejects.replay(
        CALLER,
        ingestion.request_id,
        {row.reject_id: raw for row in page.items},
        only_corrections=True,
    )
    return count


async def cancelled_after(
    core: Core, ingestion: Ingestion, chunks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, done = core.loading._records, 0
    merged = records.merged

    async def cancelling(*arguments: Any) -> None:
        nonlocal done
        await merged(*arguments)
        done += 1
        if done == chunks:
            await core.services.ingestions.cancel(CALLER, ingestion.request_id)

    monkeypatch.setattr(records, "merged", cancelling)
    (job,) = await core.jobs.claim("tests", ["load_files"], 1)
    with pytest.raises(StaleAttemptError):
        await core.loading.run(job)
    monkeypatch.setattr(records, "merged", merged)


async def test_replay_never_completes_what_was_not_read_to_its_end(
    core: Core, send: Send, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingestion = await send("customers_1.ndjson", ROWS)
    await cancelled_after(core, ingestion, 2, monkeypatch)
    assert (await newest(core, ingestion)).status is Status.CANCELLED
    with pytest.raises(WrongStateError, match="not all of it was read; retry"):
        await replayed(core, ingestion, json.dumps(customer(0)))
    await core.services.ingestions.retry(CALLER, ingestion.request_id)
    await work()
    assert await replayed(core, ingestion, json.dumps(customer(0))) == 1
    await work()
    done = await newest(core, ingestion)
    assert (done.status, done.rows_loaded, done.rows_rejected) == (Status.COMPLETED, 100, 0)


async def test_cancelled_replay_is_not_taken_up_by_a_retry(
    core: Core, send: Send, work: Work
) -> None:
    ingestion = await send("customers_1.ndjson", lines([customer(0, name=0)]))
    await work()
    assert await replayed(core, ingestion, json.dumps(customer(0, name="wrong"))) == 1
    await core.services.ingestions.cancel(CALLER, ingestion.request_id)
    await core.services.ingestions.retry(CALLER, ingestion.request_id)
    await work()
    done = await newest(core, ingestion)
    assert (done.status, done.rows_loaded, done.rows_rejected) == (Status.FAILED, 0, 1)


async def test_replay_that_is_asked_for_at_the_very_end_is_kept(
    core: Core, send: Send, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingestion = await send("customers_1.ndjson", lines([customer(0, name=0), customer(1)]))
    finish = core.loading._records.finish

    async def finish_and_replay(load: Load) -> None:
        await finish(load)
        monkeypatch.setattr(core.loading._records, "finish", finish)
        assert await replayed(core, ingestion, json.dumps(customer(0))) == 1

    monkeypatch.setattr(core.loading._records, "finish", finish_and_replay)
    await work()
    done = await newest(core, ingestion)
    assert (done.status, done.rows_loaded) == (Status.COMPLETED, 2)


async def test_failed_file_of_a_request_that_half_succeeded_can_be_retried(
    core: Core, send: Send, work: Work
) -> None:
    form = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="%s"\r\n\r\n%s\r\n' % part
        for part in (
            (b"customers_1.ndjson", lines([customer(1)])),
            (b"products_1.ndjson", b"{}\n"),
        )
    )
    ingestion = await send("", form + b"--b--\r\n", content_type="multipart/form-data; boundary=b")
    await work()
    half = await newest(core, ingestion)
    assert (half.status, half.failed_units) == (Status.COMPLETED_WITH_ERRORS, 1)
    assert (
        await core.services.ingestions.retry(CALLER, ingestion.request_id)
    ).status is Status.PENDING
    await work()
    assert (await newest(core, ingestion)).status is Status.COMPLETED_WITH_ERRORS


async def test_child_does_not_wait_for_a_parent_that_waits_for_its_next_attempt(
    core: Core, send: Send
) -> None:
    customers = await send("customers_1.ndjson", ROWS)
    orders = await send("orders_1.ndjson", lines([order(1000, 1)]))
    (job,) = await core.jobs.claim("fails", ["load_files"], 1)
    await core.loading._records.begin(job)
    await core.jobs.record_failure(job.job_id, job.attempt, "the first attempt failed")
    assert (await newest(core, customers)).status is Status.IN_PROGRESS
    (job,) = await core.jobs.claim("tests", ["load_files"], 1)
    async with asyncio.timeout(60):
        await core.loading.run(job)
    assert (await newest(core, orders)).rows_parked == 1


async def test_counts_of_released_rows_are_settled_after_a_cancellation(
    core: Core, send: Send, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = await send("orders_1.ndjson", lines([order(1000, 1)]))
    await work()
    customers = await send("customers_1.ndjson", ROWS)
    await cancelled_after(core, customers, 1, monkeypatch)
    released = await newest(core, orders)
    assert (released.status, released.rows_loaded) == (Status.COMPLETED, 1)


async def test_watcher_of_a_reopened_ingestion_sees_its_new_end(
    core: Core, send: Send, work: Work
) -> None:
    ingestion = await send("customers_1.ndjson", lines([customer(0, name=0)]))
    await work()
    watches = core.services.watches
    slow = watches.ingestion(CALLER, ingestion.request_id, 0)
    assert (await anext(slow)).status is Status.FAILED
    await replayed(core, ingestion, json.dumps(customer(0)))
    second = watches.ingestion(CALLER, ingestion.request_id, 0)
    assert (await anext(second)).status is Status.PENDING
    await work()
    async with asyncio.timeout(30):
        *_, last = [snapshot.status async for snapshot in second]
    assert last is Status.COMPLETED
    await slow.aclose()
