import asyncio
from typing import Any

import pytest

from headrace_server.app import Core
from headrace_server.connectors.base import ConnectorError
from headrace_server.connectors.registry import BARE, Connectors
from headrace_server.core.mappings.accepting import RUN_MAPPINGS
from headrace_server.core.mappings.carrying import Carrier
from headrace_server.core.mappings.circuits import Hosts
from headrace_server.core.mappings.running import MappingRunner
from headrace_server.db import jobs as job_rows
from headrace_server.model.errors import InvalidFieldError, StaleAttemptError, WrongStateError
from headrace_server.model.ingestion import Ingestion, Status
from headrace_server.model.job import Job
from headrace_server.model.mapping import Mapping, MappingStatus
from headrace_server.model.page import PageRequest
from headrace_server.running import running_worker
from headrace_server.worker.worker import Worker

from .conftest import CALLER, Results, ScriptedSystem, Submit, Work


def runner_of(core: Core, system: ScriptedSystem, *, batch: int = 5) -> MappingRunner:
    """A runner like the core's own whose bare names are the scripted system."""
    ours = core.mappings
    carrier = Carrier(Connectors({BARE: system}), Hosts(100))
    return MappingRunner(
        ours._begin, ours._records, carrier, ours._loads, batch=batch, concurrency=10
    )


async def claim(core: Core) -> Job:
    (job,) = await core.jobs.claim("tests", [RUN_MAPPINGS], 1)
    return job


async def now(core: Core, ingestion: Ingestion) -> Ingestion:
    return await core.services.ingestions.get(CALLER, ingestion.request_id)


def counts(ingestion: Ingestion) -> tuple[int, int, int]:
    return ingestion.total_units, ingestion.processed_units, ingestion.failed_units


@pytest.mark.parametrize("number", [1, 4, 5, 501])
async def test_every_mapping_is_carried_once(
    core: Core, submit: Submit, results: Results, number: int
) -> None:
    ingestion, system = await submit(number), ScriptedSystem()
    await runner_of(core, system).run(await claim(core))
    ended = await now(core, ingestion)
    assert (ended.status, counts(ended), ended.progress, ended.details) == (
        Status.COMPLETED, (number, number, 0), 100, None
    )  # fmt: skip
    assert sorted(call.mapping_id for _, call in system.written) == sorted(
        f"m{each}" for each in range(number)
    )
    assert system.most_at_once <= 10
    found = await results(ingestion.request_id)
    assert {result.status for result in found} == {MappingStatus.COMPLETED}
    assert {result.attempts for result in found} == {1}


async def test_some_failures_are_no_clean_end(core: Core, submit: Submit, results: Results) -> None:
    ingestion, system = await submit(7), ScriptedSystem()
    system.errors = [None, ConnectorError("404"), None, ConnectorError("500")]
    await runner_of(core, system).run(await claim(core))
    ended = await now(core, ingestion)
    assert (ended.status, counts(ended), ended.progress) == (
        Status.COMPLETED_WITH_ERRORS, (7, 7, 2), 100
    )  # fmt: skip
    assert ended.details == "2 of 7 mappings failed; a retry runs only those again"
    assert ended.completed_at is not None
    failed = [each for each in await results(ingestion.request_id) if each.error]
    assert sorted(str(each.error) for each in failed) == ["404", "500"]


async def test_where_all_failed_the_request_failed(core: Core, submit: Submit) -> None:
    ingestion, system = await submit(3), ScriptedSystem()
    system.errors = [ConnectorError("no")] * 3
    await runner_of(core, system).run(await claim(core))
    ended = await now(core, ingestion)
    assert (ended.status, counts(ended), ended.progress) == (Status.FAILED, (3, 3, 3), 100)


async def test_a_retry_runs_only_what_failed(core: Core, submit: Submit, results: Results) -> None:
    ingestion, system = await submit(6), ScriptedSystem()
    system.errors = [ConnectorError("no")] * 2
    runner = runner_of(core, system)
    await runner.run(await claim(core))
    reopened = await core.services.ingestions.retry(CALLER, ingestion.request_id)
    assert (reopened.status, counts(reopened), reopened.details) == (
        Status.PENDING, (6, 4, 0), None
    )  # fmt: skip
    await runner.run(await claim(core))
    ended = await now(core, ingestion)
    assert (ended.status, counts(ended)) == (Status.COMPLETED, (6, 6, 0))
    assert len(system.written) == 6
    assert (
        sorted(each.attempts for each in await results(ingestion.request_id)) == [1] * 4 + [2] * 2
    )
    with pytest.raises(WrongStateError):
        await core.services.ingestions.retry(CALLER, ingestion.request_id)


async def test_what_an_attempt_recorded_is_not_carried_again(core: Core, submit: Submit) -> None:
    ingestion, system = await submit(30), ScriptedSystem(permits=12)
    first = asyncio.create_task(runner_of(core, system).run(job := await claim(core)))
    while (await now(core, ingestion)).processed_units < 10:
        await asyncio.sleep(0.001)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert (await now(core, ingestion)).processed_units == 10
    await core.jobs.hand_back(job.job_id, job.attempt)
    again = ScriptedSystem()
    await runner_of(core, again).run(await claim(core))
    assert len(again.written) == 20
    ended = await now(core, ingestion)
    assert (ended.status, counts(ended)) == (Status.COMPLETED, (30, 30, 0))


