"""Datamarts on SQLite, which has no materialized views: tables that are built aside.

A query runs where all queries run, on a connection that only reads. What it answers is written by
the one writer in many small transactions, so that loads go on between them; the last one puts the
table in its place.
"""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.datamart import BuiltRows, Datamart, MartType, Relation
from headrace_server.model.errors import InvalidQueryError
from headrace_server.model.query import QueryColumn
from headrace_server.warehouse import sqlite_tables
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.marts import MartAccess, Report, SqlMarts
from headrace_server.warehouse.reading import Result, Row
from headrace_server.warehouse.reading_sqlite import SqliteReading
from headrace_server.warehouse.sql import execute, quote, rows

#: seconds in which the columns of a query are told
_DESCRIBING_SECONDS = 30
#: rows that are read at once, and that are written in one transaction
_READ, _WRITTEN = 1000, 20_000
#: characters that are written in one transaction, in about
_CHARACTERS = 8 << 20
#: what SQLite calls a column whose name another has
_AGAIN = re.compile(r"(?P<name>.+):\d+", re.DOTALL)
#: bytes that a number takes, where the file does not tell the size of a table
_NUMBER_BYTES = 8


class SqliteMarts(SqlMarts):
    """A database file."""

    def __init__(self, access: MartAccess, reader: SqliteReading) -> None:
        super().__init__(access)
        self._reader = reader

    async def _described(self, query: GuardedQuery) -> tuple[QueryColumn, ...]:
        columns = await self._reader.describe(query, _DESCRIBING_SECONDS)
        _check_names(columns)
        return columns

    async def _make(
        self,
        connection: AsyncConnection,
        mart: Datamart,
        query: GuardedQuery,
        columns: tuple[QueryColumn, ...],
    ) -> None:
        if mart.type is MartType.VIEW:
            target = quote(_table(mart.relation))
            await connection.exec_driver_sql(f"CREATE VIEW {target} AS {query.sql}")
        else:
            await self._create(connection, _table(mart.relation), columns)

    async def _create(
        self, connection: AsyncConnection, table: str, columns: Sequence[QueryColumn]
    ) -> None:
        """Make a table that takes rows as they are."""
        lines = ", ".join(f"{quote(column.name)} {column.type}".strip() for column in columns)
        await execute(connection, f"CREATE TABLE {quote(table)} ({lines})")

    async def refresh(
        self,
        mart: Datamart,
        query: GuardedQuery,
        fence: int,
        *,
        concurrent: bool,  # nobody waits here in either case
        seconds: float,
        report: Report,
    ) -> BuiltRows:
        """See `Marts.refresh`."""
        await self.create(mart, query)
        aside = _aside(mart.datamart_id)
        try:
            count, size = await self._build(mart, query, fence, seconds, report)
            async with self._fenced(mart, fence) as connection:
                table = _table(mart.relation)
                await sqlite_tables.put_in_place(connection, quote(aside), quote(table), table)
                return BuiltRows(count, await _size(connection, table) or size)
        except BaseException:
            async with self._access.writing() as connection:
                await execute(connection, f"DROP TABLE IF EXISTS {quote(aside)}")
            raise

    async def _build(
        self, mart: Datamart, query: GuardedQuery, fence: int, seconds: float, report: Report
    ) -> tuple[int, int]:
        """Write the rows of a query beside the datamart's; how many, and about how many bytes."""
        aside = _aside(mart.datamart_id)
        result = await self._reader.open(query, seconds, kept=True)
        try:
            _check_names(result.columns)
            async with self._fenced(mart, fence) as connection:
                await execute(connection, f"DROP TABLE IF EXISTS {quote(aside)}")
                await self._create(connection, aside, result.columns)
            places = ", ".join("?" * len(result.columns))
            insert = f"INSERT INTO {quote(aside)} VALUES ({places})"
            count = size = 0
            async with aclosing(_lots(result)) as lots:
                async for lot in lots:
                    async with self._fenced(mart, fence) as connection:
                        await connection.exec_driver_sql(insert, lot)
                    count, size = count + len(lot), size + _length(lot)
                    await report(count)
        finally:
            await result.close()
        return count, size

    async def point(self, mart: Datamart) -> None:
        """See `Marts.point`."""
        name = mart.names[-1]
        view, target = quote(_table(name)), quote(_table(mart.relation))
        async with self._access.defining() as connection:
            found = await self._found(connection, name)
            if found == mart.datamart_id:
                return
            if found is not None:
                await execute(connection, f"DROP VIEW {view}")
            await execute(connection, f"CREATE VIEW {view} AS SELECT * FROM {target}")
            await self._register(connection, name, mart.datamart_id)

    async def _drop(self, connection: AsyncConnection, relation: Relation, mart_id: str) -> None:
        table = _table(relation)
        found = await rows(
            connection, "SELECT type FROM sqlite_schema WHERE name = :name", name=table
        )
        for row in found:
            await execute(connection, f"DROP {row.type.upper()} {quote(table)}")
        await execute(connection, f"DROP TABLE IF EXISTS {quote(_aside(mart_id))}")


def _table(relation: Relation) -> str:
    """A schema is a part of the name."""
    schema, name = relation
    return name if schema == "public" else f"{schema}.{name}"


def _aside(mart_id: str) -> str:
    return f"headrace.marts.{mart_id}"


def _check_names(columns: Sequence[QueryColumn]) -> None:
    """Raise InvalidQueryError for columns that no table can have together."""
    names = {column.name.lower() for column in columns}
    for column in columns:
        again = _AGAIN.fullmatch(column.name)
        if again and again["name"].lower() in names:
            raise InvalidQueryError.at(
                f"the column {again['name']!r} is there twice: give one another name with AS",
                None,
                None,
            )


async def _lots(result: Result) -> AsyncGenerator[list[Row], None]:
    """Yield the rows of a result, as many as are written at once."""
    lot: list[Row] = []
    length = 0
    while True:
        found = await result.fetch(_READ)
        lot += found
        length += _length(found)
        last = len(found) < _READ
        if lot and (last or len(lot) >= _WRITTEN or length > _CHARACTERS):
            yield lot
            lot, length = [], 0
        if last:
            return


def _length(lot: Sequence[Row]) -> int:
    return sum(
        len(value) if isinstance(value, str | bytes) else _NUMBER_BYTES
        for row in lot
        for value in row
    )


async def _size(connection: AsyncConnection, table: str) -> int | None:
    """Bytes of a table, where SQLite was built to tell."""
    try:
        [(size,)] = await rows(
            connection,
            "SELECT sum(pgsize) FROM dbstat WHERE name = :name AND aggregate",
            name=table,
        )
    except OperationalError:
        return None
    return int(size or 0)
