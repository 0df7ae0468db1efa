from datetime import UTC, datetime, timedelta

import pytest

from headrace_server.core.triggers import firing
from headrace_server.db import runs as run_rows
from headrace_server.db import trigger_executions as execution_rows
from headrace_server.model.page import PageRequest
from headrace_server.model.run import RunStatus
from headrace_server.model.schedule import CatchUp, Schedule, TickPolicy
from headrace_server.model.trigger import (
    Execution,
    ExecutionStatus,
    OnResume,
    Overlap,
    TriggerStatus,
)

from .conftest import CALLER, PIPELINE, Site

RUNNING, QUEUED = ExecutionStatus.RUNNING, ExecutionStatus.QUEUED
SKIPPED, CANCELLED = ExecutionStatus.SKIPPED, ExecutionStatus.CANCELLED
SUCCESS, FAILED = ExecutionStatus.SUCCESS, ExecutionStatus.FAILED


def statuses(history: list[Execution]) -> list[ExecutionStatus]:
    return [each.status for each in history]


async def test_a_tick_starts_a_run_for_its_time(site: Site) -> None:
    trigger = await site.create(
        parameters={"date": "{{ execution_date }}"},
        schedule=Schedule("@yearly", "Pacific/Kiritimati"),
    )
    await site.due(trigger)
    (entry,) = await site.history(trigger.trigger_id)
    run = await site.run(entry.run_id)
    assert (run.trigger_id, run.nominal_time) == (trigger.trigger_id, entry.nominal_at)
    # The day is the one of the place where the schedule lives.
    there = entry.nominal_at + timedelta(hours=14)
    assert run.parameters["date"] == there.date().isoformat()
    assert run.event == {"chain": [trigger.trigger_id]}
    found = await site.trigger(trigger.trigger_id)
    assert (found.executions, found.last_execution_at) == (1, entry.executed_at)


OVERLAPS = [
    (Overlap.SKIP, [RUNNING, SKIPPED, SKIPPED]),
    (Overlap.QUEUE_ONE, [RUNNING, QUEUED, SKIPPED]),
    (Overlap.ALLOW, [RUNNING, RUNNING, RUNNING]),
    (Overlap.CANCEL_RUNNING, [RUNNING, RUNNING, RUNNING]),
]


async def test_what_a_run_under_way_means(site: Site) -> None:
    for overlap, wanted in OVERLAPS:
        trigger = await site.create(overlap=overlap)
        await site.due(trigger, minutes=3)
        history = await site.history(trigger.trigger_id)
        assert statuses(history) == wanted
        for entry in history:
            assert (entry.reason is not None) == (entry.status is SKIPPED)
            assert (entry.run_id is not None) == (entry.status is RUNNING)
        assert (await site.trigger(trigger.trigger_id)).executions == wanted.count(RUNNING)


async def test_the_one_that_waits_begins_at_the_end_of_the_other(site: Site) -> None:
    trigger = await site.create(overlap=Overlap.QUEUE_ONE)
    await site.due(trigger, minutes=3)
    await site.work()
    first, second, _ = await site.history(trigger.trigger_id)
    assert second.run_id is None
    await site.decide(first.run_id, approved=True)
    first, second, third = await site.history(trigger.trigger_id)
    assert statuses([first, second, third]) == [SUCCESS, RUNNING, SKIPPED]
    assert (await site.run(second.run_id)).nominal_time == second.nominal_at
    assert first.duration is not None
    assert first.rows == 0


async def test_the_one_that_waits_goes_before_what_fires_later(site: Site) -> None:
    trigger = await site.create(overlap=Overlap.QUEUE_ONE)
    await site.due(trigger, minutes=2)
    await site.work()
    first, second = await site.history(trigger.trigger_id)
    async with site.core.store.begin() as connection:
        # The run has ended, and nobody has seen to that yet.
        await run_rows.update(connection, str(first.run_id), status=RunStatus.SUCCEEDED.value)
    await site.due(trigger)
    history = await site.history(trigger.trigger_id)
    assert statuses(history) == [RUNNING, RUNNING, QUEUED]
    assert history[1].execution_id == second.execution_id


