"""Facts of columns that tell how tables belong together: counts, extremes, keys, a few values.

Whole numbers are counted and bounded over all rows; what needs a sort is told by a part of a large
table, and confirmed over all rows only for what may be a key.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.errors import NotFoundError
from headrace_server.model.relationship import ColumnFacts, Kind, TableFacts
from headrace_server.model.warehouse import WarehouseColumn
from headrace_server.warehouse import postgres_keys, sqlite_keys
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.sampling import Sample
from headrace_server.warehouse.sql import columns_of, quote, rows
from headrace_server.warehouse.wide_reading import make_room

#: values of a column that are kept
SAMPLED_VALUES = 64
#: characters of a text that are compared; keys are shorter
LONGEST_KEY = 100
#: unique texts that are longer leave room for a key of several columns
_LONGEST_ALONE = 36
_INTEGERS = frozenset(("BIGINT", "INT", "INTEGER", "SMALLINT"))
_DECIMALS = frozenset(("NUMERIC", "DECIMAL", "DECIMAL_TEXT"))
_TEXTS = frozenset(
    ("VARCHAR", "CHARACTER VARYING", "CHARACTER", "CHAR", "TEXT", "UUID", "UUID_TEXT")
)
_DATES = frozenset(("DATE", "DATE_TEXT"))
#: columns of one statement over all rows
_COLUMNS_AT_ONCE = 100
#: columns of a table that are confirmed to be keys, and pairs of them
_MOST_KEYS, _MOST_PAIRS, _MOST_PARTS = 8, 10, 8
#: names of parts of a query that no table of a user has
_EACH, _ABOUT, _PLACED = '"headrace.each"', '"headrace.about"', '"headrace.placed"'
_KEYS = {"sqlite": sqlite_keys, "postgresql": postgres_keys}


async def table_facts(
    connection: AsyncConnection, dialect: Dialect, schema: str, name: str, *, most: int
) -> TableFacts:
    """Look at a table by about `most` of its rows; see `Warehouse.table_facts`."""
    if not await dialect.has_table(connection, schema, name):
        raise NotFoundError("table", f"{schema}.{name}")
    await make_room(connection, dialect)
    described = await dialect.columns(connection, schema, name)
    target = dialect.target(f"{schema}.{name}")
    names = [column.name for column in described]
    sample = await dialect.sample(connection, schema, name, names, most)
    count, columns = await _counted(connection, target, described)
    columns = [
        await _looked_at(connection, dialect, sample, count, column) if count else column
        for column in columns
    ]
    primary_key, *others = await _KEYS[dialect.name].unique_keys(connection, schema, name)
    declared = [key for key in (primary_key, *others) if key]
    columns = await _confirmed(connection, target, sample, count, columns, declared)
    composite = [key for key in declared if len(key) > 1]
    alone = any(column.unique and column.longest <= _LONGEST_ALONE for column in columns)
    if not composite and count > 1 and not alone:
        composite = await _composite_keys(connection, target, sample, count, columns)
    return TableFacts(
        schema=schema,
        name=name,
        rows=count,
        columns=tuple(columns),
        primary_key=primary_key,
        composite_keys=tuple(composite),
        references=tuple(await _KEYS[dialect.name].references(connection, schema, name)),
    )


def kind_of(type_: str) -> Kind:
    """What the values of a SQL type are; decimals are whole numbers until some is not."""
    word = type_.upper().partition("(")[0].strip()
    if word in _INTEGERS | _DECIMALS:
        return Kind.INTEGER
    if word in _TEXTS:
        return Kind.TEXT
    return Kind.DATE if word in _DATES else Kind.OTHER


async def _counted(
    connection: AsyncConnection, target: str, described: Sequence[WarehouseColumn]
) -> tuple[int, list[ColumnFacts]]:
    """Count all rows, the values of each column, and bound the whole numbers."""
    columns: list[ColumnFacts] = []
    count = 0
    for first in range(0, max(1, len(described)), _COLUMNS_AT_ONCE):
        some = described[first : first + _COLUMNS_AT_ONCE]
        parts = ["count(*)"]
        for column in some:
            name = quote(column.name)
            bounds = f"min({name}), max({name})" if kind_of(column.type) is Kind.INTEGER else ""
            parts += [f"count({name})", bounds or "NULL, NULL"]
        [(count, *found)] = await rows(connection, f"SELECT {', '.join(parts)} FROM {target}")
        columns += [
            _bounded(column, first + place, count, *found[3 * place : 3 * place + 3])
            for place, column in enumerate(some)
        ]
    return count, columns


def _bounded(
    column: WarehouseColumn, position: int, count: int, present: int, least: Any, greatest: Any
) -> ColumnFacts:
    kind = kind_of(column.type)
    if (
        kind is Kind.INTEGER
        and least is not None
        and not (_is_whole(least) and _is_whole(greatest))
    ):
        kind = Kind.OTHER
    whole = kind is Kind.INTEGER and least is not None
    return ColumnFacts(
        column.name,
        column.type,
        kind,
        position,
        nulls=count - present,
        minimum=int(least) if whole else None,
        maximum=int(greatest) if whole else None,
    )


def _is_whole(value: Any) -> bool:
    try:
        return bool(int(value) == value)
    except (TypeError, ValueError, ArithmeticError):
        return False


async def _looked_at(
    connection: AsyncConnection, dialect: Dialect, sample: Sample, count: int, column: ColumnFacts
) -> ColumnFacts:
    """Add what the part of the table shows of a column."""
    if column.kind is Kind.OTHER or column.nulls == count:
        return column
    value = _compared(dialect, column, "s")
    length = "length(CAST(v AS TEXT))"
    found = await rows(
        connection,
        f"WITH {_EACH} AS (SELECT v, count(*) AS n"
        f" FROM (SELECT {value} AS v FROM {sample.relation}) AS k WHERE v IS NOT NULL GROUP BY v),"
        f" {_ABOUT} AS (SELECT count(*) AS d, sum(n) AS m, max(n) AS top, max({length}) AS longest,"
        f" avg({length}) AS usual, sum(CASE WHEN n = 1 THEN 1 ELSE 0 END) AS once,"
        f" sum(CASE WHEN n = 2 THEN 1 ELSE 0 END) AS twice FROM {_EACH}),"
        f" {_PLACED} AS (SELECT v, row_number() OVER (ORDER BY v) - 1 AS r FROM {_EACH})"
        f" SELECT v, d, m, top, longest, usual, once, twice FROM {_PLACED}, {_ABOUT}"
        f" WHERE r = 0 OR r = d - 1 OR r * {SAMPLED_VALUES} / d"
        f" <> (r - 1) * {SAMPLED_VALUES} / d ORDER BY r",
    )
    if not found:
        return column
    values = [row[0] for row in found]
    if column.kind is Kind.INTEGER and not all(map(_is_whole, values)):
        return replace(column, kind=Kind.OTHER, minimum=None, maximum=None)
    _, distinct, seen, top, longest, usual, once, twice = found[0]
    if longest > LONGEST_KEY:
        return replace(column, kind=Kind.OTHER, mean_length=float(usual), longest=longest)
    present = count - column.nulls
    return replace(
        column,
        distinct=_distinct(distinct, int(seen), int(once), int(twice), present, sample),
        mean_length=float(usual),
        longest=longest,
        top_share=int(top) / int(seen),
        sample=tuple(map(int, values)) if column.kind is Kind.INTEGER else tuple(map(str, values)),
    )


def _distinct(distinct: int, seen: int, once: int, twice: int, present: int, sample: Sample) -> int:
    """How many different values there are in all, by Chao's estimate where only a part was seen."""
    if sample.whole or seen >= present:
        return distinct
    if once == seen:
        return present
    unseen = once * once / (2 * twice) if twice else once * (once - 1) / 2
    return min(present, round(distinct + unseen))


