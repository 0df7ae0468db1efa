"""Datamarts through Envoy, as they are documented, on both databases."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from .conftest import Json, Site, bad_fields, names, ok, reason

pytestmark = pytest.mark.asyncio(loop_scope="module")

MARTS = "/api/v1/mvp/datamarts"
CUSTOMER_360: Json = {
    "name": "customer_360_datamart",
    "query": "SELECT c.customer_id, c.name, c.email, COUNT(o.order_id) as total_orders,"
    " SUM(o.amount) as total_spent FROM customers c LEFT JOIN orders o"
    " ON c.customer_id = o.customer_id GROUP BY c.customer_id, c.name, c.email",
    "type": "materialized_view",
    "refresh_strategy": "on_demand",
    "schema": "analytics",
    "description": "Customer 360 view with order aggregations",
    "metadata": {"owner": "data-team", "update_frequency": "daily"},
}
SEGMENTS: Json = {
    "name": "customer_segments_v2",
    "query": "SELECT * FROM ml_model_predictions WHERE model_version = 'v2'",
    "schema": "analytics",
    "version": "v2",
    "retention_days": 90,
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def execute(site: Site, *statements: str) -> None:
    """Run statements in the default tenant's warehouse, without the server."""
    await site.get("/api/v1/warehouse/tables")
    url = site.core.config.database_url
    if not url:
        await asyncio.to_thread(_execute, site.core.config.data_dir, statements)
        return
    name = url.partition("?")[0].rpartition("/")[2]
    connection = await asyncpg.connect(url, database=f"{name}.default")
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def _execute(folder: Path, statements: tuple[str, ...]) -> None:
    with closing(sqlite3.connect(folder / "warehouses" / "default.sqlite")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _shop(site: Site) -> None:
    await execute(
        site,
        "CREATE TABLE customers (customer_id VARCHAR(20), name VARCHAR(50), email VARCHAR(50))",
        "CREATE TABLE orders (order_id BIGINT, customer_id VARCHAR(20), amount DOUBLE PRECISION)",
        "CREATE TABLE ml_model_predictions (customer_id VARCHAR(20), model_version VARCHAR(5))",
        "INSERT INTO customers VALUES ('cust_001', 'John Doe', 'john@example.com'),"
        " ('cust_002', 'Jane Doe', 'jane@example.com')",
        "INSERT INTO orders VALUES (1, 'cust_001', 2000.25), (2, 'cust_001', 450.25)",
        "INSERT INTO ml_model_predictions VALUES ('cust_001', 'v1'), ('cust_001', 'v2')",
    )


async def create(site: Site, name: str, query: str, **how: Any) -> Json:
    return await site.post(f"{MARTS}/create", {"name": name, "query": query, **how})


async def refresh(site: Site, name: str, **how: Any) -> Json:
    return await site.post(f"{MARTS}/{name}/refresh", {"wait_seconds": 30, **how})


async def rows(site: Site, sql: str) -> list[Json]:
    """What a query of a user's answers."""
    async with site.rest.stream("POST", "/api/v1/warehouse/query", json={"sql": sql}) as answer:
        assert answer.status_code == 200, await answer.aread()
        found = [json.loads(line) async for line in answer.aiter_lines()]
    return [row for message in found for row in message["rows"]]


async def test_documented_requests_are_answered_as_documented(site: Site) -> None:
    created = await site.post(f"{MARTS}/create", CUSTOMER_360)
    assert created["datamart_id"]
    assert created["created_at"]
    shown = {"name": "customer_360_datamart", "type": "MATERIALIZED_VIEW", "schema": "analytics"}
    assert created.items() >= (shown | {"status": "CREATED", "rows_count": "0"}).items()
    assert (created["size_mb"], created["refresh_required"]) == (0, True)

    body = {"schema": "analytics", "concurrent": True}
    refreshed = await site.post(f"{MARTS}/customer_360_datamart/refresh", body)
    assert refreshed["datamart_name"] == "customer_360_datamart"
    assert refreshed["refresh_id"]
    assert (refreshed["status"], refreshed["rows_refreshed"]) == ("COMPLETED", "2")
    assert refreshed["size_mb"] > 0
    assert refreshed["refresh_duration_seconds"] >= 0
    assert refreshed["refreshed_at"]

    preview = await site.get(
        f"{MARTS}/customer_360_datamart/preview", limit=100, schema="analytics"
    )
    assert (preview["datamart_name"], preview["schema"]) == ("customer_360_datamart", "analytics")
    assert preview["columns"] == ["customer_id", "name", "email", "total_orders", "total_spent"]
    assert {
        "customer_id": "cust_001",
        "name": "John Doe",
        "email": "john@example.com",
        "total_orders": 2,
        "total_spent": 2450.50,
    } in preview["data"]
    assert (preview["rows_returned"], preview["total_rows"]) == (2, "2")

    scheduled = await site.post(
        f"{MARTS}/customer_360_datamart/schedule",
        {"schedule": "0 2 * * *", "schema": "analytics", "concurrent": True},
    )
    assert (scheduled["datamart_name"], scheduled["status"]) == (
        "customer_360_datamart",
        "SCHEDULED",
    )
    assert (scheduled["cron_expression"], scheduled["next_run"][11:]) == ("0 2 * * *", "02:00:00Z")
    assert scheduled["schedule_id"]

    listed = await site.get(MARTS, include_statistics="false")
    assert "rows_count" not in listed["datamarts"][0]
    listed = await site.get(MARTS, include_statistics="true")
    (only,) = listed["datamarts"]
    assert listed["total"] == 1
    assert only.items() >= (shown | {"rows_count": "2", "schedule": "0 2 * * *"}).items()
    assert (only["refresh_strategy"], only["last_refresh"]) == (
        "SCHEDULED",
        refreshed["refreshed_at"],
    )
    ended = ok(await site.rest.delete(f"{MARTS}/customer_360_datamart/schedule"))
    assert (ended["status"], ended["schedule_id"]) == ("UNSCHEDULED", scheduled["schedule_id"])
    shown = await site.get(f"{MARTS}/customer_360_datamart")
    assert (shown["refresh_strategy"], shown.get("schedule")) == ("ON_DEMAND", None)
    assert shown["metadata"] == CUSTOMER_360["metadata"]


async def test_the_documented_version_is_read_by_its_name(site: Site) -> None:
    created = await site.post(f"{MARTS}/versioned", SEGMENTS)
    assert (created["name"], created["version"]) == ("customer_segments_v2__v2", "v2")
    assert (created["versioned_name"], created["retention_days"]) == ("customer_segments_v2", 90)
    assert (created["status"], created["rows_count"]) == ("READY", "1")
    expected = [{"customer_id": "cust_001", "model_version": "v2"}]
    for name in ("customer_segments_v2", "customer_segments_v2__v2"):
        assert await rows(site, f"SELECT * FROM analytics.{name}") == expected
        preview = await site.get(f"{MARTS}/{name}/preview")
        assert (preview["datamart_name"], preview["data"]) == (name, expected)


async def test_a_long_refresh_is_watched_and_cancelled(site: Site) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)"
    await create(site, "endless", f"{endless} SELECT max(i) AS m FROM n", type="table")
    started = await refresh(site, "endless", wait_seconds=0)
    assert started["status"] in {"PENDING", "RUNNING"}
    place = f"{MARTS}/endless/refreshes/{started['refresh_id']}"
    skipped = await refresh(site, "endless")
    assert (skipped["status"], skipped["terminal"]) == ("SKIPPED", True)
    assert started["refresh_id"] in skipped["note"]
    async with site.rest.stream("GET", f"{place}/watch") as answer:
        async for line in answer.aiter_lines():
            message = json.loads(line)
            if message["status"] == "RUNNING":
                await site.post(f"{place}/cancel")
    assert (message["status"], message["terminal"]) == ("CANCELLED", True)
    shown = await site.get(f"{MARTS}/endless")
    assert (shown["status"], shown["refresh_required"]) == ("CREATED", True)
    ended = await site.post(f"{place}/cancel")
    assert ended["status"] == "CANCELLED"
    assert await site.get(place) == ended
    answer = await site.rest.get(f"{MARTS}/endless/preview")
    assert (answer.status_code, reason(answer)) == (400, "WRONG_STATE")
    assert ok(await site.rest.delete(f"{MARTS}/endless")) == {"deleted": ["analytics.endless"]}
    assert (await site.rest.get(f"{MARTS}/endless")).status_code == 404


