"""Facts written by hand, and warehouses filled with plain statements."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from headrace_server.core.relationships.features import Candidate, features_of, names_of
from headrace_server.core.relationships.graph import Scored
from headrace_server.model.relationship import ColumnFacts, Kind, TableFacts
from headrace_server.warehouse.engines import PostgresWarehouse, SqliteWarehouse
from headrace_server.warehouse.sql_warehouse import SqlWarehouse


def column_of(name: str, values: Sequence[int], position: int = 0) -> ColumnFacts:
    """A column of whole numbers."""
    distinct = sorted(set(values))
    return ColumnFacts(
        name,
        "BIGINT",
        Kind.INTEGER,
        position,
        distinct=len(distinct),
        unique=len(distinct) == len(values),
        minimum=distinct[0],
        maximum=distinct[-1],
        mean_length=2.0,
        longest=3,
        sample=tuple(distinct),
    )


def table_of(name: str, **columns: Sequence[int]) -> TableFacts:
    """A table of whole numbers."""
    made = tuple(column_of(c, values, n) for n, (c, values) in enumerate(columns.items()))
    return TableFacts("public", name, len(next(iter(columns.values()))), made)


def pair_of(table: TableFacts, column: str, to_table: TableFacts, to_column: str) -> Candidate:
    """A candidate that has all its values."""
    return Candidate(table, table.column(column), to_table, to_table.column(to_column), 1.0, True)


def scored_of(tables: Sequence[TableFacts], *pairs: tuple[Candidate, float]) -> list[Scored]:
    """Candidates with their features and given probabilities."""
    features = features_of([pair for pair, _ in pairs], tables, names_of(tables))
    return [Scored(c, f, p) for (c, p), f in zip(pairs, features, strict=True)]


@pytest.fixture
async def warehouse(database_url: str) -> AsyncIterator[SqlWarehouse]:
    """A warehouse on each engine."""
    if database_url.startswith("sqlite:"):
        opened: SqlWarehouse = SqliteWarehouse(Path(database_url.removeprefix("sqlite:///")))
    else:
        opened = PostgresWarehouse(database_url)
    yield opened
    await opened.close()


Fill = Callable[..., Awaitable[None]]


@pytest.fixture
def fill(warehouse: SqlWarehouse) -> Fill:
    """Runs statements in the warehouse."""

    async def run(*statements: str, **parameters: Any) -> None:
        await warehouse.list_tables()
        async with warehouse._writing() as connection:
            for statement in statements:
                await connection.execute(text(statement), parameters)

    return run
