"""Profiles of tables: a few aggregates over the table, or over a part of it that is spread out."""

import math
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.errors import NotFoundError
from headrace_server.model.observation import (
    MOST_PARKED,
    ColumnProfile,
    KeyProfile,
    TableProfile,
)
from headrace_server.model.warehouse import WarehouseColumn
from headrace_server.warehouse.bookkeeping import LEDGER, last_arrival
from headrace_server.warehouse.definitions import find_definition
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.sampling import Sample
from headrace_server.warehouse.sql import all_present, columns_of, quote, rows
from headrace_server.warehouse.widening import is_text, is_unbounded

#: types whose values may be larger, or smaller, than a double can be
_DECIMALS = frozenset(("DECIMAL", "NUMERIC", "DECIMAL_TEXT"))
_NUMBERS = _DECIMALS | frozenset(
    ("BIGINT", "INT", "INTEGER", "SMALLINT", "DOUBLE", "DOUBLE PRECISION", "REAL", "FLOAT")
)
_TEXTS = frozenset(("VARCHAR", "CHARACTER VARYING", "CHARACTER", "CHAR", "TEXT"))
_BOOLEANS = frozenset(("BOOL", "BOOLEAN"))
#: PostgreSQL refuses sums of squares of numbers beyond, and squares of numbers below
_LARGEST, _LEAST = "1e70", "1e-70"
_NOTHING = "CAST(NULL AS DOUBLE PRECISION)"
#: columns of one statement: PostgreSQL answers 1,664 values at most, SQLite 2,000
_COLUMNS_AT_ONCE = 500
#: rows, counted once for each key, that are looked at for duplicates, as a multiple of the sample
_KEY_ROWS = 10


