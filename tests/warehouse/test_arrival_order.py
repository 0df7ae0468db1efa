"""The law of arrival: in which order rows come, and cut into which chunks, does not matter.

Three tables: regions (key of two columns), people (of a region, under a boss among the people) and
deeds (of a person). Every reference may be null, and may lead to nothing.
"""

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace_server.model.contract import Column, ColumnType, Reference, Table
from headrace_server.model.warehouse import Catalog

if TYPE_CHECKING:
    from warehouse.conftest import Loader, LoaderOf

#: table, row
Arrival = tuple[str, tuple[int | None, ...]]

_numbers = itertools.count()
#: table: number of key columns, and for each reference its positions and its parent
KEYS = {"regions": 2, "people": 1, "deeds": 1}
REFERENCES: dict[str, list[tuple[tuple[int, ...], str]]] = {
    "regions": [],
    "people": [((1, 2), "regions"), ((3,), "people")],
    "deeds": [((1,), "people")],
}

small = st.integers(1, 4)
maybe = st.none() | small
value = st.integers(0, 9)
arrival = st.one_of(
    st.tuples(st.just("regions"), st.tuples(small, small, value)),
    st.tuples(st.just("people"), st.tuples(small, maybe, maybe, maybe, value)),
    st.tuples(st.just("deeds"), st.tuples(small, maybe, value)),
)
chunk_sizes = st.lists(st.integers(1, 5), min_size=30, max_size=30)
thorough = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def catalog(suffix: int) -> Catalog:
    """The three tables under names of their own."""

    def columns(names: str, required: int) -> tuple[Column, ...]:
        return tuple(
            Column(name, ColumnType.INTEGER, nullable=position >= required)
            for position, name in enumerate(names)
        )

    regions, people = f"regions{suffix}", f"people{suffix}"
    region, boss = Reference(("a", "b"), regions), Reference(("c",), people)
    tables = (
        Table(regions, columns("abv", 2), ("a", "b")),
        Table(people, columns("pabcv", 1), ("p",), (region, boss)),
        Table(f"deeds{suffix}", columns("dpv", 1), ("d",), (Reference(("p",), people),)),
    )
    return {table.name: table for table in tables}


def key_of(arrival: Arrival) -> tuple[str, tuple[int | None, ...]]:
    table, row = arrival
    return table, row[: KEYS[table]]


def supported(rows: Iterable[Arrival], present: Iterable[Arrival] = ()) -> set[Arrival]:
    """The most of the rows that can be there together, given those that are, orphaning none."""
    kept, there = set(rows), {key_of(row) for row in present}
    while True:
        keys = there | {key_of(row) for row in kept}
        lost = {row for row in kept if any(parent not in keys for parent in parents(row))}
        if not lost:
            return kept
        kept -= lost


def parents(arrival: Arrival) -> list[tuple[str, tuple[int | None, ...]]]:
    table, row = arrival
    referred = [
        (parent, tuple(row[position] for position in positions))
        for positions, parent in REFERENCES[table]
    ]
    return [(parent, key) for parent, key in referred if None not in key]


def chunked(arrivals: list[Arrival], sizes: list[int]) -> list[list[Arrival]]:
    """Runs of one table, cut at the sizes."""
    chunks: list[list[Arrival]] = []
    for one in arrivals:
        size = sizes[len(chunks) % len(sizes)]
        if chunks and chunks[-1][0][0] == one[0] and len(chunks[-1]) < size:
            chunks[-1].append(one)
        else:
            chunks.append([one])
    return chunks


async def load(loader: "Loader", suffix: int, chunks: list[list[Arrival]]) -> None:
    line = itertools.count(1)
    for number, chunk in enumerate(chunks):
        table = chunk[0][0]
        rows = [row for _, row in chunk]
        first = next(next(line) for _ in rows)
        file_no = list(KEYS).index(table)
        await loader.load(
            f"{table}{suffix}", rows, ingestion=f"ing{suffix}", file_no=file_no,
            chunk=number, first_line=first,
        )  # fmt: skip


async def state(loader: "Loader", suffix: int) -> tuple[set[Arrival], set[Arrival]]:
    """Rows in the tables, rows parked."""
    loaded, parked = set(), set()
    for table in KEYS:
        loaded |= {(table, row) for row in await loader.rows(f"{table}{suffix}")}
        if REFERENCES[table]:
            parked |= {(table, row) for row in await loader.parked_rows(f"{table}{suffix}")}
    return loaded, parked


@given(rows=st.lists(arrival, max_size=24, unique_by=key_of), sizes=chunk_sizes, data=st.data())
@thorough
async def test_any_order_ends_in_the_same_tables(
    loader_of: "LoaderOf", rows: list[Arrival], sizes: list[int], data: st.DataObject
) -> None:
    suffix = next(_numbers)
    loader = loader_of(catalog(suffix))
    await loader.warehouse.prepare(loader.catalog)
    await load(loader, suffix, chunked(data.draw(st.permutations(rows)), sizes))
    loaded, parked = await state(loader, suffix)
    assert loaded == supported(rows)
    assert parked == set(rows) - loaded


@given(rows=st.lists(arrival, max_size=30), sizes=chunk_sizes)
@thorough
async def test_the_last_arrival_of_a_key_wins_and_nothing_is_orphaned(
    loader_of: "LoaderOf", rows: list[Arrival], sizes: list[int]
) -> None:
    suffix = next(_numbers)
    loader = loader_of(catalog(suffix))
    await loader.warehouse.prepare(loader.catalog)
    await load(loader, suffix, chunked(rows, sizes))
    loaded, parked = await state(loader, suffix)
    last = {key_of(row): row for row in rows}
    assert supported(loaded) == loaded, "nothing is orphaned"
    assert not supported(parked, loaded), "nothing waits for what is there"
    assert all(row == last[key_of(row)] for row in parked), "only a last arrival waits"
    assert set(last.values()) <= loaded | parked, "a last arrival is there or waits"
    assert loaded <= set(rows)
    assert len(loaded) == len({key_of(row) for row in loaded})
    tallies = await loader.warehouse.tally(f"ing{suffix}")
    assert sum(tally.rows_read for tally in tallies) == len(rows)
    assert sum(tally.rows_parked for tally in tallies) == len(parked)
    for tally in tallies:
        assert tally.rows_read == tally.rows_loaded + tally.rows_rejected + tally.rows_parked
    for entry in await loader.warehouse.committed(f"ing{suffix}"):
        assert entry.rows_read == entry.rows_loaded + entry.rows_rejected + entry.rows_parked
        assert 0 <= entry.rows_superseded <= entry.rows_loaded


def test_the_measure_itself_can_tell() -> None:
    orphan, root = ("deeds", (1, 1, 0)), ("people", (1, None, None, None, 0))
    assert supported([orphan]) == set()
    assert supported([orphan, root]) == {orphan, root}
    assert supported([orphan], [root]) == {orphan}
    with pytest.raises(KeyError):
        parents(("nothing", (1,)))
