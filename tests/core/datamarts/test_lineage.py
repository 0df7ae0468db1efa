"""Which datamarts read which."""

from datetime import UTC, datetime, timedelta

from headrace_server.core.datamarts.lineage import Lineage
from headrace_server.model.datamart import (
    Datamart,
    MartStatus,
    MartType,
    RefreshStrategy,
    Relation,
    Version,
)

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def mart(name: str, *reads: str, view: bool = False, of: str = "") -> Datamart:
    """A datamart in `a`; what it reads is in `a` too, or in `public` where it begins with a t."""
    sources: tuple[Relation, ...] = tuple(
        ("public" if each.startswith("t") else "a", each) for each in reads
    )
    return Datamart(
        datamart_id=name, tenant_id="t", schema="a", name=name, query="",
        type=MartType.VIEW if view else MartType.TABLE, strategy=RefreshStrategy.ON_DEMAND,
        concurrent=True, description="", metadata={}, sources=sources, status=MartStatus.READY,
        rows=0, size_bytes=0, last_refresh=None, error=None, unique_key=(),
        created_at=MOMENT + timedelta(seconds=len(name)),
        version=Version(name, of, 1) if of else None,
    )  # fmt: skip


def names(marts: list[Datamart]) -> list[str]:
    return [each.name for each in marts]


BASE = mart("base", "t1")
SHOWN = mart("shown", "base", "t2", view=True)
ABOVE = mart("above", "shown", "t3")
TOP = mart("top", "above", "base")
MARTS = [TOP, ABOVE, SHOWN, BASE]


def test_views_are_looked_through() -> None:
    lineage = Lineage(MARTS)
    assert names(lineage.upstream(ABOVE)) == ["base"]
    assert names(lineage.upstream(BASE)) == []
    assert lineage.tables(ABOVE) == {("public", "t2"), ("public", "t3")}
    assert lineage.tables(SHOWN) == {("public", "t2")}


def test_those_that_are_read_come_first() -> None:
    assert names(Lineage(MARTS).in_order([TOP])) == ["base", "above", "top"]
    assert names(Lineage(MARTS).in_order(MARTS)) == ["base", "above", "top", "shown"]


def test_those_that_read_others_go_first() -> None:
    lineage = Lineage(MARTS)
    assert names(lineage.dependants(BASE)) == ["top", "shown"]
    assert names(lineage.all_dependants([BASE])) == ["top", "above", "shown"]
    assert names(lineage.all_dependants([BASE, SHOWN])) == ["top", "above"]
    assert names(lineage.all_dependants([TOP])) == []


def test_a_name_with_versions_stands_for_all_of_them() -> None:
    first, second = mart("v1", "t1", of="v"), mart("v22", "t2", of="v")
    reader = mart("reader", "v")
    lineage = Lineage([first, second, reader])
    assert lineage.is_datamart(("a", "v"))
    assert names(lineage.upstream(reader)) == ["v1", "v22"]
    assert names(lineage.dependants(first)) == ["reader"]


def test_a_way_from_what_is_read_back_to_oneself_is_found() -> None:
    lineage = Lineage(MARTS)
    assert lineage.path_to([("a", "new")], [("a", "top"), ("public", "t1")]) == []
    assert lineage.path_to([("a", "base")], [("public", "t1"), ("a", "above")]) == [
        ("a", "above"),
        ("a", "shown"),
        ("a", "base"),
    ]
    assert lineage.path_to([("a", "new")], [("a", "new")]) == [("a", "new")]