def _compared(dialect: Dialect, column: ColumnFacts, alias: str) -> str:
    """Expression of a value as it is compared: texts by their bytes."""
    name = f"{alias}.{quote(column.name)}"
    if column.kind is Kind.INTEGER:
        return name
    text = f"CAST({name} AS TEXT)"
    if column.kind is Kind.TEXT:
        text = f"substr({text}, 1, {LONGEST_KEY + 1})"
    return f'{text} COLLATE "C"' if dialect.name == "postgresql" else text


async def _confirmed(
    connection: AsyncConnection,
    target: str,
    sample: Sample,
    count: int,
    columns: Sequence[ColumnFacts],
    declared: Sequence[tuple[str, ...]],
) -> list[ColumnFacts]:
    """Say of each column whether it is unique, over all rows."""
    confirmed, asked = [], 0
    for column in columns:
        unique = count > 0 and column.nulls == 0 and (column.name,) in declared
        if not unique and _may_be_unique(column, count):
            asked += not sample.whole
            unique = sample.whole or (
                asked <= _MOST_KEYS and await _are_unique(connection, target, (column.name,))
            )
        distinct = count if unique else column.distinct
        confirmed.append(replace(column, unique=unique, distinct=distinct))
    return confirmed


def _may_be_unique(column: ColumnFacts, count: int) -> bool:
    if column.kind is Kind.OTHER or column.nulls or not count or column.distinct < count:
        return False
    if column.minimum is None or column.maximum is None:
        return True
    return column.maximum - column.minimum + 1 >= count


async def _composite_keys(
    connection: AsyncConnection,
    target: str,
    sample: Sample,
    count: int,
    columns: Sequence[ColumnFacts],
) -> list[tuple[str, ...]]:
    """Pairs of columns that are unique together, those that stand first in the table first."""
    parts = [
        column
        for column in columns
        if column.kind is not Kind.OTHER and not column.nulls and column.distinct > 1
    ][:_MOST_PARTS]
    pairs = [
        pair for pair in combinations(parts, 2) if pair[0].distinct * pair[1].distinct >= count
    ]
    pairs.sort(key=lambda pair: pair[0].position + pair[1].position)
    found: list[tuple[str, ...]] = []
    asked = 0
    for first, second in pairs:
        key = (first.name, second.name)
        if not await _are_unique(connection, sample.relation, key):
            continue
        asked += 1
        if sample.whole or await _are_unique(connection, target, key):
            found.append(key)
        if asked == _MOST_PAIRS:
            break
    return found


async def _are_unique(connection: AsyncConnection, relation: str, key: Sequence[str]) -> bool:
    repeated = await rows(
        connection,
        f"SELECT 1 FROM {relation} GROUP BY {columns_of(key)} HAVING count(*) > 1 LIMIT 1",
    )
    return not repeated
