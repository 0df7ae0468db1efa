"""Runs moved by hand: order, retries, failures, approvals, cancelling, resuming, crashes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headrace_server.core.pipelines.advancing import _Attempt
from headrace_server.core.pipelines.deciding import MOST_AT_ONCE
from headrace_server.db import jobs as job_rows
from headrace_server.db import runs as run_rows
from headrace_server.model.dataset import Declaration
from headrace_server.model.errors import NotFoundError, WrongStateError
from headrace_server.model.job import JobStatus
from headrace_server.model.mapping import Mapping
from headrace_server.model.page import PageRequest
from headrace_server.model.pipeline import (
    Approval,
    ImportFile,
    Ingest,
    OnFailure,
    Parameter,
    Retry,
    ScoreDataset,
)
from headrace_server.model.run import RunStatus

from .conftest import CALLER, Floor, step

_PAGE = PageRequest()

NOW_AND_THEN = Retry(attempts=3, delay=timedelta(0))


def diamond(**more: Any) -> tuple[Any, ...]:
    return step("a"), step("b", "a", **more), step("c", "a"), step("d", "b", "c")


async def test_a_diamond_runs_in_order(floor: Floor) -> None:
    run_id = await floor.run_of(*diamond())
    assert await floor.steps(run_id) == dict.fromkeys("bcd", "PENDING") | {"a": "RUNNING"}
    await floor.end("a")
    assert await floor.steps(run_id) == {
        "a": "SUCCEEDED",
        "b": "RUNNING",
        "c": "RUNNING",
        "d": "PENDING",
    }
    await floor.end("c")
    assert (await floor.steps(run_id))["d"] == "PENDING"
    await floor.end("b")
    assert (await floor.get(run_id)).status is RunStatus.RUNNING
    await floor.end("d")
    run = await floor.get(run_id)
    assert (run.status, run.progress, run.ended_steps, run.failed_steps) == (
        RunStatus.SUCCEEDED,
        100,
        4,
        0,
    )
    assert run.completed_at is not None
    assert all(each.output["job_id"] == each.child_id for each in run.steps)
    assert [line for line in await floor.log(run_id) if line[0] == "d"] == [
        "d begins",
        "d succeeded",
    ]


async def test_a_failed_step_ends_the_run_once_what_runs_has_ended(floor: Floor) -> None:
    run_id = await floor.run_of(*diamond())
    await floor.end("a")
    await floor.fail("b")
    run = await floor.get(run_id)
    assert (run.status, run.terminal) == (RunStatus.RUNNING, False)
    await floor.end("c")
    run = await floor.get(run_id)
    assert (run.status, run.error) == (RunStatus.FAILED, "step b failed")
    assert [each.status.value for each in run.steps] == [
        "SUCCEEDED",
        "FAILED",
        "SUCCEEDED",
        "SKIPPED",
    ]


async def test_skip_leaves_out_what_depends_on_it_only(floor: Floor) -> None:
    run_id = await floor.run_of(*diamond(on_failure=OnFailure.SKIP), step("e", "c"))
    await floor.end("a")
    await floor.fail("b")
    await floor.end("c")
    assert (await floor.steps(run_id))["e"] == "RUNNING"
    await floor.end("e")
    run = await floor.get(run_id)
    assert (run.status, run.error) == (RunStatus.FAILED, "step b failed")
    assert (await floor.steps(run_id))["d"] == "SKIPPED"


async def test_continue_lets_the_run_succeed(floor: Floor) -> None:
    run_id = await floor.run_of(*diamond(on_failure=OnFailure.CONTINUE))
    await floor.end("a")
    await floor.fail("b")
    await floor.end("c")
    await floor.end("d")
    run = await floor.get(run_id)
    assert (run.status, run.failed_steps, run.error) == (RunStatus.SUCCEEDED, 1, None)


async def test_a_step_is_tried_again_by_its_policy(floor: Floor) -> None:
    run_id = await floor.run_of(step("a", retry=NOW_AND_THEN), step("b", "a"))
    first = (await floor.get(run_id)).steps[0]
    await floor.fail("a")
    again = (await floor.get(run_id)).steps[0]
    assert (again.attempt, again.status.value) == (2, "RUNNING")
    assert again.child_id != first.child_id
    await floor.end("a")
    await floor.end("b")
    assert (await floor.get(run_id)).status is RunStatus.SUCCEEDED


async def test_the_last_attempt_that_is_allowed_ends_it(floor: Floor) -> None:
    run_id = await floor.run_of(step("a", retry=NOW_AND_THEN))
    for _ in range(3):
        await floor.fail("a")
    run = await floor.get(run_id)
    assert (run.status, run.steps[0].attempt) == (RunStatus.FAILED, 3)


async def test_a_wait_between_attempts_is_a_time_of_the_job(floor: Floor) -> None:
    retry = Retry(attempts=2, delay=timedelta(seconds=100))
    run_id = await floor.run_of(step("a", retry=retry))
    await floor.fail("a")
    waiting = (await floor.get(run_id)).steps[0]
    assert waiting.status.value == "PENDING"
    assert waiting.next_attempt_at is not None
    async with floor.core.store.read() as connection:
        job_id = await _job_id(floor, run_id)
        job = await job_rows.find(connection, job_id)
    assert job is not None
    assert (job.status, job.available_at) == (JobStatus.PENDING, waiting.next_attempt_at)


async def _job_id(floor: Floor, run_id: str) -> str:
    async with floor.core.store.read() as connection:
        found = await run_rows.job_of(connection, "default", run_id)
    assert found is not None
    return found


async def test_a_run_that_waits_holds_no_job(floor: Floor) -> None:
    run_id = await floor.run_of(step("a"))
    job = await floor.core.jobs.find(await _job_id(floor, run_id))
    assert job is not None
    assert job.status is JobStatus.COMPLETED


async def test_approval_is_waited_for_and_remembered(floor: Floor) -> None:
    approval = Approval("publish {{ day }}?")
    run_id = await floor.run_of(
        step("ok", settings=approval), step("b", "ok"), parameters=[Parameter("day", default="x")]
    )
    run = await floor.get(run_id)
    assert (run.status, run.steps[0].message) == (RunStatus.WAITING, "publish x?")
    await floor.core.runs.runs.approve(CALLER, run_id, "ok", approved=True, comment="fine")
    again = await floor.core.runs.runs.approve(CALLER, run_id, "ok", approved=True)
    assert again.steps[0].verdict is not None
    assert (again.steps[0].verdict.decided_by, again.steps[0].verdict.comment) == ("key_1", "fine")
    await floor.move()
    assert await floor.steps(run_id) == {"ok": "SUCCEEDED", "b": "RUNNING"}
    with pytest.raises(WrongStateError, match="does not wait"):
        await floor.core.runs.runs.approve(CALLER, run_id, "ok", approved=False)
    with pytest.raises(WrongStateError, match="does not wait"):
        await floor.core.runs.runs.approve(CALLER, run_id, "b", approved=True)
    with pytest.raises(NotFoundError):
        await floor.core.runs.runs.approve(CALLER, run_id, "c", approved=True)


async def test_rejection_fails_the_step(floor: Floor) -> None:
    run_id = await floor.run_of(step("ok", settings=Approval()), step("b", "ok"))
    await floor.core.runs.runs.approve(CALLER, run_id, "ok", approved=False, comment="not yet")
    await floor.move()
    run = await floor.get(run_id)
    assert (run.status, run.steps[0].error) == (RunStatus.FAILED, "rejected by key_1: not yet")


async def test_a_run_waits_only_if_nothing_else_goes_on(floor: Floor) -> None:
    run_id = await floor.run_of(step("ok", settings=Approval()), step("b"))
    assert (await floor.get(run_id)).status is RunStatus.RUNNING
    await floor.end("b")
    assert (await floor.get(run_id)).status is RunStatus.WAITING


async def test_cancelling_ends_what_is_under_way(floor: Floor) -> None:
    run_id = await floor.run_of(*diamond())
    child_id = str((await floor.get(run_id)).steps[0].child_id)
    run = await floor.core.runs.runs.cancel(CALLER, run_id)
    assert (run.status, run.error) == (RunStatus.CANCELLED, "cancelled on request")
    assert set((await floor.steps(run_id)).values()) == {"CANCELLED"}
    await floor.move()
    child = await floor.core.services.remote_jobs.get(CALLER, child_id)
    assert child.job.status is JobStatus.CANCELLED
    assert not any(each.child_open for each in (await floor.get(run_id)).steps)
    again = await floor.core.runs.runs.cancel(CALLER, run_id)
    assert (again.status, again.completed_at) == (run.status, run.completed_at)


async def test_a_run_resumes_from_what_failed(floor: Floor) -> None:
    run_id = await floor.run_of(*diamond())
    await floor.end("a")
    await floor.end("c")
    await floor.fail("b")
    kept = {each.step_id: each.child_id for each in (await floor.get(run_id)).steps}
    run = await floor.core.runs.runs.resume(CALLER, run_id)
    assert (run.status, run.error, run.completed_at) == (RunStatus.RUNNING, None, None)
    await floor.move()
    assert await floor.steps(run_id) == {
        "a": "SUCCEEDED",
        "b": "RUNNING",
        "c": "SUCCEEDED",
        "d": "PENDING",
    }
    await floor.end("b")
    await floor.end("d")
    run = await floor.get(run_id)
    assert run.status is RunStatus.SUCCEEDED
    assert [each.attempt for each in run.steps] == [1, 2, 1, 1]
    assert run.steps[0].child_id == kept["a"]
    with pytest.raises(WrongStateError, match="nothing to resume"):
        await floor.core.runs.runs.resume(CALLER, run_id)


async def test_resuming_at_once_ends_what_was_under_way_first(floor: Floor) -> None:
    run_id = await floor.run_of(step("a"))
    before = str((await floor.get(run_id)).steps[0].child_id)
    await floor.core.runs.runs.cancel(CALLER, run_id)
    await floor.core.runs.runs.resume(CALLER, run_id)
    await floor.move()
    child = await floor.core.services.remote_jobs.get(CALLER, before)
    assert child.job.status is JobStatus.CANCELLED
    assert (await floor.get(run_id)).steps[0].attempt == 2
    await floor.end("a")
    assert (await floor.get(run_id)).status is RunStatus.SUCCEEDED


async def test_a_run_keeps_the_version_it_began_with(floor: Floor) -> None:
    run_id = await floor.run_of(step("a"), step("b", "a"))
    await floor.create(step("x"))
    await floor.end("a")
    await floor.end("b")
    run = await floor.get(run_id)
    assert (run.status, run.pipeline_version) == (RunStatus.SUCCEEDED, 1)
    assert (await floor.get(await floor.start())).pipeline_version == 2


async def test_a_wide_run_has_so_many_steps_under_way_at_once(floor: Floor) -> None:
    steps = [step(f"s{n}") for n in range(MOST_AT_ONCE + 3)]
    run_id = await floor.run_of(*steps)
    assert list((await floor.steps(run_id)).values()).count("RUNNING") == MOST_AT_ONCE
    await floor.end("s0", "s1")
    assert list((await floor.steps(run_id)).values()).count("RUNNING") == MOST_AT_ONCE


async def test_what_is_refused_fails_the_step(floor: Floor) -> None:
    await floor.create(
        step("a", settings=ImportFile("{{ event.file }}"), on_failure=OnFailure.CONTINUE),
        step("b", settings=ImportFile("/nowhere/x.csv"), on_failure=OnFailure.CONTINUE),
        step("c", settings=ScoreDataset("public.nothing"), on_failure=OnFailure.CONTINUE),
        step(
            "d",
            settings=Ingest((Mapping("m", "source", "table:public.nothing", {}),)),
            on_failure=OnFailure.CONTINUE,
        ),
    )
    run = await floor.get(await floor.start(event={"file": "no/path.csv"}))
    assert run.status is RunStatus.SUCCEEDED
    errors = {each.step_id: each.error or "" for each in run.steps}
    assert errors["a"] == "file_path: 'no/path.csv' must begin with /"
    assert "/nowhere" in errors["b"]
    assert "public.nothing" in errors["c"]
    assert "no contract declares" in errors["d"]


async def test_what_is_cut_off_before_it_starts_is_started_once(floor: Floor) -> None:
    """A worker dies after it wrote down what it is about to start."""
    await floor.create(step("a"))
    async with floor.core.store.begin() as connection:
        run = await floor.core.runs.runs.start(connection, "default", "p", parameters={})
    (job,) = await floor.claim()
    advancing = floor.core.runs.advancing
    turn = await advancing._turn(_Attempt(job))
    assert turn is not None
    assert len(turn.to_start) == 1
    await floor.core.jobs.hand_back(job.job_id, job.attempt)
    await floor.move()
    await floor.move()
    assert (await floor.get(run.run_id)).steps[0].attempt == 1
    await floor.end("a")
    assert (await floor.get(run.run_id)).status is RunStatus.SUCCEEDED


async def test_what_is_cut_off_after_it_started_is_not_started_again(floor: Floor) -> None:
    await floor.create(step("a"))
    async with floor.core.store.begin() as connection:
        run = await floor.core.runs.runs.start(connection, "default", "p", parameters={})
    (job,) = await floor.claim()
    advancing = floor.core.runs.advancing
    attempt = _Attempt(job)
    turn = await advancing._turn(attempt)
    assert turn is not None
    await advancing._start(attempt, turn)
    await floor.core.jobs.hand_back(job.job_id, job.attempt)
    await floor.move()
    claimed = await floor.core.services.remote_claims.poll(CALLER, "w", ["a"], 10, 0)
    assert [each.job.job_id for each in claimed] == [
        (await floor.get(run.run_id)).steps[0].child_id
    ]


async def test_a_run_that_cannot_be_moved_on_fails_and_can_be_resumed(floor: Floor) -> None:
    run_id = await floor.run_of(step("a"), step("b", "a"))
    job_id = await _job_id(floor, run_id)
    async with floor.core.store.begin() as connection:
        await floor.core.jobs.rerun(connection, "default", job_id)
        await job_rows.update(connection, job_id, {"failures": 9})
    (job,) = await floor.claim()
    await floor.core.jobs.record_failure(job.job_id, job.attempt, "a fault")
    run = await floor.get(run_id)
    assert (run.status, run.error) == (RunStatus.FAILED, "it could not be moved on: a fault")
    await floor.core.runs.runs.resume(CALLER, run_id)
    await floor.move()
    await floor.end("a")
    await floor.end("b")
    assert (await floor.get(run_id)).status is RunStatus.SUCCEEDED


async def test_a_score_is_told_to_the_step(floor: Floor) -> None:
    await floor.core.services.datasets.declare(CALLER, [Declaration("public.things")])
    run_id = await floor.run_of(
        step("score", settings=ScoreDataset("public.things", observe=False)),
        step(
            "least",
            "score",
            settings=ScoreDataset("public.things", observe=False, minimum_score=99),
        ),
    )
    run = await floor.get(run_id)
    assert run.status is RunStatus.FAILED
    score = run.steps[0].output["readiness_score"]
    assert run.steps[0].output["dataset"] == "public.things"
    assert run.steps[0].output["readiness_status"] == "DRAFT"
    assert run.steps[1].error == f"the score is {score}, less than 99"


async def test_mappings_are_carried(floor: Floor) -> None:
    mapping = Mapping("{{ day }}", "source", "target", {"n": "{{ n }}"})
    await floor.create(
        step("a", settings=Ingest((mapping,))), parameters=[Parameter("day"), Parameter("n")]
    )
    run_id = await floor.start(parameters={"day": "{{ execution_date }}", "n": "1"})
    while jobs := await floor.core.jobs.claim("tests", ["run_mappings"], 1):
        await floor.core.mappings.run(jobs[0])
    await floor.move()
    run = await floor.get(run_id)
    assert (run.status, run.rows) == (RunStatus.SUCCEEDED, 1)
    results = await floor.core.services.ingestions.results(
        CALLER, str(run.steps[0].child_id), _PAGE
    )
    assert results.mappings.items[0].mapping_id == datetime.now(UTC).date().isoformat()
