"""Queries of the warehouse over REST and gRPC, on both databases."""

import asyncio
import json
from contextlib import aclosing
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio

from headrace_client import Client, HeadraceError, InvalidRequestError
from headrace_server.core.queries import MOST_AT_ONCE

from .conftest import Site, customer, detail, lines, new_id, order, reason, run_command

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUERY = "/api/v1/warehouse/query"
BUYER = new_id()
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _orders(site: Site) -> None:
    await site.load("customers_1.ndjson", lines(customer(BUYER)))
    await site.load("orders_1.ndjson", lines(*(order(new_id(), BUYER) for _ in range(3))))


async def ask(site: Site, sql: str, **how: Any) -> list[dict[str, Any]]:
    """The messages of an answer over REST."""
    async with site.rest.stream("POST", QUERY, json={"sql": sql, **how}) as answer:
        assert answer.status_code == 200, await answer.aread()
        return [json.loads(line) async for line in answer.aiter_lines()]


async def refused(site: Site, sql: str, **how: Any) -> httpx.Response:
    return await site.rest.post(QUERY, json={"sql": sql, **how})


async def test_columns_rows_and_the_summary_are_a_line_each(site: Site) -> None:
    first, rows, last = await ask(
        site, "SELECT currency, customer_id, order_date FROM orders ORDER BY order_id LIMIT 2"
    )
    assert [(c["name"], c["kind"]) for c in first["columns"]] == [
        ("currency", "STRING"), ("customer_id", "UUID"), ("order_date", "TIMESTAMP"),
    ]  # fmt: skip
    assert rows["rows"] == 2 * [
        {"currency": "GBP", "customer_id": BUYER, "order_date": "2026-01-02T03:04:05+00:00"}
    ]
    assert (last["summary"]["rows"], last["summary"]["truncated"]) == ("2", False)
    assert last["summary"]["elapsed_seconds"] > 0


async def test_numbers_that_json_would_change_are_text(site: Site, engine: str) -> None:
    _, rows, _ = await ask(site, "SELECT 9007199254740993 AS big, 1 AS one, 1.5 AS half")
    assert rows["rows"] == [{"big": "9007199254740993", "one": 1, "half": 1.5}]
    if engine == "postgresql":
        _, rows, _ = await ask(
            site,
            "SELECT 'NaN'::float8 AS n, 0.12345678901234567890::numeric AS d, '\\xff'::bytea AS b,"
            " '{\"a\": [1]}'::jsonb AS j, 1 AS x, 2 AS x",
        )
        assert rows["rows"] == [
            {
                "n": "nan",
                "d": "0.12345678901234567890",
                "b": "ff",
                "j": {"a": [1]},
                "x": 1,
                "x_2": 2,
            }
        ]


async def test_rows_beyond_the_limit_are_told(site: Site) -> None:
    *_, last = await ask(site, "SELECT * FROM orders", max_rows=2)
    assert last["summary"] | {"elapsed_seconds": 0} == {
        "rows": "2", "truncated": True, "elapsed_seconds": 0,
    }  # fmt: skip
    messages = await ask(site, f"{ENDLESS} SELECT i FROM n")
    assert messages[-1]["summary"]["rows"] == "1000"


async def test_what_does_more_than_read_is_refused(site: Site) -> None:
    answer = await refused(site, "SELECT 1;\n DROP TABLE orders")
    assert answer.status_code == 400
    assert reason(answer) == "INVALID_QUERY"
    assert detail(answer, "ErrorInfo")["metadata"] == {"field": "sql", "line": "1", "column": "9"}
    assert detail(answer, "BadRequest")["field_violations"][0]["field"] == "sql"
    assert len(await site.select("SELECT * FROM orders")) == 3


async def test_what_the_database_refuses_says_where(site: Site) -> None:
    answer = await refused(site, "SELECT *\nFROM nothing")
    assert (answer.status_code, reason(answer)) == (400, "INVALID_QUERY")
    assert detail(answer, "ErrorInfo")["metadata"]["line"] == "2"


@pytest.mark.parametrize("wrong", [{"max_rows": 0}, {"timeout_seconds": 301}, {"sql": ""}])
async def test_wrong_fields_are_named(site: Site, wrong: dict[str, Any]) -> None:
    answer = await site.rest.post(QUERY, json={"sql": "SELECT 1", **wrong})
    assert answer.status_code == 400
    (field,) = wrong
    assert detail(answer, "BadRequest")["field_violations"][0]["field"] == field


async def test_a_query_that_takes_too_long_is_ended(site: Site) -> None:
    answer = await refused(site, f"{ENDLESS} SELECT count(*) FROM n", timeout_seconds=1)
    assert (answer.status_code, reason(answer)) == (504, "QUERY_TIMEOUT")


async def test_a_tenant_has_so_many_queries_at_once(site: Site) -> None:
    async with Client(site.grpc) as client:
        running = [
            client.run_query(f"{ENDLESS} SELECT count(*) FROM n") for _ in range(MOST_AT_ONCE)
        ]
        asking = [asyncio.create_task(anext(each)) for each in running]
        await asyncio.sleep(0.3)
        with pytest.raises(HeadraceError) as raised:
            _ = [row async for row in client.query("SELECT 1")]
        assert raised.value.reason == "QUOTA_EXCEEDED"
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        for each in running:
            await each.aclose()
        while True:
            try:
                assert [row async for row in client.query("SELECT 1 AS a")] == [{"a": 1}]
            except HeadraceError:
                await asyncio.sleep(0.05)
            else:
                break


@pytest.mark.parametrize("way", ["direct", "envoy"])
async def test_the_client_asks(site: Site, way: str, engine: str) -> None:
    async with Client(site.grpc if way == "direct" else f"http://{site.http}") as client:
        sql = "SELECT o.total_amount, o.currency FROM orders o JOIN customers c USING (customer_id)"
        rows = [row async for row in client.query(sql)]
        assert rows == 3 * [{"total_amount": Decimal("15.3"), "currency": "GBP"}]
        with pytest.raises(InvalidRequestError) as raised:
            _ = [row async for row in client.query("SELECT nope FROM orders")]
        assert raised.value.metadata["column"] == "8"
        async with aclosing(client.run_query(f"{ENDLESS} SELECT i FROM n", max_rows=10**6)) as all_:
            assert (await anext(all_)).columns[0].name == "i"


async def test_the_command_asks(site: Site) -> None:
    run = run_command("headrace_client", "sql", "SELECT count(*) AS n FROM orders", "--csv",
                      "--address", site.grpc)  # fmt: skip
    assert (await run).out == "n\n3\n"
    ended = await run_command(
        "headrace_client", "sql", "SELECT nope FROM orders", "--address", site.grpc
    )
    assert ended.status == 2
    assert ended.err.splitlines()[-1] == "         ^"