async def profile_table(
    connection: AsyncConnection,
    dialect: Dialect,
    schema: str,
    name: str,
    *,
    most: int,
    keys: Collection[Sequence[str]],
) -> TableProfile:
    """Profile a table by about `most` of its rows; see `Warehouse.profile`."""
    if not await dialect.has_table(connection, schema, name):
        raise NotFoundError("table", f"{schema}.{name}")
    columns = await dialect.columns(connection, schema, name)
    table = name if schema == "public" else f"{schema}.{name}"
    definition = await find_definition(connection, dialect, table)
    contracted = definition.table if definition else None
    names = [column.name for column in columns]
    sample = await dialect.sample(connection, schema, name, names, most)
    profiles, count, rows_in_all = await _columns(connection, sample, columns, contracted)
    primary_key = tuple(column.name for column in columns if column.primary_key)
    found = [KeyProfile(primary_key, 0.0, enforced=True)] if primary_key else []
    if sample.whole:
        target = dialect.target(f"{schema}.{name}")
        wanted = {tuple(key) for key in keys if set(key) <= set(names)} - {primary_key}
        affordable = sorted(wanted)[: _KEY_ROWS * most // max(1, count)]
        found += [await _key(connection, target, key) for key in affordable]
    read, rejected = await _latest_load(connection, dialect, table)
    return TableProfile(
        rows=rows_in_all,
        sampled_rows=count,
        columns=profiles,
        primary_key=primary_key,
        contracted=definition is not None and not definition.imported,
        references=_references(contracted, columns),
        keys=tuple(found),
        updated_at=await last_arrival(connection, dialect, table),
        rows_read=read,
        rows_rejected=rejected,
        rows_parked=await _parked(connection, dialect, contracted),
    )


async def _columns(
    connection: AsyncConnection,
    sample: Sample,
    columns: Sequence[WarehouseColumn],
    contracted: Table | None,
) -> tuple[tuple[ColumnProfile, ...], int, int]:
    """The profile of each column, how many rows they come from, and how many there are."""
    types = {column.name: _type_text(column) for column in contracted.columns} if contracted else {}
    profiles: list[ColumnProfile] = []
    count = places = 0
    for first in range(0, max(1, len(columns)), _COLUMNS_AT_ONCE):
        some = columns[first : first + _COLUMNS_AT_ONCE]
        count, places, *found = await _measured(connection, sample, some)
        profiles += [
            _profile(column, types.get(column.name, column.type), count, found[3 * n : 3 * n + 3])
            for n, column in enumerate(some)
        ]
    return tuple(profiles), count, sample.rows_of(count, places)


async def _measured(
    connection: AsyncConnection, sample: Sample, columns: Sequence[WarehouseColumn]
) -> Sequence[Any]:
    """Rows and places, then of each column the values, their mean and that of their squares."""
    parts = ["count(*)", f"count(DISTINCT {sample.place})"]
    for column in columns:
        measure = _measure(column)
        parts += [
            f"count(s.{quote(column.name)})",
            f"avg({measure})",
            f"avg({measure} * {measure})",
        ]
    [found] = await rows(connection, f"SELECT {', '.join(parts)} FROM {sample.relation}")
    return tuple(found)


def _measure(column: WarehouseColumn) -> str:
    """Expression of what is averaged of a column: numbers, or lengths of texts."""
    name = f"s.{quote(column.name)}"
    kind = column.type.upper().partition("(")[0].strip()
    if column.type.endswith("]"):
        return _NOTHING
    if kind in _NUMBERS:
        number = f"CAST({name} AS {'NUMERIC' if kind in _DECIMALS else 'DOUBLE PRECISION'})"
        return (
            f"CASE WHEN {number} BETWEEN -{_LEAST} AND {_LEAST} THEN 0.0"
            f" WHEN {number} BETWEEN -{_LARGEST} AND {_LARGEST}"
            f" THEN CAST({number} AS DOUBLE PRECISION) END"
        )
    if kind in _BOOLEANS:
        return f"CAST(CASE WHEN {name} THEN 1 WHEN NOT {name} THEN 0 END AS DOUBLE PRECISION)"
    if kind in _TEXTS:
        return f"CAST(length({name}) AS DOUBLE PRECISION)"
    return _NOTHING


def _profile(
    column: WarehouseColumn, type_text: str, count: int, found: Sequence[Any]
) -> ColumnProfile:
    present, mean, square = found
    deviation = None if mean is None else math.sqrt(max(0.0, square - mean * mean))
    return ColumnProfile(
        name=column.name,
        type=type_text,
        nullable=column.nullable,
        null_rate=1 - present / count if count else None,
        mean=mean,
        deviation=deviation,
    )


def _type_text(column: Column) -> str:
    if column.type is ColumnType.STRING and not is_text(column):
        return f"STRING({column.max_length})"
    if column.type is ColumnType.DECIMAL and not is_unbounded(column):
        return f"DECIMAL({column.precision},{column.scale})"
    return str(column.type.value)


async def _key(connection: AsyncConnection, target: str, key: Sequence[str]) -> KeyProfile:
    [(total, repeated)] = await rows(
        connection,
        "SELECT coalesce(sum(n), 0), coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n"
        f" FROM {target} AS t WHERE {all_present('t', key)}"
        f" GROUP BY {columns_of(key, 't')}) AS g",
    )
    return KeyProfile(tuple(key), float(repeated) / float(total) if total else 0.0)


def _references(contracted: Table | None, columns: Sequence[WarehouseColumn]) -> tuple[str, ...]:
    if contracted is None:
        return tuple(f"{c.name} -> {c.references}" for c in columns if c.references)
    return tuple(f"{', '.join(ref.columns)} -> {ref.table}" for ref in contracted.references)


async def _latest_load(
    connection: AsyncConnection, dialect: Dialect, table: str
) -> tuple[int, int]:
    """Rows of the ingestion that came last, and how many of them are rejected by now."""
    ledger = dialect.system(LEDGER)
    [(read, rejected)] = await rows(
        connection,
        "SELECT coalesce(sum(CASE WHEN run = 0 THEN rows_read END), 0),"
        f" coalesce(sum(rows_rejected - rows_replayed), 0) FROM {ledger}"
        " WHERE table_name = :table AND ingestion_id = (SELECT ingestion_id"
        f" FROM {ledger} WHERE table_name = :table ORDER BY committed_at DESC LIMIT 1)",
        table=table,
    )
    return int(read), int(rejected)


async def _parked(connection: AsyncConnection, dialect: Dialect, table: Table | None) -> int:
    if table is None or not table.references:
        return 0
    parked = dialect.parked(table.name)
    [(count,)] = await rows(
        connection, f"SELECT count(*) FROM (SELECT 1 FROM {parked} LIMIT {MOST_PARKED}) AS p"
    )
    return int(count)
