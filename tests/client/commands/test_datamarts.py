import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.datamart_pb2 import Datamart
from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.state import State

QUERY = "SELECT name, sum(amount) AS spent FROM orders GROUP BY name"
WIDE = {"TTY_COMPATIBLE": "1", "COLUMNS": "160"}
NARROW = {"TTY_COMPATIBLE": "1", "COLUMNS": "50"}


@pytest.fixture
def sales(state: "State") -> Datamart:
    """A datamart with everything that can be shown."""
    datamart = Datamart(
        name="sales", schema="analytics", type=Datamart.TABLE, status=Datamart.READY,
        rows_count=125_430, size_mb=45.2, refresh_strategy=Datamart.SCHEDULED,
        schedule="0 2 * * *", time_zone="Europe/Berlin", description="What was [sold]",
        query=QUERY, unique_key=["name"], error="it was late",
    )  # fmt: skip
    datamart.metadata.update({"owner": "Dana"})
    datamart.last_refresh.seconds = datamart.next_run.seconds = 1_300_000_000
    datamart.sources.add(schema="public", table="orders")
    datamart.sources.add(schema="analytics", table="rates", datamart=True)
    rates = Datamart(name="rates", schema="analytics", type=Datamart.VIEW, status=Datamart.READY)
    rates.sources.add(schema="raw", table="fixings")
    month = Datamart(name="month", schema="analytics", type=Datamart.TABLE, status=Datamart.FAILED)
    month.sources.add(schema="analytics", table="sales", datamart=True)
    state.datamarts.update({"sales": datamart, "rates": rates, "month": month})
    return datamart


def test_create_says_what_comes_next(run: Callable[..., Result], state: "State") -> None:
    words = ("--type", "table", "--note", "owner=Dana", "--description", "What was sold")
    made = run("datamarts", "create", "sales", "--query", QUERY, *words)
    assert made.exit_code == 0
    assert "analytics.sales  CREATED" in made.stdout
    assert "next: headrace datamarts refresh analytics.sales" in made.stdout
    assert state.datamarts["sales"].metadata["owner"] == "Dana"
    scheduled = run(
        "datamarts", "create", "marts.hourly", "-q", QUERY, "--schedule", "0 * * * *", "--json"
    )
    document = json.loads(scheduled.stdout)
    assert (document["schema"], document["refresh_strategy"]) == ("marts", "SCHEDULED")
    followed = run("datamarts", "create", "f", "-q", QUERY, "--refresh", "on-commit")
    assert "next:" not in followed.stdout


def test_the_query_comes_from_a_file_or_a_pipe(
    run: Callable[..., Result], state: "State", tmp_path: Path
) -> None:
    (tmp_path / "sales.sql").write_text(QUERY)
    file = str(tmp_path / "sales.sql")
    assert run("datamarts", "create", "sales", "--file", file).exit_code == 0
    assert run("datamarts", "create", "piped", stdin=QUERY).exit_code == 0
    assert state.datamarts["sales"].query == state.datamarts["piped"].query == QUERY
    both = run("datamarts", "create", "sales", "-q", QUERY, "-f", file)
    assert "not both" in both.stderr


def test_what_is_wrong_is_shown(run: Callable[..., Result]) -> None:
    ended = run("datamarts", "create", "sales", "-q", "SELECT nope")
    assert ended.exit_code == 2
    assert ended.stderr.splitlines() == [
        "error: no such column: nope", "  SELECT nope", "         ^",
    ]  # fmt: skip
    zone = run("datamarts", "create", "sales", "-q", QUERY, "--time-zone", "Mars")
    assert (zone.exit_code, "--time-zone: no such zone" in zone.stderr) == (2, True)
    for words, told in (
        (("--note", "owner"), "is no NAME=TEXT"),
        (("--version", "v1", "--refresh", "on-commit"), "never again"),
        (("--retention-days", "3"), "for a --version"),
    ):
        wrong = run("datamarts", "create", "sales", "-q", QUERY, *words)
        assert (wrong.exit_code, told in wrong.stderr) == (2, True)


def test_the_list(run: Callable[..., Result], sales: Datamart) -> None:
    text = run("datamarts", "list").stdout
    lines = [line.split() for line in text.splitlines()]
    assert lines[1][:4] == ["analytics.sales", "table", "125,430", "45.2"]
    assert lines[1][-6:] == ["2", "*", "*", "*", "Europe/Berlin", "READY"]
    assert "by each reader" in text
    listed = run("datamarts", "list", "--schema", "analytics", "--json").stdout.splitlines()
    assert [json.loads(line)["name"] for line in listed] == ["sales", "rates", "month"]
    assert "no datamarts yet" in run("datamarts", "list", "--schema", "raw").stdout
    narrow = run("datamarts", "list", env=NARROW).stdout
    assert "Europe/Berlin" not in narrow
    assert "analytics.sales  125,430" in narrow


