import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from headrace_server.core.queries import MOST_AT_ONCE, Queries
from headrace_server.model.errors import InvalidQueryError, QuotaExceededError
from headrace_server.model.tenant import Principal, Scope
from headrace_server.warehouse.registry import Warehouses

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"


async def test_a_tenant_has_so_many_queries_at_once_and_another_its_own(tmp_path: Path) -> None:
    warehouses = Warehouses("sqlite:///unused", folder=tmp_path)
    queries = Queries(warehouses)
    callers = [Principal(name, frozenset({Scope.READ}), None) for name in ("acme", "other")]
    running = [
        queries.run(callers[0], ENDLESS, most_rows=10**6, seconds=30) for _ in range(MOST_AT_ONCE)
    ]
    await asyncio.gather(*map(anext, running))
    with pytest.raises(QuotaExceededError) as raised:
        await anext(queries.run(callers[0], "SELECT 1", most_rows=1, seconds=1))
    assert raised.value.metadata == {"limit": "queries"}
    async with aclosing(queries.run(callers[1], "SELECT 1", most_rows=1, seconds=1)) as other:
        assert [piece.rows async for piece in other] == [(), ((1,),)]
    await running.pop().aclose()
    async with aclosing(queries.run(callers[0], "SELECT 2", most_rows=1, seconds=1)) as free:
        assert [piece.rows async for piece in free] == [(), ((2,),)]
    for each in running:
        await each.aclose()
    await warehouses.close()


async def test_a_refused_query_takes_no_place(tmp_path: Path) -> None:
    warehouses = Warehouses("sqlite:///unused", folder=tmp_path)
    queries = Queries(warehouses)
    caller = Principal("acme", frozenset({Scope.READ}), None)
    for _ in range(MOST_AT_ONCE + 1):
        with pytest.raises(InvalidQueryError):
            await anext(queries.run(caller, "DROP TABLE t", most_rows=1, seconds=1))
    await warehouses.close()