async def test_a_run_that_is_resumed_counts_as_it_ends(site: Site) -> None:
    trigger = await site.create(overlap=Overlap.SKIP, pause_after_failures=3)
    await site.due(trigger)
    await site.work()
    (entry,) = await site.history(trigger.trigger_id)
    await site.decide(entry.run_id, approved=False)
    found = await site.trigger(trigger.trigger_id)
    assert (found.failures, found.consecutive_failures, found.success_rate) == (1, 1, 0.0)

    await site.core.services.runs.resume(CALLER, str(entry.run_id))
    await site.work()
    found = await site.trigger(trigger.trigger_id)
    assert (found.failures, found.consecutive_failures, found.success_rate) == (0, 0, None)
    await site.due(trigger)
    # It is under way again, and so keeps the next one.
    assert statuses(await site.history(trigger.trigger_id)) == [RUNNING, SKIPPED]

    await site.decide(entry.run_id, approved=True)
    assert statuses(await site.history(trigger.trigger_id)) == [SUCCESS, SKIPPED]
    found = await site.trigger(trigger.trigger_id)
    assert (found.executions, found.successes, found.failures) == (1, 1, 0)


async def test_a_run_that_is_resumed_before_its_end_was_noted_has_not_ended(site: Site) -> None:
    trigger = await site.create()
    await site.due(trigger)
    await site.work()
    (entry,) = await site.history(trigger.trigger_id)
    runs, settler = site.core.services.runs, site.core.triggers.follower._settler
    await runs.cancel(CALLER, str(entry.run_id))
    (ended,) = await settler._ended()
    await runs.resume(CALLER, str(entry.run_id))
    assert not await settler._note(ended)
    assert statuses(await site.history(trigger.trigger_id)) == [RUNNING]
    await runs.cancel(CALLER, str(entry.run_id))
    await site.work()
    assert statuses(await site.history(trigger.trigger_id)) == [CANCELLED]
    await runs.resume(CALLER, str(entry.run_id))
    assert statuses(await site.history(trigger.trigger_id)) == [RUNNING]


async def test_the_newest_run_has_the_others_cancelled(site: Site) -> None:
    trigger = await site.create(overlap=Overlap.CANCEL_RUNNING)
    await site.due(trigger, minutes=3)
    await site.work()
    history = await site.history(trigger.trigger_id)
    assert statuses(history) == [CANCELLED, CANCELLED, RUNNING]
    run = await site.run(history[0].run_id)
    assert run.status is RunStatus.CANCELLED
    assert "fired again" in str(run.error)
    found = await site.trigger(trigger.trigger_id)
    assert (found.executions, found.success_rate) == (3, None)


async def test_open_runs_are_bounded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firing, "MOST_OPEN", 2)
    trigger = await site.create(overlap=Overlap.ALLOW)
    await site.due(trigger, minutes=3)
    assert statuses(await site.history(trigger.trigger_id)) == [RUNNING, RUNNING, SKIPPED]


async def test_ends_are_counted(site: Site) -> None:
    trigger = await site.create(overlap=Overlap.ALLOW)
    await site.due(trigger, minutes=3)
    await site.work()
    history = await site.history(trigger.trigger_id)
    for entry, approved in zip(history, (False, False, True), strict=True):
        await site.decide(entry.run_id, approved=approved)
    history = await site.history(trigger.trigger_id)
    assert statuses(history) == [FAILED, FAILED, SUCCESS]
    assert history[0].reason
    found = await site.trigger(trigger.trigger_id)
    assert (found.successes, found.failures, found.consecutive_failures) == (1, 2, 0)
    assert found.success_rate == pytest.approx(1 / 3)
    await site.work()
    assert await site.trigger(trigger.trigger_id) == found


async def test_failures_in_a_row_pause_it(site: Site) -> None:
    trigger = await site.create(overlap=Overlap.ALLOW, pause_after_failures=2)
    await site.due(trigger, minutes=2)
    await site.work()
    for entry in await site.history(trigger.trigger_id):
        await site.decide(entry.run_id, approved=False)
    found = await site.trigger(trigger.trigger_id)
    assert (found.status, found.next_at) == (TriggerStatus.PAUSED, None)
    assert "2 runs in a row failed, the last one: " in str(found.pause_reason)
    await site.core.triggers.ticker.tick()
    resumed = await site.core.triggers.triggers.resume(CALLER, trigger.trigger_id, None)
    assert (resumed.trigger.status, resumed.trigger.consecutive_failures) == (
        TriggerStatus.ACTIVE,
        0,
    )
    assert resumed.trigger.next_at is not None


