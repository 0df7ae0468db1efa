"""Decisions on runs of random shape: nothing begins before what it depends on has ended well."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_server.core.pipelines.deciding import MOST_AT_ONCE, child_id_of, decide
from headrace_server.model.pipeline import (
    Approval,
    ConvertFile,
    Definition,
    OnFailure,
    Retry,
    Step,
)
from headrace_server.model.run import (
    OPEN_RUNS,
    ChildState,
    Run,
    RunStatus,
    RunStep,
    StepStatus,
    Verdict,
)

NOW = datetime(2024, 6, 30, 2, tzinfo=UTC)
ENDED_WELL = ChildState(ended=True, succeeded=True)
FAILED = ChildState(ended=True, error="a fault")
UNDER_WAY = ChildState(ended=False, progress=40, rows=3)


def run_of(definition: Definition, **more: Any) -> Run:
    values: dict[str, Any] = {
        "run_id": "run",
        "tenant_id": "t",
        "pipeline_id": "p",
        "pipeline_version": 1,
        "status": RunStatus.PENDING,
        "revision": 1,
        "parameters": {},
        "notification_email": "",
        "trigger_id": None,
        "nominal_time": NOW,
        "local_time": NOW.isoformat(),
        "event": {},
        "error": None,
        "created_at": NOW,
        "started_at": None,
        "completed_at": None,
        "deadline_at": None,
        "steps": tuple(RunStep(step.step_id, step.kind) for step in definition.steps),
        "total_steps": len(definition.steps),
    }
    return Run(**{**values, **more})


def step(step_id: str, *depends_on: str, **more: Any) -> Step:
    return Step(step_id, more.pop("settings", ConvertFile("f", "text")), depends_on, **more)


def after(run: Run, definition: Definition, now: datetime, **children: ChildState) -> Run:
    """The run as a decision leaves it, given how the children of steps stand."""
    by_id = {
        str(each.child_id): children[each.step_id]
        for each in run.steps
        if each.step_id in children and each.child_id
    }
    decision = decide(run, definition, by_id, now)
    changed = {each.step_id: each for each in decision.steps}
    steps = tuple(changed.get(each.step_id, each) for each in run.steps)
    return replace(run, steps=steps, status=decision.status, error=decision.error)


def states(run: Run) -> list[str]:
    return [each.status.value for each in run.steps]


@st.composite
def shapes(draw: st.DrawFn) -> Definition:
    """Pipelines of up to nine steps in any order, each depending on some before it."""
    count = draw(st.integers(1, 9))
    steps = [
        step(
            f"s{n}",
            *draw(st.sets(st.sampled_from([f"s{m}" for m in range(n)]))) if n else (),
            on_failure=draw(st.sampled_from(OnFailure)),
            retry=Retry(attempts=draw(st.integers(1, 3)), delay=timedelta(0)),
            settings=Approval() if draw(st.integers(0, 5)) == 0 else ConvertFile("f", "text"),
        )
        for n in range(count)
    ]
    return Definition("p", tuple(draw(st.permutations(steps))))


def _decided(run: Run, definition: Definition, data: st.DataObject) -> tuple[Run, dict[str, Any]]:
    """Approvals that are decided, and children that go on or end, as drawn."""
    outcomes = st.sampled_from([ENDED_WELL, FAILED, UNDER_WAY])
    children: dict[str, ChildState] = {}
    steps = []
    for each in run.steps:
        if each.status is StepStatus.RUNNING:
            children[each.step_id] = data.draw(outcomes)
        if each.status is StepStatus.WAITING and data.draw(st.booleans()):
            verdict = Verdict(data.draw(st.booleans()), "me", NOW)
            steps.append(replace(each, verdict=verdict))
        else:
            steps.append(each)
    return replace(run, steps=tuple(steps)), children


def _begun(before: Run, later: Run) -> Iterator[str]:
    for old, new in zip(before.steps, later.steps, strict=True):
        if new.attempt > old.attempt:
            yield new.step_id


@settings(deadline=None, max_examples=60)
@given(shapes(), st.data())
def test_a_step_begins_only_after_all_that_it_depends_on(
    definition: Definition, data: st.DataObject
) -> None:
    declared = {each.step_id: each for each in definition.steps}
    run = run_of(definition)
    children: dict[str, ChildState] = {}
    for _ in range(200):
        before = run
        run = after(before, definition, NOW, **children)
        now_at = {each.step_id: each for each in run.steps}
        for step_id in _begun(before, run):
            for dependency in declared[step_id].depends_on:
                status = now_at[dependency].status
                tolerated = declared[dependency].on_failure is OnFailure.CONTINUE
                assert status is StepStatus.SUCCEEDED or (status is StepStatus.FAILED and tolerated)
        for old, new in zip(before.steps, run.steps, strict=True):
            # What has ended stays as it ended.
            assert not old.ended or new.status is old.status
            assert new.failures <= declared[new.step_id].retry.attempts
        if run.status not in OPEN_RUNS:
            break
        run, children = _decided(run, definition, data)
    else:
        return  # children that are drawn to go on for ever
    assert all(each.ended for each in run.steps)
    clean = all(
        each.status is StepStatus.SUCCEEDED
        or (
            each.status is StepStatus.FAILED
            and declared[each.step_id].on_failure is OnFailure.CONTINUE
        )
        for each in run.steps
    )
    assert (run.status is RunStatus.SUCCEEDED) == clean
    assert (run.error is None) == clean


def test_progress_is_noted() -> None:
    definition = Definition("p", (step("a"),))
    run = after(run_of(definition), definition, NOW)
    run = after(run, definition, NOW, a=UNDER_WAY)
    assert (run.steps[0].progress, run.steps[0].rows, run.progress) == (40, 3, 40)


def test_an_attempt_that_takes_too_long_fails_and_its_child_stays_open_until_it_is_ended() -> None:
    slow = step("a", timeout=timedelta(seconds=9), retry=Retry(attempts=2, delay=timedelta(0)))
    definition = Definition("p", (slow,))
    run = after(run_of(definition), definition, NOW)
    decision = decide(run, definition, {}, NOW)
    assert decision.wake_at == NOW + timedelta(seconds=9)
    run = after(run, definition, NOW + timedelta(seconds=9), a=UNDER_WAY)
    assert (states(run), run.steps[0].error) == (["PENDING"], "it took longer than 9 s")
    assert run.steps[0].child_open
    closed = replace(run, steps=(replace(run.steps[0], child_open=False),))
    assert states(after(closed, definition, NOW + timedelta(seconds=9))) == ["RUNNING"]


def test_an_approval_that_nobody_gives_in_time_fails() -> None:
    definition = Definition("p", (step("a", settings=Approval(), timeout=timedelta(hours=1)),))
    run = after(run_of(definition), definition, NOW)
    assert run.status is RunStatus.WAITING
    run = after(run, definition, NOW + timedelta(hours=1))
    assert (run.status, run.steps[0].error) == (RunStatus.FAILED, "it took longer than 3600 s")


def test_a_run_that_takes_too_long_fails_with_all_that_is_open() -> None:
    definition = Definition("p", (step("a"), step("b", settings=Approval()), step("c", "a")))
    run = run_of(definition, deadline_at=NOW + timedelta(seconds=5))
    run = after(run, definition, NOW)
    assert decide(run, definition, {}, NOW).wake_at == NOW + timedelta(seconds=5)
    run = after(run, definition, NOW + timedelta(seconds=5), a=UNDER_WAY)
    assert states(run) == ["FAILED", "FAILED", "SKIPPED"]
    assert (run.status, run.error) == (RunStatus.FAILED, "the run took longer than it may")
    assert run.steps[0].child_open


def test_what_waited_for_another_attempt_has_failed_when_the_run_stops() -> None:
    again = step("a", retry=Retry(attempts=2, delay=timedelta(hours=1)))
    definition = Definition("p", (again, step("b")))
    run = after(run_of(definition), definition, NOW)
    run = after(run, definition, NOW, a=FAILED, b=UNDER_WAY)
    assert states(run) == ["PENDING", "RUNNING"]
    run = after(run, definition, NOW, b=FAILED)
    assert states(run) == ["FAILED", "FAILED"]
    assert run.error == "steps a, b failed"


def test_many_failed_steps_are_named_in_short() -> None:
    steps = tuple(step(f"s{n}", on_failure=OnFailure.SKIP) for n in range(7))
    definition = Definition("p", steps)
    run = after(run_of(definition), definition, NOW)
    run = after(run, definition, NOW, **dict.fromkeys((each.step_id for each in steps), FAILED))
    assert run.error == "steps s0, s1, s2, s3, s4 and others failed"


def test_waits_grow_and_end_at_a_day() -> None:
    retry = Retry(attempts=20, delay=timedelta(seconds=10), backoff=3)
    assert [retry.wait(n).total_seconds() for n in (1, 2, 3)] == [10, 30, 90]
    assert retry.wait(19) == Retry(backoff=10).wait(10_000) == timedelta(days=1)


def test_ids_of_children_follow_from_run_step_and_attempt() -> None:
    assert child_id_of("r", "s", 1) == child_id_of("r", "s", 1)
    assert len({child_id_of("r", "s", 1), child_id_of("r", "s", 2), child_id_of("q", "s", 1)}) == 3


def test_room_is_shared() -> None:
    definition = Definition("p", tuple(step(f"s{n}") for n in range(100)))
    run = after(run_of(definition), definition, NOW)
    assert states(run).count("RUNNING") == MOST_AT_ONCE
