"""Datamarts as they are defined, versioned, scheduled and deleted, on both engines."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headrace_server.core.datamarts import defining
from headrace_server.db import datamarts as mart_rows
from headrace_server.model.datamart import (
    Cause,
    Datamart,
    MartStatus,
    MartType,
    NewDatamart,
    RefreshStatus,
    RefreshStrategy,
    Version,
)
from headrace_server.model.errors import (
    AlreadyExistsError,
    InvalidFieldError,
    InvalidQueryError,
    NotFoundError,
    QuotaExceededError,
    WrongStateError,
)
from headrace_server.model.page import PageRequest
from headrace_server.model.schedule import Schedule, Tick

from .conftest import CALLER, Yard

COUNT = "SELECT count(*) AS n FROM pallets"


async def _version(
    yard: Yard, number: int, query: str = COUNT, *, name: str = "stock", **how: Any
) -> None:
    """Make a version of a datamart and wait for its rows."""
    new = NewDatamart("analytics", f"{name}__v{number}", query, **how)
    version = Version(f"v{number}", name, retention_days=90)
    services = yard.core.services
    _, refresh = await services.mart_definitions.create_version(CALLER, new, version)
    ended = await services.refreshes.wait(CALLER, refresh, 30)
    assert ended.status is RefreshStatus.COMPLETED, ended.error


async def test_versions_are_kept_and_dropped_when_they_are_due(yard: Yard) -> None:
    datamarts = yard.core.services.datamarts
    await _version(yard, 1)
    await _version(yard, 2, "SELECT count(*) + 10 AS n FROM pallets", type=MartType.TABLE)
    assert await yard.rows("SELECT n FROM analytics.stock") == [(13,)]
    assert await yard.rows("SELECT n FROM analytics.stock__v1") == [(3,)]
    first, newest = await yard.mart("stock__v1"), await yard.mart("stock")
    assert (newest.name, newest.expires_at) == ("stock__v2", None)
    assert newest.last_refresh
    assert first.expires_at == newest.last_refresh + timedelta(days=90)
    # One that is not the newest stays behind when it is refreshed.
    await yard.refresh("stock__v1")
    assert await yard.rows("SELECT n FROM analytics.stock") == [(13,)]
    await datamarts.drop_expired()
    assert (await yard.mart("stock__v1")).name == "stock__v1"
    await yard.create("reader", "SELECT n FROM analytics.stock__v1")
    await _expire(yard, first.datamart_id)
    await datamarts.drop_expired()
    assert (await yard.mart("stock__v1")).name == "stock__v1"
    await datamarts.delete(CALLER, "analytics", "reader", cascade=False)
    await datamarts.drop_expired()
    with pytest.raises(NotFoundError):
        await yard.mart("stock__v1")
    with pytest.raises(InvalidQueryError):
        await yard.rows("SELECT n FROM analytics.stock__v1")
    assert await yard.rows("SELECT n FROM analytics.stock") == [(13,)]


async def _expire(yard: Yard, datamart_id: str) -> None:
    async with yard.core.store.begin() as connection:
        due = datetime.now(UTC) - timedelta(seconds=1)
        await mart_rows.update(connection, datamart_id, expires_at=due)


async def test_a_name_with_versions_is_deleted_with_them(yard: Yard) -> None:
    datamarts = yard.core.services.datamarts
    await _version(yard, 1)
    await _version(yard, 2, "SELECT count(*) AS m, 1 AS one FROM pallets")
    assert await yard.rows("SELECT m, one FROM analytics.stock") == [(3, 1)]
    with pytest.raises(WrongStateError, match=r"what analytics\.stock stands for"):
        await datamarts.delete(CALLER, "analytics", "stock__v2", cascade=True)
    await yard.create("reader", "SELECT m FROM analytics.stock")
    with pytest.raises(WrongStateError, match=r"analytics\.reader reads it"):
        await datamarts.delete(CALLER, "analytics", "stock", cascade=False)
    deleted = await datamarts.delete(CALLER, "analytics", "stock", cascade=True)
    names = ["reader", "stock__v1", "stock__v2"]
    assert deleted == [("analytics", name) for name in names]
    for name in ("stock", *names):
        with pytest.raises(InvalidQueryError):
            await yard.rows(f"SELECT * FROM analytics.{name}")
    await _version(yard, 1)


async def test_a_version_that_fails_leaves_the_one_before(yard: Yard) -> None:
    await _version(yard, 1)
    with pytest.raises(AssertionError, match=r"range|overflow"):
        await _version(yard, 2, "SELECT abs(-9223372036854775807 - min(id)) AS n FROM pallets")
    assert await yard.rows("SELECT n FROM analytics.stock") == [(3,)]
    assert (await yard.mart("stock")).name == "stock__v1"
    assert (await yard.mart("stock__v1")).expires_at is None


async def test_names_are_taken_once(yard: Yard) -> None:
    await _version(yard, 1)
    for name in ("stock", "stock__v1"):
        with pytest.raises(AlreadyExistsError):
            await yard.create(name, COUNT)
    with pytest.raises(AlreadyExistsError):
        await _version(yard, 1)
    await yard.create("plain", COUNT)
    with pytest.raises(AlreadyExistsError):
        await yard.create("plain", COUNT)
    new = NewDatamart("analytics", "plain__v1", COUNT)
    definitions = yard.core.services.mart_definitions
    with pytest.raises(AlreadyExistsError):
        await definitions.create_version(CALLER, new, Version("v1", "plain", 1))
    long = replace(new, name="n" * 62 + "__v1")
    with pytest.raises(InvalidFieldError, match="version"):
        await definitions.create_version(CALLER, long, Version("v1", "n" * 62, 1))


async def test_a_mart_cannot_come_to_read_itself(yard: Yard) -> None:
    await _version(yard, 1)
    await yard.create("middle", "SELECT n FROM analytics.stock")
    with pytest.raises(
        InvalidFieldError, match=r"itself: analytics\.middle reads analytics\.stock"
    ):
        await _version(yard, 2, "SELECT n FROM analytics.middle")
    with pytest.raises(NotFoundError):
        await yard.mart("stock__v2")


async def test_what_cannot_be_made_leaves_nothing(yard: Yard) -> None:
    for query in ("SELECT nothing FROM pallets", "SELECT id FROM nothing", "DELETE FROM pallets"):
        schedule = Schedule("0 2 * * *")
        how: dict[str, Any] = {"strategy": RefreshStrategy.SCHEDULED, "schedule": schedule}
        with pytest.raises(InvalidQueryError, match=r"^query: "):
            await yard.create("wrong", query, **how)
        with pytest.raises(NotFoundError):
            await yard.mart("wrong")
    await yard.create("wrong", COUNT)


async def test_a_tenant_has_so_many_marts(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defining, "MOST_MARTS", 1)
    await yard.create("one", COUNT)
    with pytest.raises(QuotaExceededError):
        await yard.create("two", COUNT)


async def test_a_mart_is_refreshed_by_its_schedule(yard: Yard) -> None:
    schedules, services = yard.core.services.mart_schedules, yard.core.services
    mart = await yard.create("stock", COUNT, concurrent=False)
    schedule = Schedule("0 2 * * *", "Europe/Berlin")
    _, made = await schedules.set(CALLER, "analytics", "stock", schedule)
    assert made.next_run
    assert made.next_run.hour in {0, 1}
    shown = await yard.mart("stock")
    assert (shown.schedule, shown.strategy) == (made, RefreshStrategy.SCHEDULED)
    _, again = await schedules.set(CALLER, "analytics", "stock", schedule, concurrent=True)
    assert (again.schedule_id, again.concurrent) == (made.schedule_id, True)
    now = datetime.now(UTC)
    tick = Tick("default", "datamart", mart.datamart_id, now, now)
    async with yard.core.store.begin() as connection:
        topics = await schedules.ticked(connection, tick)
        # As where it was deleted just when it was given its schedule.
        await yard.core.triggers.ticker._schedules.set(
            connection, "default", "datamart", "gone", schedule
        )
        assert await schedules.ticked(connection, replace(tick, subject="gone")) == []
        assert (
            await yard.core.triggers.ticker._schedules.lock(
                connection, "default", "datamart", "gone"
            )
            is None
        )
    for topic in topics:
        yard.core.wakeups.notify(topic)

    async def ready() -> bool:
        return (await yard.mart("stock")).status is MartStatus.READY

    await yard.until(ready)
    (refresh,) = await yard.history("stock")
    assert (refresh.cause, refresh.concurrent) == (Cause.SCHEDULE, True)
    with pytest.raises(WrongStateError, match=r"it is scheduled \(0 2 \* \* \*\)"):
        await services.datamarts.delete(CALLER, "analytics", "stock", cascade=False)
    _, ended = await schedules.clear(CALLER, "analytics", "stock")
    assert ended.schedule_id == made.schedule_id
    with pytest.raises(NotFoundError):
        await schedules.clear(CALLER, "analytics", "stock")
    shown = await yard.mart("stock")
    assert (shown.schedule, shown.strategy) == (None, RefreshStrategy.ON_DEMAND)


async def test_a_schedule_is_made_with_the_mart_and_goes_with_it(yard: Yard) -> None:
    services, schedule = yard.core.services, Schedule("* * * * *")
    for _ in range(2):
        mart = await yard.create(
            "stock", COUNT, strategy=RefreshStrategy.SCHEDULED, schedule=schedule
        )
        assert mart.schedule
        assert mart.schedule.next_run
        await services.datamarts.delete(CALLER, "analytics", "stock", cascade=True)
    await yard.create("view", COUNT, type=MartType.VIEW)
    with pytest.raises(InvalidFieldError, match="VIEW"):
        await services.mart_schedules.set(CALLER, "analytics", "view", schedule)
    with pytest.raises(InvalidFieldError, match="schedule: "):
        await services.mart_schedules.set(CALLER, "analytics", "view", Schedule("61 * * * *"))


async def test_marts_are_listed_by_schema_and_name(yard: Yard) -> None:
    definitions, datamarts = yard.core.services.mart_definitions, yard.core.services.datamarts
    for schema, name in (("b", "x"), ("a", "z"), ("a", "y")):
        await definitions.create(CALLER, NewDatamart(schema, name, COUNT, type=MartType.VIEW))
    first, total = await datamarts.list(CALLER, "", PageRequest(size=2))
    rest, _ = await datamarts.list(CALLER, "", PageRequest(2, first.next_token))
    found = [shown.mart.relation for shown in (*first.items, *rest.items)]
    assert (found, total) == ([("a", "y"), ("a", "z"), ("b", "x")], 3)
    assert all(shown.mart.rows == 1 for shown in first.items)
    only, total = await datamarts.list(CALLER, "b", PageRequest())
    assert ([shown.mart.name for shown in only.items], total) == (["x"], 1)
    preview = await datamarts.preview(CALLER, "b", "x", 10)
    assert preview.total_rows == 1
    refreshed = await yard.core.services.refreshes.start(CALLER, "b", "x")
    ended = await yard.core.services.refreshes.wait(CALLER, refreshed, 30)
    assert (ended.status, ended.rows) == (RefreshStatus.COMPLETED, 1)


async def test_of_those_who_make_one_name_at_once_one_does(yard: Yard) -> None:
    making = (yard.create("stock", COUNT) for _ in range(8))
    made = await asyncio.gather(*making, return_exceptions=True)
    assert sum(isinstance(each, Datamart) for each in made) == 1
    assert sum(isinstance(each, AlreadyExistsError) for each in made) == 7


async def test_the_name_of_versions_stands_for_the_newest_whichever_ends_last(yard: Yard) -> None:
    await _version(yard, 1, "SELECT 1 AS n")
    await _version(yard, 2, "SELECT 2 AS n")
    async with yard.core.warehouses.use("default") as warehouse:
        # As where the first did not know yet that the second has rows.
        await warehouse.marts.point(await yard.mart("stock__v1"))
    assert await yard.rows("SELECT n FROM analytics.stock") == [(1,)]
    await yard.refresh("stock__v1")

    async def is_newest() -> bool:
        return await yard.rows("SELECT n FROM analytics.stock") == [(2,)]

    # The name follows the end of the refresh.
    await yard.until(is_newest)


async def test_what_cannot_be_dropped_holds_up_nothing_else_that_is_due(yard: Yard) -> None:
    for name in ("stock", "others"):
        for number in (1, 2):
            await _version(yard, number, name=name)
    async with yard.core.warehouses.use("default") as warehouse:
        if warehouse.dialect == "postgresql":
            async with warehouse._writing() as connection:  # type: ignore[attr-defined]
                view = "CREATE VIEW public.theirs AS SELECT * FROM analytics.stock__v1"
                await connection.exec_driver_sql(view)
    for name in ("stock__v1", "others__v1"):
        await _expire(yard, (await yard.mart(name)).datamart_id)
    await yard.core.services.datamarts.drop_expired()
    with pytest.raises(NotFoundError):
        await yard.mart("others__v1")
