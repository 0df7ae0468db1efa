import gzip
import json
from typing import Any

import pytest

from headrace_server.app import Core
from headrace_server.db import jobs
from headrace_server.model.errors import NotFoundError, StaleAttemptError, WrongStateError
from headrace_server.model.ingestion import Ingestion, Status
from headrace_server.model.job import JobStatus
from headrace_server.model.page import PageRequest
from headrace_server.model.tenant import Principal
from headrace_server.model.warehouse import KeptRow

from .conftest import CALLER, Send, Work, customer, lines, order

CUSTOMERS = [customer(number) for number in range(100)]
ORDERS = [order(1000 + number, number % 100) for number in range(300)]


async def now(core: Core, ingestion: Ingestion) -> Ingestion:
    return await core.services.ingestions.get(CALLER, ingestion.request_id)


async def counts(core: Core, ingestion: Ingestion) -> tuple[Status, int, int, int]:
    newest = await now(core, ingestion)
    return newest.status, newest.rows_loaded, newest.rows_rejected, newest.rows_parked


async def rows_in(core: Core, table: str) -> int:
    found, _ = await core.services.tables.describe(CALLER, "public", table)
    return found.rows


async def kept(core: Core, ingestion: Ingestion, **which: bool) -> list[KeptRow]:
    wanted: dict[str, Any] = {"rejected": True, "parked": True} | which
    rows: list[KeptRow] = []
    token = ""
    while True:
        _, page = await core.services.rejects.list(
            CALLER, ingestion.request_id, **wanted, page=PageRequest(7, token)
        )
        rows += page.items
        token = page.next_token
        if not token:
            return rows


async def test_clean_files_are_loaded_in_chunks(core: Core, send: Send, work: Work) -> None:
    ingestion = await send("customers_1.ndjson", lines(CUSTOMERS))
    assert ingestion.status is Status.PENDING
    await work()
    done = await now(core, ingestion)
    assert (done.status, done.rows_loaded, done.progress) == (Status.COMPLETED, 100, 100)
    assert done.bytes_processed == done.bytes_total == len(lines(CUSTOMERS))
    assert done.details is None
    assert done.processed_units == done.total_units == 1
    assert await rows_in(core, "customers") == 100
    results = await core.services.ingestions.results(
        CALLER, ingestion.request_id, PageRequest(size=3)
    )
    assert [chunk.key.chunk for chunk in results.chunks.items] == [0, 1, 2]
    assert results.files[0].rows_loaded == 100
    rest = await core.services.ingestions.results(
        CALLER, ingestion.request_id, PageRequest(1000, results.chunks.next_token)
    )
    assert rest.chunks.items[0].key.chunk == 3
    assert sum(c.rows_loaded for c in (*results.chunks.items, *rest.chunks.items)) == 100
    spool = core.config.spool_dir
    assert [path for path in spool.rglob("*") if path.is_file()] == []


async def test_arrival_order_does_not_matter(core: Core, send: Send, work: Work) -> None:
    orders = await send("orders_1.ndjson", lines(ORDERS))
    await work()
    assert await counts(core, orders) == (Status.COMPLETED_WITH_ERRORS, 0, 0, 300)
    before = await now(core, orders)
    assert before.details == "300 rows wait for a parent"
    first = await send("customers_1.ndjson", lines(CUSTOMERS[:40]))
    await work()
    assert await counts(core, orders) == (Status.COMPLETED_WITH_ERRORS, 120, 0, 180)
    await send("customers_2.ndjson", lines(CUSTOMERS[40:]))
    await work()
    assert await counts(core, orders) == (Status.COMPLETED, 300, 0, 0)
    assert await counts(core, first) == (Status.COMPLETED, 40, 0, 0)
    assert (await now(core, orders)).revision > before.revision
    assert await rows_in(core, "orders") == 300


async def test_files_of_one_form_run_in_dependency_order(
    core: Core, send: Send, work: Work
) -> None:
    form = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="%s"\r\n\r\n%s\r\n' % part
        for part in (
            (b"orders_1.ndjson", lines(ORDERS)),
            (b"customers_1.ndjson", lines(CUSTOMERS)),
        )
    )
    ingestion = await send("", form + b"--b--\r\n", content_type="multipart/form-data; boundary=b")
    await work()
    assert await counts(core, ingestion) == (Status.COMPLETED, 400, 0, 0)
    results = await core.services.ingestions.results(CALLER, ingestion.request_id, PageRequest())
    assert [file.data_type for file in results.files] == ["customers", "orders"]
    assert sum(chunk.rows_parked for chunk in results.chunks.items) == 0


