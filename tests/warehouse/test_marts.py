"""Datamarts in the warehouse, on both engines."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from headrace_server.model.datamart import (
    BuiltRows,
    Datamart,
    MartStatus,
    MartType,
    RefreshStrategy,
    Version,
)
from headrace_server.model.errors import (
    AlreadyExistsError,
    InvalidQueryError,
    QueryTimeoutError,
    StaleAttemptError,
    WrongStateError,
)
from headrace_server.warehouse.sql_warehouse import SqlWarehouse

from .conftest import Loader, query

KEPT = [MartType.MATERIALIZED_VIEW, MartType.TABLE]
BY_AGE = "SELECT age, count(*) AS people FROM customers GROUP BY age"


def mart_of(sql: str, name: str = "by_age", type_: MartType = MartType.TABLE) -> Datamart:
    return Datamart(
        datamart_id=str(uuid.uuid4()), tenant_id="t", schema="analytics", name=name, query=sql,
        type=type_, strategy=RefreshStrategy.ON_DEMAND, concurrent=True, description="",
        metadata={}, sources=(), status=MartStatus.CREATED, rows=0, size_bytes=0,
        last_refresh=None, error=None, unique_key=(), created_at=datetime.now(UTC),
    )  # fmt: skip


class Marts:
    """The marts of a warehouse with customers."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self.warehouse = loader.warehouse
        self.fence = 0
        self.reports: list[int] = []

    async def make(self, mart: Datamart) -> Datamart:
        guarded = await self.warehouse.guarded(mart.query)
        await self.warehouse.marts.create(mart, guarded)
        return mart

    async def refresh(self, mart: Datamart, *, concurrent: bool = True, **how: Any) -> BuiltRows:
        self.fence += 1
        guarded = await self.warehouse.guarded(mart.query)
        options = {"fence": self.fence, "seconds": 30, "report": self.report} | how
        return await self.warehouse.marts.refresh(mart, guarded, concurrent=concurrent, **options)

    async def report(self, rows: int) -> None:
        self.reports.append(rows)

    async def rows(self, name: str = "analytics.by_age") -> list[tuple[Any, ...]]:
        """What a user's query reads."""
        guarded = await self.warehouse.guarded(f"SELECT * FROM {name}")
        pieces = self.warehouse.query(guarded, most_rows=1000, timeout=30)
        return sorted([row async for piece in pieces for row in piece.rows], key=str)

    async def names(self) -> list[tuple[str, str]]:
        return [(table.schema, table.name) for table in await self.warehouse.list_tables()]


@pytest.fixture
async def marts(loader: Loader) -> Marts:
    await loader.load("customers", [(n, n % 3) for n in range(30)])
    return Marts(loader)


@pytest.mark.parametrize("concurrent", [True, False])
@pytest.mark.parametrize("type_", KEPT)
async def test_a_mart_has_the_rows_of_its_last_refresh(
    marts: Marts, type_: MartType, concurrent: bool
) -> None:
    mart = await marts.make(mart_of(BY_AGE, type_=type_))
    built = await marts.refresh(mart, concurrent=concurrent)
    assert built.rows == 3
    assert built.size_bytes > 0
    assert await marts.rows() == [(0, 10), (1, 10), (2, 10)]
    await marts.loader.load("customers", [(30, 7), (31, 0)], chunk=1)
    assert await marts.rows() == [(0, 10), (1, 10), (2, 10)]
    again = await marts.refresh(mart, concurrent=concurrent)
    assert (again.rows, again.note) == (4, None)
    assert await marts.rows() == [(0, 11), (1, 10), (2, 10), (7, 1)]
    assert ("analytics", "by_age") in await marts.names()
    assert marts.reports[-1] == 4
    if marts.warehouse.dialect == "postgresql" and type_ is MartType.MATERIALIZED_VIEW:
        assert again.unique_key == ("age",)