async def test_an_attempt_that_lost_its_claim_records_nothing(
    core: Core, submit: Submit, results: Results
) -> None:
    ingestion, system = await submit(5), ScriptedSystem(permits=0)
    old = await claim(core)
    running = asyncio.create_task(runner_of(core, system).run(old))
    while system.at_once < 5:
        await asyncio.sleep(0.001)
    async with core.store.begin() as connection:
        await job_rows.update(connection, old.job_id, {"attempt": old.attempt + 1})
    for _ in range(5):
        system.permits.release()
    with pytest.raises(StaleAttemptError):
        await running
    assert {each.status for each in await results(ingestion.request_id)} == {MappingStatus.PENDING}
    assert (await now(core, ingestion)).processed_units == 0


async def test_cancelling_in_mid_batch_keeps_what_was_recorded(
    core: Core, submit: Submit, results: Results
) -> None:
    ingestion, system = await submit(40), ScriptedSystem(permits=12)
    worker = Worker(
        core.jobs, {RUN_MAPPINGS: runner_of(core, system).run}, core.wakeups, worker_id="w"
    )
    await worker.start()
    while (await now(core, ingestion)).processed_units < 10:
        await asyncio.sleep(0.001)
    await core.services.ingestions.cancel(CALLER, ingestion.request_id)
    while worker.running:
        await asyncio.sleep(0.001)
    await worker.stop(0)
    assert system.at_once == 0
    ended = await now(core, ingestion)
    assert (ended.status, counts(ended)) == (Status.CANCELLED, (40, 10, 0))
    statuses = [each.status for each in await results(ingestion.request_id)]
    assert statuses.count(MappingStatus.COMPLETED) == 10
    assert statuses.count(MappingStatus.CANCELLED) == 30
    await core.services.ingestions.retry(CALLER, ingestion.request_id)
    await runner_of(core, again := ScriptedSystem()).run(await claim(core))
    assert len(again.written) == 30
    assert counts(await now(core, ingestion)) == (40, 40, 0)


async def test_a_request_that_was_cancelled_before_it_began_is_not_run(
    core: Core, submit: Submit, work: Work
) -> None:
    ingestion = await submit(2)
    await core.services.ingestions.cancel(CALLER, ingestion.request_id)
    await work()
    assert (await now(core, ingestion)).status is Status.CANCELLED


async def test_what_is_given_up_has_failed(core: Core, submit: Submit, results: Results) -> None:
    ingestion = await submit(3)
    while (await now(core, ingestion)).status is not Status.FAILED:
        job = await claim(core)
        await core.jobs.record_failure(job.job_id, job.attempt, "the worker died")
        async with core.store.begin() as connection:
            # Nobody waits for the back-off here.
            await job_rows.update(connection, job.job_id, {"available_at": job.created_at})
    ended = await now(core, ingestion)
    assert counts(ended) == (3, 3, 3)
    assert (ended.details or "").startswith("given up after")
    assert (ended.details or "").endswith("the worker died; retry it when that is mended")
    assert {each.status for each in await results(ingestion.request_id)} == {MappingStatus.FAILED}


async def test_a_faulty_store_fails_the_attempt(
    core: Core, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await submit(3)
    runner = runner_of(core, ScriptedSystem())

    async def pending(*_: Any) -> list[Any]:
        raise ConnectionError("gone")

    monkeypatch.setattr(runner._records, "pending", pending)
    with pytest.raises(ConnectionError):
        await runner.run(await claim(core))


async def test_results_come_in_pages(core: Core, submit: Submit) -> None:
    ingestion, token, found = await submit(5), "", []
    while True:
        page = PageRequest(2, token)
        read = await core.services.ingestions.results(CALLER, ingestion.request_id, page)
        found += [each.mapping_id for each in read.mappings.items]
        if not (token := read.mappings.next_token):
            break
    assert found == [f"m{each}" for each in range(5)]
    for wrong in ("WzEsMl0", "Wy0xXQ"):
        page = PageRequest(2, wrong)
        with pytest.raises(InvalidFieldError):
            await core.services.ingestions.results(CALLER, ingestion.request_id, page)


async def test_there_are_no_rejects(core: Core, submit: Submit, work: Work) -> None:
    ingestion = await submit(1)
    await work()
    rejects, page = core.services.rejects, PageRequest(10, "")
    _, found = await rejects.list(
        CALLER, ingestion.request_id, rejected=True, parked=True, page=page
    )
    assert found.items == ()
    with pytest.raises(WrongStateError, match="rejects of mappings are not replayed"):
        await rejects.replay(CALLER, ingestion.request_id, {}, only_corrections=False)


async def test_the_worker_runs_them(core: Core, submit: Submit, results: Results) -> None:
    mapping = Mapping("x", "source_1", "target_1", {"field1": "value1"})
    ingestion = await submit(0, mapping)
    async with running_worker(core):
        while not (await now(core, ingestion)).status.terminal:
            await asyncio.sleep(0.005)
    (result,) = await results(ingestion.request_id)
    assert result.output == {"accepted": 1, "record": {"field1": "value1"}}