async def test_bad_rows_are_kept_with_line_and_reason_and_the_good_are_in(
    core: Core, send: Send, work: Work
) -> None:
    rows = lines(CUSTOMERS[:3]) + b"not json\n" + lines([customer(7, name=7), customer(8)])
    ingestion = await send("customers_1.ndjson", rows)
    await work()
    assert await counts(core, ingestion) == (Status.COMPLETED_WITH_ERRORS, 4, 2, 0)
    first, second = await kept(core, ingestion)
    assert (first.line, first.reason.name, first.raw) == (4, "MALFORMED_JSON", "not json")
    assert first.byte_offset == len(lines(CUSTOMERS[:3]))
    assert (second.line, second.column, second.reason.name) == (5, "name", "WRONG_TYPE")
    assert await kept(core, ingestion, rejected=False) == []
    assert await rows_in(core, "customers") == 4


async def test_file_of_nothing_but_bad_rows_failed_and_can_be_replayed(
    core: Core, send: Send, work: Work
) -> None:
    bad = [order(number, None) for number in range(20)]
    ingestion = await send("orders_1.ndjson", lines(bad))
    await work()
    failed = await now(core, ingestion)
    assert (failed.status, failed.failed_units) == (Status.FAILED, 1)
    assert "all 20 rows were rejected" in (failed.details or "")
    await send("customers_1.ndjson", lines(CUSTOMERS))
    await work()
    corrections = {
        row.reject_id: json.dumps(order(row.line - 1, 5)) for row in await kept(core, ingestion)
    }
    replayed, reopened = await core.services.rejects.replay(
        CALLER, ingestion.request_id, corrections, only_corrections=False
    )
    assert (replayed, reopened.status) == (20, Status.PENDING)
    await work()
    assert await counts(core, ingestion) == (Status.COMPLETED, 20, 0, 0)


async def test_replay_keeps_what_fails_again_with_its_first_place(
    core: Core, send: Send, work: Work
) -> None:
    rows = [*CUSTOMERS[:10], customer(50, name=1), customer(51, name=2), customer(52, name=3)]
    ingestion = await send("customers_1.ndjson", lines(rows))
    await work()
    bad = await kept(core, ingestion)
    corrections = {
        bad[0].reject_id: json.dumps(customer(50, name="mended")),
        bad[1].reject_id: json.dumps(customer(51, created_at="never")),
    }
    replayed, _ = await core.services.rejects.replay(
        CALLER, ingestion.request_id, corrections, only_corrections=True
    )
    assert replayed == 2
    await work()
    assert await counts(core, ingestion) == (Status.COMPLETED_WITH_ERRORS, 11, 2, 0)
    left = await kept(core, ingestion)
    assert [(row.line, row.column) for row in left] == [(12, "created_at"), (13, "name")]
    assert left[0].byte_offset == bad[1].byte_offset
    replayed, _ = await core.services.rejects.replay(
        CALLER,
        ingestion.request_id,
        {row.reject_id: json.dumps(customer(row.line)) for row in left},
        only_corrections=True,
    )
    await work()
    assert await counts(core, ingestion) == (Status.COMPLETED, 13, 0, 0)


async def test_replay_of_the_unknown_or_of_what_runs_is_refused(
    core: Core, send: Send, work: Work
) -> None:
    ingestion = await send("customers_1.ndjson", lines([customer(1), customer(2, name=2)]))
    with pytest.raises(WrongStateError, match="PENDING"):
        await core.services.rejects.replay(CALLER, ingestion.request_id, {}, only_corrections=False)
    await work()
    with pytest.raises(Exception, match="reject"):
        await core.services.rejects.replay(
            CALLER, ingestion.request_id, {"r-0-9-9": "{}"}, only_corrections=True
        )
    assert await core.services.rejects.replay(
        CALLER, ingestion.request_id, {}, only_corrections=True
    ) == (0, await now(core, ingestion))


