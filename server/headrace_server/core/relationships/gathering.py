"""Asks a warehouse what may tell how its tables belong together, in a bounded number of queries."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from headrace_server.core.relationships.features import Candidate
from headrace_server.core.relationships.side_by_side import side_by_side
from headrace_server.model.relationship import ColumnFacts, Kind, TableFacts
from headrace_server.warehouse.base import Columns, Warehouse

#: rows of a table that are sorted
SAMPLED_ROWS = 20_000
#: a pair is no candidate with less of the child's values found
LEAST_INCLUSION = 0.9
#: values that are looked up in one column at a time
_VALUES_AT_ONCE = 20_000

#: takes how many tables were looked at
Report = Callable[[int], Awaitable[None]]


async def gather(
    warehouse: Warehouse, schema: str, tables: Sequence[str], report: Report
) -> list[TableFacts]:
    """Look at each table. Raises NotFoundError."""
    done = 0

    async def look(table: str) -> TableFacts:
        nonlocal done
        found = await warehouse.table_facts(schema, table, most=SAMPLED_ROWS)
        done += 1
        await report(done)
        return found

    return await side_by_side(look, tables)


async def candidates(warehouse: Warehouse, tables: Sequence[TableFacts]) -> list[Candidate]:
    """Pairs of a column and a unique one that seems to have its values, by some of these."""
    children = [
        (table, column)
        for table in tables
        for column in table.columns
        if column.kind is not Kind.OTHER and column.sample
    ]
    keys = [
        (table, column)
        for table in tables
        for column in table.columns
        if column.unique and column.kind is not Kind.OTHER
    ]

    async def referring(key: tuple[TableFacts, ColumnFacts]) -> list[Candidate]:
        pairs = [
            Candidate(table, column, *key, 1.0)
            for table, column in children
            if _comparable(column, key[1]) and (table.name, column.name) != _named(key)
        ]
        return await _included(warehouse, pairs)

    return [pair for pairs in await side_by_side(referring, keys) for pair in pairs]


def _named(key: tuple[TableFacts, ColumnFacts]) -> tuple[str, str]:
    return (key[0].name, key[1].name)


def _comparable(child: ColumnFacts, parent: ColumnFacts) -> bool:
    """Whether the types agree and the child has no more values, nor many outside the bounds."""
    if child.kind is not parent.kind or child.distinct * LEAST_INCLUSION > parent.distinct:
        return False
    return _share_within(child, parent) >= LEAST_INCLUSION


def _share_within(child: ColumnFacts, parent: ColumnFacts) -> float:
    """Share of some of the child's values that lie within the bounds of the parent's."""
    low: Any = parent.sample[0]
    high: Any = parent.sample[-1]
    if parent.minimum is not None and parent.maximum is not None:
        low, high = parent.minimum, parent.maximum
    within = [value for value in child.sample if low <= value <= high]
    return len(within) / len(child.sample)


async def _included(warehouse: Warehouse, pairs: Sequence[Candidate]) -> list[Candidate]:
    """Those candidates of one parent whose values are found in it."""
    if not pairs:
        return []
    parent = pairs[0].to_column
    if is_dense(parent):
        return [_by_bounds(pair) for pair in pairs]
    known: set[int | str] = set()
    values = list({value: None for pair in pairs for value in pair.column.sample})
    for first in range(0, len(values), _VALUES_AT_ONCE):
        asked = values[first : first + _VALUES_AT_ONCE]
        known |= await warehouse.present(columns_of(pairs[0].to_table, parent), asked)
    shares = [
        sum(value in known for value in pair.column.sample) / len(pair.column.sample)
        for pair in pairs
    ]
    return [
        replace(pair, inclusion=share)
        for pair, share in zip(pairs, shares, strict=True)
        if share >= LEAST_INCLUSION
    ]


def is_dense(parent: ColumnFacts) -> bool:
    """Whether a unique column holds every whole number within its bounds."""
    if parent.minimum is None or parent.maximum is None:
        return False
    return parent.unique and parent.maximum - parent.minimum + 1 == parent.distinct


def _by_bounds(pair: Candidate) -> Candidate:
    """Of a parent without gaps the bounds of the child tell all, unless it goes beyond them."""
    child, parent = pair.column, pair.to_column
    bounds = (parent.minimum, child.minimum, child.maximum, parent.maximum)
    known = [bound for bound in bounds if bound is not None]
    inside = len(known) == len(bounds) and known == sorted(known)
    return replace(pair, inclusion=1.0 if inside else _share_within(child, parent), exact=inside)


async def looked_up(warehouse: Warehouse, pair: Candidate) -> Candidate:
    """The pair with all its values looked up."""
    found = await warehouse.inclusion(
        columns_of(pair.table, pair.column),
        columns_of(pair.to_table, pair.to_column),
        as_text=pair.column.kind is not Kind.INTEGER,
    )
    share = 1 - found.missing / max(1, found.distinct)
    column = replace(pair.column, distinct=found.distinct)
    return replace(pair, column=column, inclusion=share, exact=True)


def columns_of(table: TableFacts, *columns: ColumnFacts) -> Columns:
    """Name columns of a table for the warehouse."""
    return (table.schema, table.name, tuple(column.name for column in columns))
