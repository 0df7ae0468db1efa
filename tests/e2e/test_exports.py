"""The documented exports over REST, on both databases, and what may go wrong with links."""

import asyncio
import io
import json
from typing import Any

import httpx
import openpyxl
import pytest
import pytest_asyncio
from sqlalchemy import text

from headrace_server.core.exports.exports import EXPORT as EXPORT_JOB
from headrace_server.model.tenant import Scope

from .conftest import Json, Site, bad_fields, ok, reason

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXPORT = "/api/v1/mvp/export/excel"
EXPORTS = "/api/v1/mvp/exports"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _tables(site: Site, engine: str) -> None:
    """The tables that the documents query."""
    mart = "analytics.customer_360" if engine == "postgresql" else '"analytics.customer_360"'
    statements = [
        f"CREATE TABLE {mart} (customer_id BIGINT, name VARCHAR(255), total_spent DECIMAL(12, 2))",
        f"INSERT INTO {mart} VALUES (1, '=1+1', 10.50), (2, 'Ada', 20.25), (3, NULL, 5)",
        "CREATE TABLE sales (product_name VARCHAR(255), quantity BIGINT, revenue DECIMAL(12, 2))",
        "INSERT INTO sales VALUES ('tea', 3, 10.50), ('mug', 1, 7.25), ('tea', 2, 7)",
        "CREATE TABLE daily_sales_aggregation (day DATE, total DECIMAL(12, 2))",
        "INSERT INTO daily_sales_aggregation VALUES ('2024-06-01', 10), ('2024-06-02', 12.5)",
    ]
    if engine == "postgresql":
        statements.insert(0, "CREATE SCHEMA analytics")
    async with site.core.warehouses.use("default") as warehouse:
        await warehouse.list_tables()
        async with warehouse._writing() as connection:  # type: ignore[attr-defined]
            for statement in statements:
                await connection.execute(text(statement))


async def exported(site: Site, path: str, body: Json) -> Json:
    """An export when it has ended: on a busy machine it may take longer than its call waits."""
    export = await site.post(path, body)
    while export["status"] in {"PENDING", "IN_PROGRESS"}:
        await asyncio.sleep(0.05)
        export = await site.get(f"{EXPORTS}/{export['export_id']}")
    return export


