"""The `headrace` command with datamarts and exports, in processes of its own."""

import asyncio
import csv
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from openpyxl import load_workbook

from .conftest import Ended, Site, customer, lines, new_id, order, run_command

pytestmark = pytest.mark.asyncio(loop_scope="module")

Headrace = Callable[..., Awaitable[Ended]]

QUERY = """\
SELECT c.name, count(*) AS orders, sum(o.total_amount) AS total
FROM customers c JOIN orders o ON o.customer_id = c.customer_id
GROUP BY c.name
"""
REPORT = """\
report_name: Spring
sections:
  - {name: Overview, type: summary, data: {season: spring}}
  - {name: Buyers, type: table, data_source: buyers}
  - {name: Sums, type: chart, chart_type: bar, query: "SELECT name, total FROM analytics.buyers"}
"""


@pytest.fixture
def headrace(site: Site, tmp_path: Path) -> Headrace:
    env = {"HEADRACE_ADDRESS": f"http://{site.http}", "COLUMNS": "1000"}

    async def run(*args: str | Path) -> Ended:
        return await run_command("headrace_client", *args, env=env)

    return run


async def test_from_tables_to_answers(headrace: Headrace, site: Site, tmp_path: Path) -> None:
    ada, bea = new_id(), new_id()
    await site.load("customers_1.ndjson", lines(customer(ada), customer(bea, name="Béa")))
    orders = [order(new_id(), buyer) for buyer in (ada, ada, bea)]
    await site.load("orders_1.ndjson", lines(*orders))
    (tmp_path / "buyers.sql").write_text(QUERY)
    (tmp_path / "spring.yaml").write_text(REPORT)

    made = await headrace("datamarts", "create", "buyers", "--file", tmp_path / "buyers.sql")
    assert made.status == 0, made.err
    assert "next: headrace datamarts refresh analytics.buyers" in made.out
    refreshed = await headrace("datamarts", "refresh", "buyers", "--json")
    assert refreshed.status == 0, refreshed.err
    assert refreshed.documents()[0]["rows_refreshed"] == "2"

    book, text, report = (tmp_path / name for name in ("b.xlsx", "b.csv", "r.xlsx"))
    ended = await asyncio.gather(
        headrace("datamarts", "export", "buyers", "-o", book, "--summary", "--charts"),
        headrace("export", "table", "orders", "-o", text, "--max-rows", "2", "--json"),
        headrace("export", "report", tmp_path / "spring.yaml", "-o", report),
        headrace("datamarts", "schedule", "buyers", "0 2 * * *", "--time-zone", "Asia/Tokyo"),
    )
    assert [each.status for each in ended] == [0, 3, 0, 0], [each.err for each in ended]
    sheet = load_workbook(book).worksheets[0]
    assert {row[:2] for row in sheet.values} == {("name", "orders"), ("Ada", 2), ("Béa", 1)}
    assert len(list(csv.reader(text.read_text("utf-8").splitlines()))) == 3
    assert ended[1].documents()[0]["truncated"] is True
    assert {"Overview", "Buyers", "Sums"} <= set(load_workbook(report).sheetnames)

    shown, refused = await asyncio.gather(
        headrace("datamarts", "show", "buyers"), headrace("datamarts", "delete", "buyers")
    )
    assert "├── public.customers" in shown.out
    assert "0 2 * * * Asia/Tokyo" in shown.out
    assert (refused.status, "give --cascade" in refused.err) == (1, True)
