import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.export_pb2 import Export
from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State

REPORT = """\
report_name: June
template: minimal
output_config:
  currency: GBP
sections:
  - name: Overview
    type: summary
    data: {orders: 3, since: 2024-06-01}
  - name: Trend
    type: chart
    chart_type: line
    query: SELECT 1
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_query_becomes_a_file(run: Callable[..., Result], state: "State", tmp_path: Path) -> None:
    words = ("--summary", "--charts", "--template", "corporate", "--sheet-name", "All")
    done = run("export", "query", "SELECT 1", "-o", "sales.xlsx", *words)
    assert done.exit_code == 0
    assert done.stdout == "wrote sales.xlsx, 9.7 MB, 12 rows, sheets Data, Charts\n"
    assert done.stderr == ""
    assert (tmp_path / "sales.xlsx").read_bytes() == bytes(state.files["e1"])
    config = state.export_requests["e1"].output_config
    assert (config.file_name, config.format, config.sheet_name) == ("sales", Export.XLSX, "All")
    assert (config.template, config.include_summary) == (Export.CORPORATE, True)


@pytest.mark.parametrize(
    ("target", "words", "file_format", "compression"),
    [
        ("a.csv", (), Export.CSV, 0),
        ("a.csv.gz", (), Export.CSV, Export.GZIP),
        ("a.b.parquet", (), Export.PARQUET, 0),
        ("a.bin", ("--format", "csv"), Export.CSV, 0),
        ("a", (), Export.FORMAT_UNSPECIFIED, 0),
    ],
)
def test_the_name_says_the_format(
    run: Callable[..., Result], state: "State", target: str, words: tuple[str, ...],
    file_format: Export.Format, compression: Export.Compression,
) -> None:  # fmt: skip
    assert run("export", "table", "raw.orders", "-o", target, *words).exit_code == 0
    request = state.export_requests["e1"]
    assert request.output_config.format == file_format
    assert request.output_config.compression == compression
    assert (request.data_source.schema, request.data_source.name) == ("raw", "orders")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "a.csv", "--format", "xlsx"), "a.csv is not named as xlsx"),
        (("-o", "a.xlsx.gz"), "only a csv can be packed"),
        (("-o", "none/a.csv"), "there is no folder none"),
        (("-o", "."), ". is a folder"),
        (("-o", "a.pdf"), "a.pdf: files are xlsx, csv, csv.gz"),
        (("--max-rows", "0"), "--max-rows"),
    ],
)
def test_wrong_words(run: Callable[..., Result], words: tuple[str, ...], told: str) -> None:
    result = run("export", "table", "orders", *words)
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.parametrize(
    ("words", "file_format"),
    [
        (("table", "orders"), Export.CSV),
        (("table", "orders", "--charts"), Export.XLSX),
        (("table", "orders", "--format", "parquet"), Export.PARQUET),
        (("report", "june.yaml"), Export.XLSX),
    ],
)
def test_what_goes_to_standard_output_is_text(
    run: Callable[..., Result], state: "State", tmp_path: Path, words: tuple[str, ...],
    file_format: Export.Format,
) -> None:  # fmt: skip
    (tmp_path / "june.yaml").write_text(REPORT)
    assert run("export", *words, "-o", "-").exit_code == 0
    assert state.export_requests["e1"].output_config.format == file_format


def test_rows_that_were_cut_are_told(run: Callable[..., Result]) -> None:
    cut = run("export", "datamart", "sales", "-o", "s.csv", "--max-rows", "5")
    assert cut.exit_code == 3
    assert cut.stdout == "wrote s.csv, 30 B, only 5 of 12 rows, sheets Data\n"
    assert cut.stderr == "only 5 rows were asked for\n"
    document = json.loads(run("export", "table", "orders", "--json").stdout)
    assert (document["path"], document["rows_exported"]) == ("orders.xlsx", "12")


def test_a_file_goes_to_standard_output(run: Callable[..., Result], tmp_path: Path) -> None:
    words = ("export", "query", "-", "--format", "csv", "--max-rows", "2", "-o", "-")
    result = run(*words, stdin="SELECT 1")
    assert result.stdout == "0,row\n1,row\n"
    assert "only 2 rows were asked for" in result.stderr
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize(("columns", "clock"), [("160", True), ("40", False)])
def test_a_terminal_shows_a_bar(run: Callable[..., Result], columns: str, clock: bool) -> None:
    result = run("export", "table", "orders", env={"TTY_COMPATIBLE": "1", "COLUMNS": columns})
    assert result.exit_code == 0
    assert "12 rows" in result.stderr
    assert ("0:00:0" in result.stderr) == clock


def test_what_is_wrong_is_shown(run: Callable[..., Result], tmp_path: Path) -> None:
    ended = run("export", "query", "SELECT nope", "-o", "s.csv")
    assert ended.exit_code == 2
    assert ended.stderr.splitlines()[1:] == ["  SELECT nope", "         ^"]
    missing = run("export", "table", "nothing")
    assert (missing.exit_code, "'nothing' not found" in missing.stderr) == (1, True)
    failed = run("export", "table", "broken")
    assert failed.exit_code == 1
    assert "no space left" in failed.stdout
    assert list(tmp_path.glob("*.*")) == []


def test_a_report(run: Callable[..., Result], state: "State", tmp_path: Path) -> None:
    (tmp_path / "june.yaml").write_text(REPORT)
    done = run("export", "report", "june.yaml", "-o", "june.xlsx", "--max-rows", "20")
    assert done.exit_code == 0
    assert "wrote june.xlsx" in done.stdout
    request = state.export_requests["e1"]
    assert (request.report_name, request.template) == ("June", Export.MINIMAL)
    assert (request.output_config.currency, request.output_config.max_rows) == ("GBP", 20)
    assert request.sections[0].data["since"] == "2024-06-01"
    run("export", "report", "june.yaml", "--template", "default")
    assert state.export_requests["e2"].template == Export.DEFAULT


def test_a_report_that_is_wrong_says_where(run: Callable[..., Result], tmp_path: Path) -> None:
    for text, told in (
        (REPORT.replace("SELECT 1", "SELECT nope"), "june.yaml:12: sections[1].query: no such"),
        (REPORT.replace("summary", "poem"), "june.yaml:7: sections[0].type: 'poem' is none of"),
    ):
        (tmp_path / "june.yaml").write_text(text)
        wrong = run("export", "report", "june.yaml", env={"COLUMNS": "200"})
        assert (wrong.exit_code, told in wrong.stderr) == (2, True), wrong.stderr
    csv = run("export", "report", "june.yaml", "-o", "june.csv")
    assert (csv.exit_code, "a report is a workbook" in csv.stderr) == (2, True)


def test_what_the_server_keeps(
    run: Callable[..., Result], server: "FakeServer", state: "State", tmp_path: Path
) -> None:
    assert "no exports" in run("export", "list").stdout
    run("export", "table", "orders")
    run("export", "table", "stock")
    listed = run("export", "list").stdout.splitlines()
    assert [line.split()[:3] for line in listed[1:]] == [
        ["e2", "stock.xlsx", "COMPLETED"], ["e1", "orders.xlsx", "COMPLETED"],
    ]  # fmt: skip
    assert len(run("export", "list", "--limit", "1", "--json").stdout.splitlines()) == 1
    shown = run("export", "show", "e1").stdout
    assert "/api/v1/mvp/exports/e1/download?signature=s" in shown
    (tmp_path / "orders.xlsx").unlink()
    again = run("export", "download", "e1", "-o", "again.xlsx")
    assert (again.exit_code, "wrote again.xlsx" in again.stdout) == (0, True)
    assert (tmp_path / "again.xlsx").read_bytes() == bytes(state.files["e1"])
    assert "already COMPLETED" in run("export", "cancel", "e1").stderr
    server.exports.alter("e2", status=Export.PENDING)
    state.exports["e2"].terminal = False
    cancelled = run("export", "cancel", "e2", "--json")
    assert json.loads(cancelled.stdout)["status"] == "CANCELLED"
    assert run("export", "show", "e2").exit_code == 1


def test_one_that_is_cancelled_meanwhile_leaves_no_file(
    run: Callable[..., Result], server: "FakeServer", state: "State", tmp_path: Path
) -> None:
    def cancel() -> None:
        state.wait_until(lambda: "e1" in state.exports and state.exports["e1"].revision == 2)
        server.exports.alter("e1", status=Export.CANCELLED, terminal=True)

    canceller = threading.Thread(target=cancel)
    canceller.start()
    result = run("export", "table", "slow")
    canceller.join()
    assert result.exit_code == 1
    assert "CANCELLED" in result.stdout
    assert list(tmp_path.glob("*.xlsx*")) == []


def test_a_download_that_is_cut_goes_on(
    run: Callable[..., Result], state: "State", tmp_path: Path
) -> None:
    state.download_cuts = [1]
    assert run("export", "table", "orders").exit_code == 0
    assert (tmp_path / "orders.xlsx").read_bytes() == bytes(state.files["e1"])
    assert state.count("DownloadExport") == 2
    missing = run("export", "download", "none")
    assert (missing.exit_code, "not found" in missing.stderr) == (1, True)


def test_one_that_is_interrupted_says_how_to_go_on(
    run: Callable[..., Result], state: "State"
) -> None:
    def interrupt() -> None:
        state.wait_until(lambda: "e1" in state.exports and state.exports["e1"].revision == 2)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    result = run("export", "table", "slow")
    assert result.exit_code == 130
    assert "headrace export download e1, headrace export cancel e1" in result.stderr
