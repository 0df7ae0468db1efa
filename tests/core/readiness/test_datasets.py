"""Datasets on each engine: declared, scored, listed, excused, watched."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from headrace_server.core.limits import Limits
from headrace_server.core.pages import encode_token
from headrace_server.core.readiness import datasets as datasets_module
from headrace_server.core.readiness import watch as watch_module
from headrace_server.core.readiness.datasets import Datasets
from headrace_server.core.readiness.samples import Samples
from headrace_server.core.readiness.watch import ReadinessWatch
from headrace_server.core.watching import Watches
from headrace_server.db import dataset_tables, tables
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.model.dataset import (
    CheckKind,
    Dataset,
    DatasetFilter,
    DatasetOrder,
    Declaration,
    DeclaredColumn,
    Owner,
    QualityCheck,
    ReadinessStatus,
    ScoreCause,
)
from headrace_server.model.errors import InvalidFieldError, NotFoundError
from headrace_server.model.observation import Observation
from headrace_server.model.page import PageRequest
from headrace_server.model.tenant import Principal, Scope

from .conftest import NOW, profile, seen

FIRST = PageRequest()


@dataclass
class Catalogue:
    """Datasets with a clock of their own."""

    store: ControlStore
    now: datetime = NOW
    wakeups: Wakeups = field(default_factory=Wakeups)

    def __post_init__(self) -> None:
        self.acme, self.globex = (
            Principal(name, frozenset(Scope), None) for name in ("acme", "globex")
        )
        clock = lambda: self.now  # noqa: E731  # read at each call
        self.datasets = Datasets(self.store, self.wakeups, clock)
        limits = Limits(heartbeat=timedelta(milliseconds=50))
        nobody: Any = None
        watches = Watches(self.store, nobody, nobody, self.wakeups, limits, clock)
        self.watch = ReadinessWatch(self.store, self.datasets, watches)

    async def declare(self, full_name: str, **declared: Any) -> Dataset:
        (dataset,) = await self.datasets.declare(self.acme, [Declaration(full_name, **declared)])
        return dataset

    async def causes(self, name: str) -> list[ScoreCause]:
        page = await self.datasets.history(self.acme, name, FIRST)
        return [entry.cause for entry in page.items]


@pytest.fixture
async def catalogue(store: ControlStore) -> Catalogue:
    async with store.begin() as connection:
        await connection.execute(
            tables.tenants.insert(),
            [
                {"tenant_id": name, "display_name": name, "status": "ACTIVE", "created_at": NOW}
                for name in ("acme", "globex")
            ],
        )
    return Catalogue(store)


async def test_what_is_declared_comes_back(catalogue: Catalogue) -> None:
    samples = Samples(catalogue.datasets, lambda: NOW)
    made = {each.dataset_id: each for each in await samples.ingest(catalogue.acme)}
    assert len(made) == 10
    for dataset_id, dataset in made.items():
        assert await catalogue.datasets.get(catalogue.acme, dataset_id) == dataset
        name = dataset.declaration.full_name
        assert await catalogue.datasets.get(catalogue.acme, name) == dataset
        with pytest.raises(NotFoundError):
            await catalogue.datasets.get(catalogue.globex, dataset_id)


async def test_declaring_twice_changes_nothing(catalogue: Catalogue) -> None:
    first = await catalogue.declare("a.b", owner=Owner("Ada"))
    catalogue.now += timedelta(hours=1)
    second = await catalogue.declare("a.b", owner=Owner("Ada"))
    assert (second.dataset_id, second.revision, second.updated_at) == (first.dataset_id, 1, NOW)
    assert second.scored_at == catalogue.now
    third = await catalogue.declare("a.b", owner=Owner("Ada", "Data"))
    assert (third.revision, third.evaluation.score, third.updated_at) == (2, 10, catalogue.now)
    assert await catalogue.causes("a.b") == [ScoreCause.DECLARED] * 2


async def test_all_declarations_or_none(catalogue: Catalogue) -> None:
    bad = Declaration("a.c", primary_key=("id",))
    with pytest.raises(InvalidFieldError, match="no column 'id': none is known"):
        await catalogue.datasets.declare(catalogue.acme, [Declaration("a.b"), bad])
    assert await catalogue.datasets.find("acme", "a.b") is None


async def test_columns_that_were_seen_are_known(catalogue: Catalogue) -> None:
    await catalogue.datasets.observed("acme", "a.b", lambda before: seen())
    check = QualityCheck("one each", CheckKind.UNIQUE, ("email",))
    columns = (DeclaredColumn("more"),)
    declared = await catalogue.declare("a.b", checks=(check,), columns=columns)
    assert declared.observation == seen()
    with pytest.raises(InvalidFieldError, match="known are email, id"):
        await catalogue.declare("a.b", primary_key=("more",))


async def test_pages_in_each_order(catalogue: Catalogue) -> None:
    for n in range(7):
        await catalogue.declare(f"a.t{n}", steward="Bo" if n % 2 else "")
    await catalogue.declare("A.other", owner=Owner("Ada"))
    expected = {
        DatasetOrder.NAME: ["A.other", *(f"a.t{n}" for n in range(7))],
        DatasetOrder.BEST_FIRST: ["A.other", *(f"a.t{n}" for n in (1, 3, 5, 0, 2, 4, 6))],
        DatasetOrder.WORST_FIRST: [*(f"a.t{n}" for n in (0, 2, 4, 6, 1, 3, 5)), "A.other"],
    }
    for order, names in expected.items():
        found, token = [], ""
        while True:
            page = await catalogue.datasets.list(
                catalogue.acme, DatasetFilter(order=order), PageRequest(3, token)
            )
            found += [each.declaration.full_name for each in page.items]
            if not (token := page.next_token):
                break
        assert sorted(found) == sorted(names)
        if order is not DatasetOrder.NAME:
            assert found == names


async def test_filters(catalogue: Catalogue) -> None:
    await Samples(catalogue.datasets, lambda: NOW).ingest(catalogue.acme)

    async def listed(**wanted: Any) -> set[str]:
        page = await catalogue.datasets.list(catalogue.acme, DatasetFilter(**wanted), FIRST)
        return {each.declaration.full_name for each in page.items}

    assert len(await listed()) == 10
    assert await listed(status=ReadinessStatus.INTERNAL) == {"experiments.ab_test_results"}
    assert await listed(search="RAW_l") == {"staging.raw_logs"}
    assert await listed(search="%") == set()
    page = await catalogue.datasets.list(catalogue.globex, DatasetFilter(), FIRST)
    assert page.items == ()


async def test_scores_that_are_asked_for_enter_the_history(catalogue: Catalogue) -> None:
    made = await catalogue.declare("a.b")
    scored = await catalogue.datasets.score(catalogue.acme, "a.b")
    assert scored.revision == made.revision
    assert await catalogue.causes("a.b") == [ScoreCause.REQUESTED, ScoreCause.DECLARED]
    page = await catalogue.datasets.history(catalogue.acme, "a.b", PageRequest(1))
    rest = await catalogue.datasets.history(catalogue.acme, "a.b", PageRequest(1, page.next_token))
    assert [entry.number for entry in (*page.items, *rest.items)] == [2, 1]
    assert page.items[0].dimensions == made.evaluation.dimensions
    with pytest.raises(NotFoundError):
        await catalogue.datasets.score(catalogue.globex, "a.b")


async def test_time_alone_changes_a_score(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets_module, "_RESCORED_AT_ONCE", 2)
    names = [f"a.t{n}" for n in range(5)]
    for name in names:
        await catalogue.declare(name, freshness_hours=1, last_updated_at=NOW)
    assert await catalogue.datasets.rescore_due() == 0
    catalogue.now += timedelta(hours=1)
    assert await catalogue.datasets.rescore_due() == 5
    assert await catalogue.datasets.rescore_due() == 0
    for name in names:
        assert (await catalogue.datasets.get(catalogue.acme, name)).evaluation.score == 0
        assert await catalogue.causes(name) == [ScoreCause.RESCORED, ScoreCause.DECLARED]


async def test_other_rules_judge_anew(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    await catalogue.declare("a.b")
    async with catalogue.store.begin() as connection:
        await connection.execute(dataset_tables.datasets.update().values(rules_version="old"))
    assert await catalogue.datasets.rescore_due() == 1
    assert await catalogue.causes("a.b") == [ScoreCause.RESCORED, ScoreCause.DECLARED]


async def test_a_waiver_ends_by_itself(catalogue: Catalogue) -> None:
    await catalogue.declare("a.b")
    for days in (3, 2):
        granted = await catalogue.datasets.grant(
            catalogue.acme, "a.b", "owner_named", f"for {days} days", NOW + timedelta(days=days)
        )
    assert (granted.evaluation.score, len(granted.waivers)) == (6, 1)
    kept = await catalogue.declare("a.b", steward="Bo")
    assert (kept.evaluation.score, kept.waivers) == (8, granted.waivers)
    catalogue.now += timedelta(days=2)
    assert await catalogue.datasets.rescore_due() == 1
    ended = await catalogue.datasets.get(catalogue.acme, "a.b")
    assert (ended.evaluation.score, ended.waivers) == (2, ())
    again = await catalogue.datasets.revoke(catalogue.acme, "a.b", "owner_named")
    assert again.revision == ended.revision


async def test_bad_waivers(catalogue: Catalogue) -> None:
    await catalogue.declare("a.b")
    for rule, ends in (("nonsense", timedelta(1)), ("owner_named", timedelta(0))):
        with pytest.raises(InvalidFieldError):
            await catalogue.datasets.grant(catalogue.acme, "a.b", rule, "x", NOW + ends)


async def test_changes_at_once_lose_nothing(catalogue: Catalogue) -> None:
    await asyncio.gather(*(catalogue.declare(f"a.t{n}") for n in range(10)))
    page = await catalogue.datasets.list(catalogue.acme, DatasetFilter(), FIRST)
    assert sorted(each.revision for each in page.items) == list(range(1, 11))


async def test_one_name_is_one_dataset_whoever_comes_first(catalogue: Catalogue) -> None:
    samples = Samples(catalogue.datasets, lambda: NOW)
    name = "analytics.users"
    made = await asyncio.gather(
        *(samples.ingest(catalogue.acme) for _ in range(3)),
        *(catalogue.datasets.declare(catalogue.acme, [Declaration(name)]) for _ in range(3)),
    )
    seen_ones = await asyncio.gather(
        *(
            catalogue.datasets.observed("acme", each, lambda before: seen())
            for each in (name, "x.y")
        ),
        *(catalogue.declare("x.y", steward=f"Bo {n}") for n in range(3)),
    )
    page = await catalogue.datasets.list(catalogue.acme, DatasetFilter(), FIRST)
    assert len(page.items) == 11
    ids = {one.dataset_id for some in made for one in some} | {one.dataset_id for one in seen_ones}
    assert ids == {one.dataset_id for one in page.items}


#: a revision, and the names that a change of it brings
Change = tuple[int, list[str]]


async def watched(catalogue: Catalogue, **how: Any) -> AsyncGenerator[Change, None]:
    async with aclosing(catalogue.watch.stream(catalogue.acme, **how)) as changes:
        async for change in changes:
            yield change.revision, [each.declaration.full_name for each in change.datasets]


async def first_watched(catalogue: Catalogue, **how: Any) -> Change:
    # Closed here: a watch that is left to itself ends when it is collected, after its store.
    async with aclosing(watched(catalogue, **how)) as watch:
        return await anext(watch)


async def test_a_watch_sends_what_changed(catalogue: Catalogue) -> None:
    await catalogue.declare("a.b")
    async with aclosing(watched(catalogue, after_revision=0)) as watch:
        assert await anext(watch) == (1, ["a.b"])
        assert await anext(watch) == (1, [])
        await catalogue.declare("a.c")
        await catalogue.declare("a.b", steward="Bo")
        names: list[str] = []
        while (change := await anext(watch))[0] < 3 or not names:
            names += change[1]
        assert sorted({*names, *change[1]}) == ["a.b", "a.c"]
    assert await first_watched(catalogue, after_revision=2) == (3, ["a.b"])
    assert await first_watched(catalogue, after_revision=0, name="a.c") == (3, ["a.c"])
    with pytest.raises(NotFoundError):
        await first_watched(catalogue, after_revision=0, name="a.d")


async def test_an_observation_that_changes_no_score_wakes_nobody(catalogue: Catalogue) -> None:
    first = await catalogue.datasets.observed("acme", "a.b", lambda before: seen())
    given: list[Observation | None] = []

    def see(before: Observation | None) -> Observation:
        given.append(before)
        return seen(rows=200, sampled_rows=200)

    second = await catalogue.datasets.observed("acme", "a.b", see)
    assert given == [seen()]
    assert second.revision == first.revision
    stored = await catalogue.datasets.get(catalogue.acme, "a.b")
    assert stored.observation is not None
    assert stored.observation.profile == profile(rows=200, sampled_rows=200)
    assert await catalogue.causes("a.b") == [ScoreCause.OBSERVED]


async def test_an_observation_that_changes_no_score_says_when_it_was(catalogue: Catalogue) -> None:
    await catalogue.datasets.observed("acme", "a.b", lambda before: seen())
    catalogue.now += timedelta(hours=1)
    again = await catalogue.datasets.observed("acme", "a.b", lambda before: seen(rows=7))
    assert again.updated_at == catalogue.now
    assert await catalogue.datasets.get(catalogue.acme, "a.b") == again


async def test_what_has_expired_is_not_shown(catalogue: Catalogue) -> None:
    """Not even before anybody has swept, nor after the dataset was declared meanwhile."""
    await catalogue.declare("a.b")
    expiry = NOW + timedelta(days=1)
    await catalogue.datasets.grant(catalogue.acme, "a.b", "owner_named", "x", expiry)
    catalogue.now = expiry
    shown = await catalogue.datasets.get(catalogue.acme, "a.b")
    assert (shown.evaluation.score, shown.waivers) == (0, ())
    declared = await catalogue.declare("a.b", steward="Bo")
    assert declared.waivers == ()
    assert await catalogue.datasets.get(catalogue.acme, "a.b") == declared


@pytest.mark.parametrize("score", [-1, 101, 2**40, 2**63 - 1])
async def test_forged_page_tokens(catalogue: Catalogue, score: int) -> None:
    wanted = DatasetFilter(order=DatasetOrder.WORST_FIRST)
    page = PageRequest(10, encode_token([score, "a.b"]))
    with pytest.raises(InvalidFieldError):
        await catalogue.datasets.list(catalogue.acme, wanted, page)
    await catalogue.declare("a.b")
    entries = await catalogue.datasets.history(
        catalogue.acme, "a.b", PageRequest(10, encode_token([2**63 - 1]))
    )
    assert len(entries.items) == 1


async def test_faults_without_end_are_told_in_part(catalogue: Catalogue) -> None:
    columns = tuple(DeclaredColumn(f"{n:0>255}") for n in range(20))
    checks = tuple(QualityCheck(f"c{n}", CheckKind.UNIQUE, ("x",) * 100) for n in range(1000))
    with pytest.raises(InvalidFieldError) as refused:
        await catalogue.declare("a.b", columns=columns, checks=checks)
    assert len(refused.value.violations) == 20


async def test_what_lies_ahead_was_not_updated(catalogue: Catalogue) -> None:
    end = datetime(9999, 12, 31, tzinfo=NOW.tzinfo)
    with pytest.raises(InvalidFieldError, match="lies ahead"):
        await catalogue.declare("a.b", freshness_hours=1, last_updated_at=end)
    close = NOW + timedelta(minutes=5)
    fresh = await catalogue.declare("a.b", freshness_hours=1, last_updated_at=close)
    assert fresh.evaluation.score == 4


async def test_a_watch_from_a_revision_that_never_was_has_all(catalogue: Catalogue) -> None:
    await catalogue.declare("a.b")
    assert await first_watched(catalogue, after_revision=1) == (1, [])
    assert await first_watched(catalogue, after_revision=9) == (1, ["a.b"])


async def test_a_watch_of_many_comes_in_parts(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "_AT_ONCE", 2)
    names = [f"a.t{n}" for n in range(3)]
    await catalogue.declare("a.first")
    await catalogue.datasets.declare(catalogue.acme, [Declaration(name) for name in names])
    await catalogue.declare("a.last")
    async with aclosing(watched(catalogue, after_revision=0)) as watch:
        (first, some), (second, others) = await anext(watch), await anext(watch)
    assert (first, sorted(some), second, others) == (2, ["a.first", *names], 3, ["a.last"])
    # Whoever goes on after the first misses nothing.
    assert await first_watched(catalogue, after_revision=first) == (3, ["a.last"])
