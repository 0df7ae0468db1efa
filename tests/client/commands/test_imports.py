import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.priority_pb2 import Priority
from headrace.v1.storage_pb2 import ImportOptions as Options
from headrace.v1.storage_pb2 import Mount
from typer.testing import Result

from headrace_client.commands.imports import way_in

if TYPE_CHECKING:
    from client.fake.state import State

FILE = "/share/products.csv"


@pytest.fixture(autouse=True)
def mounted(state: "State") -> None:
    state.mounts["m-share"] = Mount(mount_id="m-share", local_path="/share")
    state.mounted[FILE] = b"{}\n{}\n"


def test_a_clean_file(run: Callable[..., Result]) -> None:
    result = run("import", FILE)
    assert result.exit_code == 0
    for told in (FILE, "raw.stock", "COMPLETED", "2 rows", "1.2 s", "csv"):
        assert told in result.stdout
    assert re.search(r"price +DECIMAL\(18, 2\) *\nsku +VARCHAR\(20\) *\n$", result.stdout)
    assert "headrace " not in result.stdout


def test_columns_have_the_order_of_the_table(run: Callable[..., Result]) -> None:
    text = run("import", FILE, "--table", "public.products").stdout
    assert text.index("sku") < text.index("price")


def test_a_bad_row_is_3_with_the_next_step(run: Callable[..., Result], state: "State") -> None:
    state.mounted[FILE] = b"{}\nno\n"
    result = run("import", FILE)
    assert result.exit_code == 3
    (import_id,) = state.ingestions
    assert "1 rejected" in result.stdout
    assert f"headrace rejects {import_id}" in result.stdout
    assert run("rejects", import_id).exit_code == 0


def test_a_failed_import_is_1(run: Callable[..., Result], state: "State") -> None:
    state.outcome = Ingestion.FAILED
    result = run("import", FILE)
    assert result.exit_code == 1
    assert "no row of it fits" in result.stdout
    assert "headrace retry " in result.stdout


def test_nobody_has_to_wait(run: Callable[..., Result], state: "State") -> None:
    state.running.clear()
    document = json.loads(run("import", FILE, "--no-wait", "--json").stdout)
    assert (document["status"], document["target_table"]) == ("PENDING", "raw.stock")


def test_a_terminal_shows_the_way(run: Callable[..., Result]) -> None:
    result = run("import", FILE, env={"TTY_COMPATIBLE": "1", "COLUMNS": "160"})
    assert "products.csv" in result.stderr
    assert "100%" in result.stderr


def test_options(run: Callable[..., Result], state: "State") -> None:
    words = ["--table", "raw.goods", "--mode", "replace", "--null", "-", "--type", "sku=TEXT"]
    words += ["--priority", "high", "--infer", "--idempotency-key", "k", "--header"]
    for _ in range(2):
        assert run("import", FILE, *words).exit_code == 0
    (request,) = state.import_requests.values()
    assert (request.target_table, request.priority) == ("raw.goods", Priority.HIGH)
    assert request.infer_schema
    assert request.options == Options(
        mode=Options.REPLACE, null_values=["-"], data_types={"sku": "TEXT"}, has_header=True
    )


def test_what_is_refused_is_wrong_usage(run: Callable[..., Result]) -> None:
    result = run("import", FILE, "--key", "no_such")
    assert result.exit_code == 2
    assert "--key: the file has no column" in result.stderr
    assert run("import", "/share/none.csv").exit_code == 1


def test_a_file_below_no_mount(run: Callable[..., Result], tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    file.touch()
    result = run("import", str(file), env={"COLUMNS": "1000"})
    assert result.exit_code == 2
    assert f"headrace mounts add /{tmp_path.name} {tmp_path}" in result.stderr
    assert "headrace ingest" in result.stderr
    assert "see `headrace mounts list`" in run("import", "x.csv", env={"COLUMNS": "1000"}).stderr


def test_the_way_of_a_file_into_a_mount(tmp_path: Path) -> None:
    mounts = [
        Mount(local_path="/share", network_path="//host/data", storage_type=Mount.SMB),
        Mount(local_path="/inbox", network_path=str(tmp_path), storage_type=Mount.LOCAL),
    ]
    assert way_in("/share/a.csv", mounts) == ""
    assert "but /inbox/in/a.csv may be" in way_in(f"{tmp_path}/in/a.csv", mounts)
    assert way_in("/anything", [Mount(local_path="/")]) == ""


def test_a_server_that_leaves_says_how_to_go_on(
    run: Callable[..., Result], state: "State", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace_client.retry.Retry.pause", refuse)
    state.unavailable["WatchStatus"] = 1
    result = run("import", FILE)
    (import_id,) = state.ingestions
    assert result.exit_code == 1
    assert f"headrace watch {import_id}" in result.stderr


async def refuse(_: object, error: Exception) -> None:
    raise error
