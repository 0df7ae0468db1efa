import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.reject_pb2 import Reject
from typer.testing import Result

from headrace_client.commands.rejects import replayed_text

if TYPE_CHECKING:
    from client.fake.state import State

TERMINAL = {"TTY_COMPATIBLE": "1", "COLUMNS": "120"}


@pytest.fixture
def request_id(run: Callable[..., Result], state: "State", tmp_path: Path) -> str:
    path = tmp_path / "orders_1.ndjson"
    path.write_text("{}\nno\n" + "x" * 200 + "\n")
    fields = json.loads(run("ingest", str(path), "--json").stdout)
    request_id = str(fields["request_id"])
    parent = Reject.MissingParent(table="customers", column="customer_id", value="7")
    parked = Reject(reject_id="p1", reason=Reject.MISSING_PARENT, missing_parent=parent)
    state.rejects[request_id].append(parked)
    return request_id


def test_the_list_says_why(run: Callable[..., Result], request_id: str) -> None:
    result = run("rejects", request_id)
    assert result.exit_code == 0
    assert "MALFORMED_JSON" in result.stdout
    assert "waits for customers with customer_id = 7" in result.stdout
    assert "x" * 101 not in result.stdout.replace("\n", "")


@pytest.mark.parametrize(("flag", "ids"), [("--parked", ["p1"]), ("--rejected", ["r2", "r3"])])
def test_one_kind_only(
    run: Callable[..., Result], request_id: str, flag: str, ids: list[str]
) -> None:
    lines = run("rejects", request_id, flag, "--json").stdout.splitlines()
    assert [json.loads(line)["reject_id"] for line in lines] == ids


def many(state: "State", request_id: str, rows: int) -> None:
    state.rejects[request_id] = [Reject(reject_id=f"r{number}") for number in range(rows)]
    state.ingestions[request_id].rows_rejected = rows
    state.ingestions[request_id].rows_parked = 0


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_whoever_is_no_terminal_gets_all(
    run: Callable[..., Result], state: "State", request_id: str, options: tuple[str, ...]
) -> None:
    many(state, request_id, 1500)
    result = run("rejects", request_id, *options)
    assert all(f"r{number}" in result.stdout for number in range(1500))
    assert result.stderr == ""


def test_a_terminal_gets_the_first_and_the_number_of_all(
    run: Callable[..., Result], state: "State", request_id: str
) -> None:
    many(state, request_id, 1500)
    result = run("rejects", request_id, env=TERMINAL)
    assert result.stdout.count("REASON_UNSPECIFIED") == 100
    assert "100 of 1,500; all with --json or --limit" in result.stderr
    assert len(run("rejects", request_id, "--json", env=TERMINAL).stdout.splitlines()) == 1500


def test_a_limit_says_that_there_are_more(
    run: Callable[..., Result], state: "State", request_id: str
) -> None:
    result = run("rejects", request_id, "--rejected", "--limit", "1", "--json")
    assert len(result.stdout.splitlines()) == 1
    assert "1 of 2;" in result.stderr
    assert run("rejects", request_id, "--rejected", "--limit", "2", "--json").stderr == ""


def test_a_narrow_terminal_breaks_nothing(
    run: Callable[..., Result], state: "State", request_id: str
) -> None:
    text = "longer than the forty columns of this terminal " * 3
    state.rejects[request_id][0].message = text.strip()
    lines = run("rejects", request_id, env={**TERMINAL, "COLUMNS": "40"}).stdout.splitlines()
    assert f"  {text.strip()}" in lines


def test_none(run: Callable[..., Result], state: "State", request_id: str) -> None:
    state.rejects.clear()
    assert run("rejects", request_id).stdout == "no such rows\n"


def test_replay(run: Callable[..., Result], request_id: str) -> None:
    result = run("rejects", request_id, "--replay")
    assert result.exit_code == 3
    assert "3 replayed: 0 loaded, 3 rejected again; fix the contract or give" in result.stdout


@pytest.mark.parametrize(
    ("rejected", "parked", "text"),
    [
        (0, 0, "12 replayed: 12 loaded"),
        (12, 0, "12 replayed: 0 loaded, 12 rejected again; "),
        (2, 4, "12 replayed: 6 loaded, 4 parked, 2 rejected again; "),
        (99, 0, "12 replayed: 0 loaded, 12 rejected again; "),
    ],
)
def test_what_became_of_replayed_rows(rejected: int, parked: int, text: str) -> None:
    after = Ingestion(rows_rejected=rejected, rows_parked=parked)
    said = replayed_text(Ingestion(rows_rejected=12), after, 12)
    assert said.partition("fix")[0] == text


def test_corrections_are_what_the_list_prints(
    run: Callable[..., Result], state: "State", request_id: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("headrace_client.commands.rejects._BATCH", 1)
    lines = run("rejects", request_id, "--rejected", "--json").stdout.splitlines()
    fields = [json.loads(line) for line in lines]
    fields[0]["raw"] = {"order_id": "é"}
    file = tmp_path / "rows.ndjson"
    file.write_text("\n\n".join(map(json.dumps, fields)), "utf-8")
    result = run("rejects", request_id, "--corrections", str(file), "--json")
    assert json.loads(result.stdout)["request_id"] == request_id
    assert [reject.reject_id for reject in state.rejects[request_id]] == ["p1"]
    assert state.count("ReplayRejects") == 2


@pytest.mark.parametrize("line", ["no", "{}", "[]", '{"raw": "{}", "reject_id": 1}'])
def test_a_wrong_correction_names_its_line(
    run: Callable[..., Result], request_id: str, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "rows.ndjson"
    file.write_text(line)
    result = run("rejects", request_id, "--corrections", str(file))
    assert result.exit_code == 2
    assert "line 1" in result.stderr.replace("\n", " ")