def test_show_draws_what_belongs_together(run: Callable[..., Result], sales: Datamart) -> None:
    run("datamarts", "refresh", "sales")
    text = run("datamarts", "show", "sales").stdout
    lines = [line.rstrip() for line in text.splitlines()]
    at = lines.index("reads")
    assert lines[at + 1 : at + 4] == [
        "├── public.orders", "└── analytics.rates  READY", "    └── raw.fixings",
    ]  # fmt: skip
    assert lines[lines.index("is read by") + 1] == "└── analytics.month  FAILED"
    for told in ("What was [sold]", "it was late", "Dana", QUERY, "COMPLETED", "1.50 s"):
        assert told in text
    document = json.loads(run("datamarts", "show", "analytics.sales", "--json").stdout)
    assert document["sources"][1]["datamart"] is True
    missing = run("datamarts", "show", "nothing")
    assert (missing.exit_code, "'analytics.nothing'" in missing.stderr) == (1, True)


def test_the_first_rows(run: Callable[..., Result], sales: Datamart) -> None:
    text = run("datamarts", "preview", "sales").stdout
    assert [line.split() for line in text.splitlines()] == [
        ["name", "spent", "orders"], ["Ada", "2450.5", "15"], ["Bob", "1"], ["Cy", "3", "2"],
        ["3", "of", "3", "rows"],
    ]  # fmt: skip
    rows = run("datamarts", "preview", "sales", "--limit", "1", "--json").stdout
    assert json.loads(rows) == {"name": "Ada", "spent": 2450.5, "orders": 15}
    sales.rows_count = 0
    assert run("datamarts", "preview", "sales").stdout == "0 of 3 rows\n"


def test_versions(run: Callable[..., Result], state: "State") -> None:
    words = ("datamarts", "create", "segments", "-q", QUERY)
    first = run(*words, "--version", "v1", "--retention-days", "30")
    assert first.exit_code == 0
    assert "v1 of analytics.segments, the newest" in first.stdout
    run(*words, "--version", "v2", "--type", "view")
    lines = run("datamarts", "versions", "segments").stdout.splitlines()
    assert lines[1].startswith("v2       analytics.segments__v2")
    assert "the newest" in lines[1]
    assert "kept until 20" in lines[2]
    listed = run("datamarts", "versions", "segments", "--json").stdout.splitlines()
    assert [json.loads(line)["version"] for line in listed] == ["v2", "v1"]
    run("datamarts", "create", "sales", "-q", QUERY)
    none = run("datamarts", "versions", "sales")
    assert (none.exit_code, "has no versions" in none.stderr) == (1, True)
    assert state.datamarts["segments__v1"].retention_days == 30


def test_a_schedule(run: Callable[..., Result], sales: Datamart) -> None:
    made = run("datamarts", "schedule", "sales", "0 3 * * *", "--time-zone", "Asia/Tokyo")
    assert made.exit_code == 0
    assert "analytics.sales is refreshed next at 20" in made.stdout
    wrong = run("datamarts", "schedule", "sales", "0 3")
    assert (wrong.exit_code, "five fields" in wrong.stderr) == (2, True)
    document = json.loads(run("datamarts", "schedule", "sales", "0 3 * * *", "--json").stdout)
    assert document["cron_expression"] == "0 3 * * *"
    assert "when asked for" in run("datamarts", "unschedule", "sales").stdout


def test_delete_warns_of_those_that_read_it(run: Callable[..., Result], sales: Datamart) -> None:
    refused = run("datamarts", "delete", "sales")
    assert refused.exit_code == 1
    assert "analytics.month reads it; give --cascade to delete all" in refused.stderr
    gone = run("datamarts", "delete", "sales", "--cascade")
    assert gone.stdout.splitlines() == ["deleted analytics.month", "deleted analytics.sales"]
    assert json.loads(run("datamarts", "delete", "rates", "--json").stdout) == {
        "deleted": ["analytics.rates"]
    }


def test_export_is_that_of_datamarts(
    run: Callable[..., Result], state: "State", sales: Datamart, tmp_path: Path
) -> None:
    target = tmp_path / "sales.csv"
    assert run("datamarts", "export", "analytics.sales", "-o", str(target)).exit_code == 0
    assert target.read_bytes() == bytes(state.files["e1"])
    assert state.export_requests["e1"].data_source.name == "sales"