async def test_gzip_is_inflated_and_counts_as_its_content(
    core: Core, send: Send, work: Work
) -> None:
    ingestion = await send("customers_1.ndjson.gz", gzip.compress(lines(CUSTOMERS)))
    await work()
    done = await now(core, ingestion)
    assert done.bytes_total == done.bytes_processed == len(lines(CUSTOMERS))
    assert await rows_in(core, "customers") == 100


async def test_damaged_gzip_fails_with_the_place(core: Core, send: Send, work: Work) -> None:
    ingestion = await send("customers_1.ndjson.gz", gzip.compress(lines(CUSTOMERS))[:-9])
    await work()
    failed = await now(core, ingestion)
    assert failed.status is Status.FAILED
    assert "gzip" in (failed.details or "")


async def test_empty_file_completes_and_says_so(core: Core, send: Send, work: Work) -> None:
    ingestion = await send("customers_1.ndjson", b"")
    await work()
    done = await now(core, ingestion)
    assert (done.status, done.details) == (
        Status.COMPLETED,
        "customers_1.ndjson holds no row",
    )


async def test_later_row_of_a_key_wins(core: Core, send: Send, work: Work) -> None:
    rows = [customer(1, name="first"), *CUSTOMERS[2:80], customer(1, name="last")]
    ingestion = await send("customers_1.ndjson", lines(rows))
    await work()
    assert await counts(core, ingestion) == (Status.COMPLETED, 80, 0, 0)
    assert await rows_in(core, "customers") == 79


