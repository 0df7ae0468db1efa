"""Triggers that are changed while a time of theirs has come, and times that lie far away."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headrace_server.core.triggers import firing
from headrace_server.core.triggers.backfill import Range
from headrace_server.db import trigger_executions as execution_rows
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.schedule import CatchUp, Schedule, TickPolicy
from headrace_server.model.trigger import Overlap, Trigger, TriggerSettings

from .conftest import ALL, CALLER, EVERY_MINUTE, PIPELINE, Site

SLOWER = TickPolicy(CatchUp.ALL, timedelta(hours=2))


async def come(site: Site, trigger: Trigger) -> datetime:
    """Have a time of a trigger come that no server has handled yet."""
    schedules = site.core.triggers.ticker._schedules
    since = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(seconds=1)
    of = (trigger.tenant_id, "trigger", trigger.trigger_id)
    async with site.core.store.begin() as connection:
        at = await schedules.set(connection, *of, EVERY_MINUTE, ALL, since=since)
    assert at is not None
    return at


async def change(site: Site, trigger: Trigger, settings: TriggerSettings) -> list[datetime]:
    """Change a trigger and let it tick; gives the times that it has fired for."""
    await site.core.triggers.triggers.update(CALLER, trigger.trigger_id, settings)
    await site.core.triggers.ticker.tick()
    return [each.nominal_at for each in await site.history(trigger.trigger_id)]


async def test_a_time_that_has_come_outlives_a_change(site: Site) -> None:
    for settings in ({"policy": SLOWER}, {"schedule": Schedule("*/1 * * * *"), "policy": ALL}):
        trigger = await site.create(schedule=EVERY_MINUTE, policy=ALL, overlap=Overlap.ALLOW)
        at = await come(site, trigger)
        changed = replace(trigger.settings, **settings)
        assert (await change(site, trigger, changed))[:1] == [at]


async def test_a_time_that_is_none_of_the_new_schedule_is_none(site: Site) -> None:
    trigger = await site.create(schedule=EVERY_MINUTE, policy=ALL)
    await come(site, trigger)
    changed = replace(trigger.settings, schedule=Schedule("@yearly"), policy=SLOWER)
    assert await change(site, trigger, changed) == []


async def test_what_ran_was_not_missed_though_the_history_forgot_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution_rows, "KEPT", 2)
    monkeypatch.setattr(firing, "_FORGETTING", 256)
    trigger = await site.create(schedule=EVERY_MINUTE, overlap=Overlap.ALLOW)
    await site.due(trigger, minutes=6)
    await site.work()
    before = await site.history(trigger.trigger_id)
    for each in before:
        await site.decide(each.run_id, approved=True)
    await site.due(trigger)
    assert len(await site.history(trigger.trigger_id)) < len(before)
    wanted = Range(before[0].nominal_at, before[-1].nominal_at)
    start = site.core.triggers.backfills.start
    assert (await start(CALLER, trigger.trigger_id, wanted, dry_run=True)).executions == ()


@pytest.mark.parametrize("year", [1, 9999])
async def test_far_away_times_are_refused(site: Site, year: int) -> None:
    at = datetime(year, 12, 31, 23, 59, tzinfo=UTC) if year > 1 else datetime(1, 1, 1, tzinfo=UTC)
    trigger = await site.create(schedule=Schedule("@yearly", "Asia/Tokyo"))
    triggers = site.core.triggers
    for trigger_id in (trigger.trigger_id, ""):
        with pytest.raises(InvalidFieldError, match="1900 to 9000"):
            await triggers.manual.start(
                CALLER, PIPELINE, {}, trigger_id=trigger_id, nominal_time=at
            )
    with pytest.raises(InvalidFieldError, match="1900 to 9000"):
        await triggers.backfills.start(CALLER, trigger.trigger_id, Range(at, None), dry_run=True)