async def test_what_a_mart_reads_is_refreshed_before_it(site: Site) -> None:
    await create(site, "first", "SELECT count(*) AS n FROM orders")
    await create(site, "middle", "SELECT n + 1 AS n FROM analytics.first", type="view")
    await create(site, "last", "SELECT n + 1 AS n FROM analytics.middle", type="table")
    answer = await refresh(site, "last", include_upstream=True)
    assert answer["status"] == "COMPLETED", answer
    assert await rows(site, "SELECT * FROM analytics.last") == [{"n": 4}]
    tables = (await site.get("/api/v1/warehouse/tables", page_size=1000))["tables"]
    listed = {each["name"] for each in tables if each["schema"] == "analytics"}
    assert {"first", "middle", "last"} <= listed
    (upstream,) = (await site.get(f"{MARTS}/first/refreshes"))["refreshes"]
    assert (upstream["cause"], answer["after"]) == ("DOWNSTREAM", [upstream["refresh_id"]])
    refused = await site.rest.delete(f"{MARTS}/first")
    assert refused.status_code == 400
    assert "analytics.middle reads it" in refused.json()["message"]
    assert "analytics.last reads it" in refused.json()["message"]
    deleted = ok(await site.rest.delete(f"{MARTS}/first", params={"cascade": "true"}))
    assert deleted["deleted"] == ["analytics.first", "analytics.last", "analytics.middle"]
    assert "last" not in names((await site.get(MARTS))["datamarts"])


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"query": "DROP TABLE orders"}, "query"),
        ({"query": "SELECT nothing FROM orders"}, "query"),
        ({"query": ""}, "query"),
        ({"name": "Capital"}, "name"),
        ({"name": "x; DROP"}, "name"),
        ({"schema": "headrace"}, "schema"),
        ({"schema": "pg_temp"}, "schema"),
        ({"schedule": "61 * * * *"}, "schedule"),
        ({"schedule": "0 2 * * *", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"schedule": "0 2 * * *", "refresh_strategy": "on_commit"}, "refresh_strategy"),
        ({"type": "view", "refresh_strategy": "on_commit"}, "refresh_strategy"),
    ],
)
async def test_what_is_wrong_is_named(site: Site, changed: Json, field: str) -> None:
    body = {"name": "wrong", "query": "SELECT 1 AS one", **changed}
    assert bad_fields(await site.rest.post(f"{MARTS}/create", json=body)) == [field]
    assert (await site.rest.get(f"{MARTS}/wrong")).status_code == 404


async def test_a_name_is_taken_once(site: Site) -> None:
    await create(site, "taken", "SELECT 1 AS one")
    for body in ({"name": "taken"}, {"name": "orders", "schema": "public"}):
        answer = await site.rest.post(f"{MARTS}/create", json={"query": "SELECT 1 AS x", **body})
        assert (answer.status_code, reason(answer)) == (409, "ALREADY_EXISTS")
    again = await site.rest.post(f"{MARTS}/versioned", json={**SEGMENTS, "name": "taken"})
    assert (again.status_code, reason(again)) == (409, "ALREADY_EXISTS")