async def test_retried_attempt_loads_nothing_twice(
    core: Core, send: Send, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingestion = await send("customers_1.ndjson", lines(CUSTOMERS))
    (job,) = await core.jobs.claim("dies", ["load_files"], 1)
    records = core.loading._records
    record, recorded = records._record, 0

    async def dies_midway(*arguments: Any) -> None:
        nonlocal recorded
        recorded += 1
        if recorded == 3:
            raise ConnectionResetError("the store went away")
        await record(*arguments)

    monkeypatch.setattr(records, "_record", dies_midway)
    with pytest.raises(ConnectionResetError):
        await core.loading.run(job)
    monkeypatch.setattr(records, "_record", record)
    await core.jobs.record_failure(job.job_id, job.attempt, "the store went away")
    waiting = await now(core, ingestion)
    assert waiting.status is Status.IN_PROGRESS
    assert "attempt 1 failed and is made again: the store went away" in (waiting.details or "")
    await _skip_backoff(core, job.job_id)
    await work()
    assert await counts(core, ingestion) == (Status.COMPLETED, 100, 0, 0)
    results = await core.services.ingestions.results(CALLER, ingestion.request_id, PageRequest())
    assert {chunk.attempt for chunk in results.chunks.items} == {1, 2}


async def _skip_backoff(core: Core, job_id: str) -> None:
    async with core.store.begin() as connection:
        job = await jobs.find(connection, job_id)
        assert job is not None
        await jobs.update(connection, job_id, {"available_at": job.created_at})


async def test_job_that_spent_its_attempts_fails_the_ingestion(
    core: Core, send: Send, work: Work
) -> None:
    ingestion = await send("customers_1.ndjson", lines(CUSTOMERS))
    while True:
        (job,) = await core.jobs.claim("dies", ["load_files"], 1)
        job = await core.jobs.record_failure(job.job_id, job.attempt, "no luck")
        if job.status is JobStatus.FAILED:
            break
        await _skip_backoff(core, job.job_id)
    failed = await now(core, ingestion)
    assert failed.status is Status.FAILED
    assert "no luck; retry it" in (failed.details or "")
    reopened = await core.services.ingestions.retry(CALLER, ingestion.request_id)
    assert reopened.status is Status.PENDING
    await work()
    assert await counts(core, ingestion) == (Status.COMPLETED, 100, 0, 0)


async def test_older_attempt_is_refused_by_the_warehouse(
    core: Core, send: Send, work: Work
) -> None:
    ingestion = await send("customers_1.ndjson", lines(CUSTOMERS))
    (job,) = await core.jobs.claim("slow", ["load_files"], 1)
    async with core.loading._warehouses.use("default") as warehouse:
        await warehouse.fence(ingestion.request_id, job.attempt + 1)
    with pytest.raises(StaleAttemptError):
        await core.loading.run(job)


async def test_cancelled_ingestion_keeps_what_is_loaded_and_can_be_retried(
    core: Core, send: Send, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingestion = await send("customers_1.ndjson", lines(CUSTOMERS))
    (job,) = await core.jobs.claim("slow", ["load_files"], 1)
    records = core.loading._records
    record, recorded = records._record, 0

    async def cancels_midway(*arguments: Any) -> None:
        nonlocal recorded
        await record(*arguments)
        recorded += 1
        if recorded == 2:
            await core.services.ingestions.cancel(CALLER, ingestion.request_id)

    monkeypatch.setattr(records, "_record", cancels_midway)
    with pytest.raises(StaleAttemptError):
        await core.loading.run(job)
    monkeypatch.setattr(records, "_record", record)
    cancelled = await now(core, ingestion)
    assert cancelled.status is Status.CANCELLED
    assert 0 < cancelled.rows_loaded < 100
    assert await rows_in(core, "customers") == cancelled.rows_loaded
    again = await core.services.ingestions.cancel(CALLER, ingestion.request_id)
    assert again.revision == cancelled.revision
    await core.services.ingestions.retry(CALLER, ingestion.request_id)
    await work()
    assert await counts(core, ingestion) == (Status.COMPLETED, 100, 0, 0)


async def test_finished_ingestion_is_neither_cancelled_nor_retried(
    core: Core, send: Send, work: Work
) -> None:
    ingestion = await send("customers_1.ndjson", lines(CUSTOMERS))
    await work()
    done = await now(core, ingestion)
    assert await core.services.ingestions.cancel(CALLER, ingestion.request_id) == done
    with pytest.raises(WrongStateError, match="COMPLETED"):
        await core.services.ingestions.retry(CALLER, ingestion.request_id)


async def test_bytes_that_are_no_longer_kept_are_asked_for(
    core: Core, send: Send, work: Work
) -> None:
    ingestion = await send("customers_1.ndjson", lines(CUSTOMERS))
    results = await core.services.ingestions.results(CALLER, ingestion.request_id, PageRequest())
    core.loading._spool.drop_upload(results.files[0].upload_id)
    await work()
    failed = await now(core, ingestion)
    assert failed.status is Status.FAILED
    assert "gone" in (failed.details or "")


async def test_other_tenants_find_nothing(core: Core, send: Send, work: Work) -> None:
    ingestion = await send("customers_1.ndjson", lines(CUSTOMERS))
    await core.tenants.create("stranger")
    stranger = Principal("stranger", CALLER.scopes, None)
    services, request_id = core.services, ingestion.request_id
    page = PageRequest()
    for refused in (
        services.ingestions.get(stranger, request_id),
        services.ingestions.results(stranger, request_id, page),
        services.ingestions.cancel(stranger, request_id),
        services.ingestions.retry(stranger, request_id),
        services.rejects.list(stranger, request_id, rejected=True, parked=True, page=page),
        services.rejects.replay(stranger, request_id, {}, only_corrections=False),
        anext(services.watches.ingestion(stranger, request_id, 0)),
        services.watches.create_token(stranger, request_id),
    ):
        with pytest.raises(NotFoundError, match=f"ingestion '{request_id}' not found"):
            await refused
    assert (await services.ingestions.list(stranger, None, page)).items == ()
    assert (await services.tables.list(stranger, page)).items == ()


async def test_lists_are_paged_newest_first(core: Core, send: Send, work: Work) -> None:
    sent = [await send(f"customers_{n}.ndjson", lines([customer(n)])) for n in range(5)]
    await work()
    page = await core.services.ingestions.list(CALLER, None, PageRequest(2))
    rest = await core.services.ingestions.list(CALLER, None, PageRequest(9, page.next_token))
    found = [item.request_id for item in (*page.items, *rest.items)]
    assert found == [ingestion.request_id for ingestion in reversed(sent)]
    done = await core.services.ingestions.list(CALLER, Status.COMPLETED, PageRequest())
    assert len(done.items) == 5
    assert (await core.services.ingestions.list(CALLER, Status.FAILED, PageRequest())).items == ()
    assert await core.services.ingestions.active() == 0