async def test_a_run_that_cannot_be_started_is_a_failure(site: Site) -> None:
    trigger = await site.create(parameters={"file": "{{ event.file }}"}, pause_after_failures=2)
    await site.due(trigger, minutes=3)
    history = await site.history(trigger.trigger_id)
    assert statuses(history) == [FAILED, FAILED, SKIPPED]
    assert "the run could not be started: parameters.file" in str(history[0].reason)
    assert history[2].reason == "the trigger is paused"
    found = await site.trigger(trigger.trigger_id)
    assert (found.executions, found.failures, found.status) == (0, 2, TriggerStatus.PAUSED)


async def test_a_run_that_is_known_no_more_has_ended(site: Site) -> None:
    trigger = await site.create()
    await site.due(trigger)
    (entry,) = await site.history(trigger.trigger_id)
    async with site.core.store.begin() as connection:
        await execution_rows.update(connection, entry.execution_id, run_id="run_forgotten")
    await site.work()
    (entry,) = await site.history(trigger.trigger_id)
    assert (entry.status, entry.reason) == (CANCELLED, "its run is known no more")


async def test_a_suspended_tenant_starts_nothing(site: Site) -> None:
    trigger = await site.create()
    await site.core.tenants.suspend("default")
    await site.due(trigger)
    (entry,) = await site.history(trigger.trigger_id)
    assert (entry.status, entry.reason) == (SKIPPED, "the tenant is suspended")


async def test_times_that_are_not_made_up_for_are_told(site: Site) -> None:
    trigger = await site.create()
    await site.due(trigger, minutes=30, policy=TickPolicy(CatchUp.LATEST, timedelta(minutes=10)))
    history = await site.history(trigger.trigger_id)
    assert statuses(history)[-1] is RUNNING
    told = [each for each in history if each.status is SKIPPED]
    assert sum(each.times for each in told) in {28, 29}
    assert any("catch-up window of 600 s" in str(each.reason) for each in told)
    assert any("a later time" in str(each.reason) for each in told)


@pytest.mark.parametrize("how", OnResume)
async def test_what_resuming_does_is_declared(site: Site, how: OnResume) -> None:
    trigger = await site.create(
        schedule=Schedule("* * * * *"),
        policy=TickPolicy(CatchUp.ALL, timedelta(hours=1)),
        overlap=Overlap.ALLOW,
        on_resume=how,
    )
    await site.core.triggers.triggers.pause(CALLER, trigger.trigger_id)
    now = datetime.now(UTC)
    await site.set_paused_at(trigger.trigger_id, now - timedelta(minutes=5, seconds=now.second))
    await site.core.triggers.triggers.resume(CALLER, trigger.trigger_id, None)
    await site.core.triggers.ticker.tick()
    made_up = len(await site.history(trigger.trigger_id))
    assert made_up in ({5, 6} if how is OnResume.MAKE_UP else {0, 1})


async def test_a_trigger_that_is_deleted_does_not_tick(site: Site) -> None:
    trigger = await site.create(schedule=Schedule("* * * * *"))
    await site.core.triggers.triggers.delete(CALLER, trigger.trigger_id)
    # As if a ticker had it in its hands at that moment.
    await site.due(trigger, minutes=2)
    await site.due(trigger, minutes=30, policy=TickPolicy(CatchUp.NONE))
    found = await site.core.triggers.triggers.list(CALLER, PIPELINE, PageRequest())
    assert found.total == 0


async def test_old_executions_are_forgotten(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_rows, "KEPT", 4)
    monkeypatch.setattr(firing, "_FORGETTING", 256)
    trigger = await site.create(overlap=Overlap.SKIP)
    await site.due(trigger, minutes=10)
    history = await site.history(trigger.trigger_id)
    # The one whose run has not ended is kept beside the newest.
    assert len(history) == 5
    assert history[0].status is RUNNING