async def workbook(site: Site, export: Json) -> Any:
    """What the link of an export leads to."""
    answer = await site.rest.get(export["download_url"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == XLSX
    assert f'filename="{export["file_name"]}"' in answer.headers["content-disposition"]
    assert len(answer.content) == int(export["file_size_bytes"])
    return openpyxl.load_workbook(io.BytesIO(answer.content))


async def test_the_documented_export_of_a_query(site: Site) -> None:
    export = await exported(
        site,
        EXPORT,
        {
            "data_source": {
                "type": "query",
                "query": "SELECT * FROM analytics.customer_360 ORDER BY customer_id LIMIT 10000",
            },
            "output_config": {
                "file_name": "customer_analysis_2024_06",
                "include_charts": True,
                "include_summary": True,
                "sheet_name": "Customer Data",
            },
        },
    )
    assert export["status"] == "COMPLETED"
    assert export["file_name"] == "customer_analysis_2024_06.xlsx"
    assert export["rows_exported"] == "3"
    assert export["sheets"] == ["Customer Data", "Summary", "Charts"]
    assert export["file_size_mb"] > 0
    assert {"export_id", "download_url", "expires_at"} <= export.keys()
    book = await workbook(site, export)
    assert book.sheetnames == export["sheets"]
    assert list(book["Customer Data"].values) == [
        ("customer_id", "name", "total_spent"),
        (1, "=1+1", 10.5), (2, "Ada", 20.25), (3, None, 5),
    ]  # fmt: skip


async def test_the_documented_export_of_a_datamart(site: Site) -> None:
    body = {"schema": "analytics", "include_charts": True, "max_rows": 2}
    export = await exported(site, f"{EXPORT}/datamart/customer_360", body)
    assert export["file_name"].startswith("customer_360_20")
    assert (export["rows_exported"], export["truncated"], export["total_rows"]) == ("2", True, "3")
    assert export["warnings"] == ["customer_360: only 2 rows were asked for; there are 3"]
    book = await workbook(site, export)
    assert book.sheetnames == ["customer_360", "Charts", "Notes"]
    assert book["Notes"]["A2"].value == export["warnings"][0]


async def test_the_documented_report(site: Site) -> None:
    export = await exported(
        site,
        f"{EXPORT}/report",
        {
            "report_name": "Monthly Sales Report - June 2024",
            "sections": [
                {
                    "name": "Overview",
                    "type": "summary",
                    "data": {"total_sales": 1250000, "orders": 5430, "avg_order_value": 230.12},
                },
                {
                    "name": "Top Products",
                    "type": "table",
                    "query": "SELECT product_name, SUM(quantity) as units_sold, SUM(revenue) as"
                    " total_revenue FROM sales GROUP BY product_name ORDER BY total_revenue DESC"
                    " LIMIT 20",
                },
                {
                    "name": "Sales Trend",
                    "type": "chart",
                    "chart_type": "line",
                    "data_source": "daily_sales_aggregation",
                },
            ],
            "template": "corporate",
        },
    )
    assert export["file_name"] == "Monthly Sales Report - June 2024.xlsx"
    book = await workbook(site, export)
    assert book.sheetnames == ["Cover", "Overview", "Top Products", "Sales Trend"]
    assert list(book["Top Products"].values)[1:] == [("tea", 5, 17.5), ("mug", 1, 7.25)]
    assert book["Overview"]["B5"].value == 1250000
    (chart,) = book["Sales Trend"]._charts
    assert type(chart).__name__ == "LineChart"


@pytest.mark.parametrize("fmt", ["csv", "parquet"])
async def test_other_formats(site: Site, fmt: str) -> None:
    source = {"type": "table", "name": "sales"}
    export = await exported(site, EXPORT, {"data_source": source, "output_config": {"format": fmt}})
    assert (export["format"], export["sheets"]) == (fmt.upper(), [])
    answer = await site.rest.get(export["download_url"])
    if fmt == "csv":
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.text.splitlines()[0] == "product_name,quantity,revenue"
    else:
        assert answer.content[:4] == answer.content[-4:] == b"PAR1"


async def test_a_link_that_was_changed_leads_nowhere(site: Site) -> None:
    body = {"data_source": {"query": "SELECT 1 AS a"}, "output_config": {"format": "CSV"}}
    export = await exported(site, EXPORT, body)
    link = export["download_url"]
    assert (await site.rest.get(link)).text == "a\r\n1\r\n"
    for wrong in (f"{link}0", link.replace("expires=1", "expires=2")):
        answer = await site.rest.get(wrong)
        assert (answer.status_code, reason(answer)) == (401, "UNAUTHENTICATED")
    answer = await site.rest.get(f"{EXPORTS}/nothing/download")
    assert answer.status_code == 404


async def test_an_export_is_listed_watched_and_cancelled(site: Site) -> None:
    sql = f"{ENDLESS} SELECT i FROM n"
    body = {"data_source": {"query": sql}, "output_config": {"max_rows": 10_000_000}}
    export = await site.post(EXPORT, {**body, "wait_seconds": 0})
    assert export["terminal"] is False
    assert export["download_url"] == ""
    path = f"{EXPORTS}/{export['export_id']}"
    while int((await site.get(path))["rows_exported"]) == 0:
        await asyncio.sleep(0.1)
    download = await site.rest.get(f"{path}/download")
    assert (download.status_code, reason(download)) == (400, "WRONG_STATE")
    cancelled = await site.post(f"{path}/cancel")
    assert cancelled["status"] == "CANCELLED"
    folder = site.core.config.spool_dir / "exports" / export["export_id"]
    while list(folder.glob("attempt-*")):
        await asyncio.sleep(0.05)
    async with site.rest.stream("GET", f"{path}/watch") as answer:
        (last,) = [json.loads(line) async for line in answer.aiter_lines()]
    assert (last["status"], last["terminal"]) == ("CANCELLED", True)
    listed = await site.get(EXPORTS, page_size=1)
    assert [each["export_id"] for each in listed["exports"]] == [export["export_id"]]
    further = await site.get(EXPORTS, page_size=1, page_token=listed["next_page_token"])
    assert further["exports"][0]["export_id"] != export["export_id"]


async def refused(site: Site, path: str, body: Json) -> httpx.Response:
    return await site.rest.post(f"{EXPORT}{path}", json=body)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "data_source"),
        ({"data_source": {}}, "data_source.name"),
        ({"data_source": {"type": "query"}}, "data_source.query"),
        ({"data_source": {"query": "SELECT 1", "name": "a"}}, "data_source.name"),
        ({"data_source": {"type": "table", "query": "SELECT 1"}}, "data_source.query"),
        ({"data_source": {"query": "DELETE FROM sales"}}, "data_source.query"),
        ({"data_source": {"query": "SELECT 1; SELECT 2"}}, "data_source.query"),
        (
            {"data_source": {"query": "SELECT 1"}, "output_config": {"max_rows": 0}},
            "output_config.max_rows",
        ),
        (
            {"data_source": {"query": "SELECT 1"}, "output_config": {"currency": "euro"}},
            "output_config.currency",
        ),
        (
            {"data_source": {"query": "SELECT 1"}, "output_config": {"compression": "GZIP"}},
            "output_config.compression",
        ),
        ({"data_source": {"query": "SELECT 1"}, "wait_seconds": 61}, "wait_seconds"),
    ],
)
async def test_wrong_exports_name_their_field(site: Site, body: Json, field: str) -> None:
    assert bad_fields(await refused(site, "", body)) == [field]


