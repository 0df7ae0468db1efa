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
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.sampling import Sample
from headrace_server.warehouse.schema import read_definitions
from headrace_server.warehouse.sql import all_present, columns_of, quote, rows

_NUMBERS = ("DECIMAL", "NUMERIC", "BIGINT", "INT", "SMALLINT", "DOUBLE", "REAL", "FLOAT")
_TEXTS = ("VARCHAR", "CHARACTER", "TEXT")
#: squares of larger numbers overflow
_LARGEST = "1e100"
#: schemas of our own tables
_OURS = "headrace"


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
    columns = () if schema.startswith(_OURS) else await dialect.columns(connection, schema, name)
    if not columns:
        raise NotFoundError("table", f"{schema}.{name}")
    table = name if schema == "public" else f"{schema}.{name}"
    contracted = (await read_definitions(connection, dialect)).get(table)
    names = [column.name for column in columns]
    sample = await dialect.sample(connection, schema, name, names, most)
    profiles, count, rows_in_all = await _columns(connection, sample, columns, contracted)
    primary_key = tuple(column.name for column in columns if column.primary_key)
    found = [KeyProfile(primary_key, 0.0, enforced=True)] if primary_key else []
    if sample.whole:
        target = dialect.target(f"{schema}.{name}")
        wanted = {tuple(key) for key in keys if set(key) <= set(names)} - {primary_key}
        found += [await _key(connection, target, key) for key in sorted(wanted)]
    read, rejected = await _latest_load(connection, dialect, table)
    return TableProfile(
        rows=rows_in_all,
        sampled_rows=count,
        columns=profiles,
        primary_key=primary_key,
        contracted=contracted is not None,
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
    measures = [_measure(column) for column in columns]
    parts = [
        f"count(s.{quote(column.name)}), avg({measure}), avg({measure} * {measure})"
        for column, measure in zip(columns, measures, strict=True)
    ]
    [found] = await rows(
        connection,
        f"SELECT count(*), count(DISTINCT {sample.place}), {', '.join(parts)}"
        f" FROM {sample.relation}",
    )
    count = int(found[0])
    types = {column.name: _type_text(column) for column in contracted.columns} if contracted else {}
    return (
        tuple(
            _profile(
                column, types.get(column.name, column.type), count, found[3 * n + 2 : 3 * n + 5]
            )
            for n, column in enumerate(columns)
        ),
        count,
        sample.rows_of(count, int(found[1])),
    )


def _measure(column: WarehouseColumn) -> str:
    """Expression of what is averaged of a column: numbers, or lengths of texts."""
    name, kind = f"s.{quote(column.name)}", column.type.upper()
    if kind.startswith(_NUMBERS):
        number = f"CAST({name} AS DOUBLE PRECISION)"
        return f"CASE WHEN abs({number}) < {_LARGEST} THEN {number} END"
    if kind.startswith("BOOL"):
        return f"CAST(CASE WHEN {name} THEN 1 WHEN NOT {name} THEN 0 END AS DOUBLE PRECISION)"
    if kind.startswith(_TEXTS):
        return f"CAST(length({name}) AS DOUBLE PRECISION)"
    return "CAST(NULL AS DOUBLE PRECISION)"


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
    if column.type is ColumnType.STRING:
        return f"STRING({column.max_length})"
    if column.type is ColumnType.DECIMAL:
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
