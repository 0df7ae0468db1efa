import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.reject_pb2 import Reject
from typer.testing import Result

if TYPE_CHECKING:
    from client.conftest import State


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


def test_a_limit_says_that_there_are_more(run: Callable[..., Result], request_id: str) -> None:
    result = run("rejects", request_id, "--limit", "2", "--json")
    assert len(result.stdout.splitlines()) == 2
    assert "--limit 20" in result.stderr


def test_none(run: Callable[..., Result], state: "State", request_id: str) -> None:
    state.rejects.clear()
    assert run("rejects", request_id).stdout == "no such rows\n"


def test_replay(run: Callable[..., Result], request_id: str) -> None:
    result = run("rejects", request_id, "--replay")
    assert result.exit_code == 3
    assert "3 rows replayed" in result.stdout


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