@pytest.mark.parametrize(
    ("section", "field"),
    [
        ({"type": "table", "query": "SELECT 1"}, "sections[0].name"),
        ({"name": "a", "query": "SELECT 1"}, "sections[0].type"),
        ({"name": "a", "type": "table"}, "sections[0].query"),
        ({"name": "a", "type": "table", "query": "DROP TABLE sales"}, "sections[0].query"),
        ({"name": "a", "type": "chart", "query": "SELECT 1", "data_source": "b"},
         "sections[0].query"),
        ({"name": "a", "type": "table", "query": "SELECT 1", "chart_type": "bar"},
         "sections[0].chart_type"),
        ({"name": "a", "type": "summary"}, "sections[0].data"),
        ({"name": "a", "type": "summary", "data": {"b": [1]}}, "sections[0].data.b"),
        (
            {"name": "a", "type": "summary", "data": {f"n{n}": n for n in range(201)}},
            "sections[0].data",
        ),
        ({"name": "a", "type": "summary", "data": {"b": "x" * 10_001}}, "sections[0].data.b"),
        ({"name": "a", "type": "summary", "data": {"b": 1}, "query": "SELECT 1"},
         "sections[0].data"),
    ],
)  # fmt: skip
async def test_wrong_sections_name_their_field(site: Site, section: Json, field: str) -> None:
    body = {"report_name": "r", "sections": [section]}
    assert bad_fields(await refused(site, "/report", body)) == [field]


async def test_reports_are_workbooks_of_at_most_50_sections(site: Site) -> None:
    section = {"name": "a", "type": "table", "query": "SELECT 1"}
    many = {"report_name": "r", "sections": [section] * 51}
    assert bad_fields(await refused(site, "/report", many)) == ["sections"]
    csv = {"report_name": "r", "sections": [section], "output_config": {"format": "csv"}}
    assert bad_fields(await refused(site, "/report", csv)) == ["output_config.format"]


async def test_what_is_not_there_is_not_found(site: Site) -> None:
    for path, body in (
        ("/datamart/nothing", {}),
        ("", {"data_source": {"type": "table", "name": "nothing"}}),
        (
            "/report",
            {
                "report_name": "r",
                "sections": [{"name": "a", "type": "chart", "data_source": "nothing"}],
            },
        ),
    ):
        answer = await refused(site, path, body)
        assert (answer.status_code, reason(answer)) == (404, "NOT_FOUND"), answer.text


