"""What follows from the start and the end of runs: mail, recorders, forgetting, limits."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from headrace_server.core.pipelines import runs as runs_module
from headrace_server.core.storage.notifications import NOTIFY
from headrace_server.db import pipelines as pipeline_rows
from headrace_server.db import runs as run_rows
from headrace_server.db.engine import Connection
from headrace_server.model.errors import InvalidFieldError, NotFoundError, QuotaExceededError
from headrace_server.model.page import PageRequest
from headrace_server.model.pipeline import Approval, Parameter, ParameterType
from headrace_server.model.run import LogLine, Run, RunStatus

from .conftest import CALLER, Floor, step

BERLIN = ZoneInfo("Europe/Berlin")


async def test_values_stand_for_the_nominal_time_where_it_lives(floor: Floor) -> None:
    day = Parameter("day", ParameterType.DATE)
    await floor.create(
        step("ok", settings=Approval("{{ day }} {{ execution_time }}")), parameters=[day]
    )
    nominal = datetime(2024, 6, 30, 0, 30, tzinfo=BERLIN)
    run_id = await floor.start(parameters={"day": "{{ execution_date }}"}, nominal_time=nominal)
    run = await floor.get(run_id)
    assert run.parameters == {"day": "2024-06-30"}
    assert run.nominal_time == datetime(2024, 6, 29, 22, 30, tzinfo=UTC)
    assert run.steps[0].message == "2024-06-30 2024-06-30T00:30:00+02:00"


async def test_a_message_that_cannot_be_filled_says_so(floor: Floor) -> None:
    run_id = await floor.run_of(step("ok", settings=Approval("{{ event.file }}")))
    assert "no attribute 'file'" in str((await floor.get(run_id)).steps[0].message)


async def test_what_cannot_start_leaves_nothing(floor: Floor) -> None:
    with pytest.raises(NotFoundError):
        await floor.start()
    await floor.create(step("a"))
    with pytest.raises(InvalidFieldError, match=r"parameters\.n"):
        await floor.start(parameters={"n": 1})
    assert await floor.runs() == []


async def test_a_pipeline_has_so_many_runs_at_once(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_module, "MOST_OPEN", 2)
    await floor.run_of(step("a"))
    await floor.start()
    with pytest.raises(QuotaExceededError, match="2 runs of the pipeline"):
        await floor.start()


async def test_somebody_is_told_by_mail(floor: Floor) -> None:
    await floor.create(step("a"), step("b", "a"))
    address = {"notification_email": "team@example.com"}
    run_id = await floor.start(parameters=address)
    assert (await floor.get(run_id)).parameters == {}
    await floor.fail("a")
    (job,) = await floor.core.jobs.claim("tests", [NOTIFY], 5)
    assert job.payload["email"] == "team@example.com"
    assert job.payload["subject"] == "Run failed: p"
    assert "What went wrong: step a failed" in job.payload["text"]
    assert "Step b: skipped: step a failed" in job.payload["text"]
    assert job.payload["event"]["type"] == "run.failed"


async def test_recorders_hear_of_each_end_once(floor: Floor) -> None:
    ends: list[tuple[str, RunStatus]] = []

    async def record(_connection: Connection, run: Run) -> Iterable[str]:
        assert all(each.ended for each in run.steps)
        ends.append((run.run_id, run.status))
        return ["told"]

    floor.core.runs.ends.on_end(record)
    run_id = await floor.run_of(step("a"))
    async with floor.core.wakeups.subscribe("told") as told:
        await floor.core.runs.runs.cancel(CALLER, run_id)
        assert await told.wait(5)
    await floor.move()
    await floor.core.runs.runs.resume(CALLER, run_id)
    await floor.move()
    await floor.end("a")
    assert ends == [(run_id, RunStatus.CANCELLED), (run_id, RunStatus.SUCCEEDED)]


async def _age(floor: Floor, run_id: str, days: int) -> None:
    old = datetime.now(UTC) - timedelta(days=days)
    async with floor.core.store.begin() as connection:
        await run_rows.update(connection, run_id, completed_at=old)


async def test_runs_are_forgotten_and_with_them_their_versions(floor: Floor) -> None:
    run_id = await floor.run_of(step("a"))
    await floor.end("a")
    young = await floor.start()
    await floor.end("a")
    await floor.core.runs.pipelines.delete(CALLER, "p", force=False)
    await _age(floor, run_id, 31)
    await _age(floor, young, 29)
    assert await floor.core.runs.runs.sweep() == 1
    assert [run.run_id for run in await floor.runs()] == [young]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    for count in (1, 0):
        async with floor.core.store.begin() as connection:
            await pipeline_rows.delete_unused_versions(connection, tomorrow)
            last = await pipeline_rows.last_version(connection, "default", "p")
            await run_rows.delete(connection, [young])
        assert last == count


async def test_the_log_of_a_run_is_bounded_and_paged(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_rows, "MOST_LINES", 5)
    run_id = await floor.run_of(step("a"))
    lines = [LogLine("a", 1, datetime.now(UTC), f"line {n}") for n in range(8)]
    async with floor.core.store.begin() as connection:
        await run_rows.log(connection, run_id, lines)
    first = await floor.core.runs.runs.logs(CALLER, run_id, "a", PageRequest(3))
    rest = await floor.core.runs.runs.logs(CALLER, run_id, "", PageRequest(3, first.next_token))
    shown = [line.message for line in (*first.items, *rest.items)]
    assert shown == [f"line {n}" for n in range(3, 8)]


async def test_the_deadline_of_a_run_begins_anew_when_it_is_resumed(floor: Floor) -> None:
    run_id = await floor.run_of(step("a"), timeout=timedelta(hours=1))
    before: Any = (await floor.get(run_id)).deadline_at
    await floor.fail("a")
    resumed = await floor.core.runs.runs.resume(CALLER, run_id)
    assert resumed.deadline_at is not None
    assert resumed.deadline_at > before