async def test_a_query_that_fails_as_it_runs_says_why(site: Site) -> None:
    body = {"data_source": {"query": "SELECT nope FROM sales"}}
    export = await exported(site, EXPORT, body)
    assert export["status"] == "FAILED"
    assert "data_source.query" in export["error"]
    assert "nope" in export["error"]


async def test_the_same_key_exports_once(site: Site) -> None:
    body = {"data_source": {"query": "SELECT 1 AS a"}}
    headers = {"Idempotency-Key": "once"}
    first, second = [ok(await site.rest.post(EXPORT, json=body, headers=headers)) for _ in range(2)]
    assert first == second


async def test_an_empty_result_is_a_file_with_a_header(site: Site) -> None:
    body = {
        "data_source": {"query": "SELECT * FROM sales WHERE quantity > 100"},
        "output_config": {"include_charts": True, "include_summary": True},
    }
    export = await exported(site, EXPORT, body)
    assert (export["rows_exported"], export["total_rows"]) == ("0", "0")
    book = await workbook(site, export)
    assert list(book["Data"].values) == [("product_name", "quantity", "revenue")]


async def test_a_datamart_is_exported(site: Site) -> None:
    mart = {
        "name": "sales_by_product",
        "query": "SELECT product_name, SUM(revenue) AS revenue FROM sales GROUP BY product_name",
        "type": "materialized_view",
        "schema": "analytics",
    }
    await site.post("/api/v1/mvp/datamarts/create", mart)
    await site.post("/api/v1/mvp/datamarts/sales_by_product/refresh", {"wait_seconds": 30})
    export = await exported(site, f"{EXPORT}/datamart/sales_by_product", {"max_rows": 10000})
    sheet = (await workbook(site, export))["sales_by_product"]
    assert sorted(list(sheet.values)[1:]) == [("mug", 7.25), ("tea", 17.5)]
    section = {"name": "Shares", "type": "chart", "chart_type": "pie"}
    report = {
        "report_name": "Shares",
        "sections": [{**section, "data_source": "analytics.sales_by_product"}],
        "template": "minimal",
    }
    export = await exported(site, f"{EXPORT}/report", report)
    assert (export["status"], export["sheets"]) == ("COMPLETED", ["Shares"])


async def test_a_link_needs_no_key_and_nothing_else_does_without(
    idle_site: Site, engine: str
) -> None:
    key = {"x-api-key": idle_site.admin}
    body = {"data_source": {"query": "SELECT 1 AS a"}, "output_config": {"format": "csv"}}
    asked = await idle_site.rest.post(EXPORT, json={**body, "wait_seconds": 0}, headers=key)
    path = f"{EXPORTS}/{ok(asked)['export_id']}"
    for job in await idle_site.core.jobs.claim("tests", [EXPORT_JOB], 1):
        await idle_site.core.answers.exporting.run(job)
    export = ok(await idle_site.rest.get(path, headers=key))
    assert (await idle_site.rest.get(export["download_url"])).text == "a\r\n1\r\n"
    assert (await idle_site.rest.get(f"{path}/download", headers=key)).text == "a\r\n1\r\n"
    for closed in (path, f"{path}/download", EXPORTS):
        assert (await idle_site.rest.get(closed)).status_code == 401
    _, secret = await idle_site.core.tenants.create_key("default", "work", {Scope.WORKER})
    refused_ = await idle_site.rest.get(f"{path}/download", headers={"x-api-key": secret})
    assert refused_.status_code == 403
    name = f"other-{engine}"
    await idle_site.core.tenants.create(name)
    _, other = await idle_site.core.tenants.create_key(name, "other", {Scope.READ})
    strange = await idle_site.rest.get(f"{path}/download", headers={"x-api-key": other})
    assert (strange.status_code, reason(strange)) == (404, "NOT_FOUND")
