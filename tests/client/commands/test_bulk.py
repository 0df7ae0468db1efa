import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import Result

from headrace_client.bulk.journal import Journal, journal_path

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State

MIB = 1 << 20
CHANGES = {"CreateUploadSession", "AppendUpload", "CompleteUpload", "RetryIngestion"}


def test_a_dry_run_shows_the_plan_and_changes_nothing(
    run: Callable[..., Result], state: "State", data_dir: Path
) -> None:
    result = run("bulk-ingest", "--data-dir", str(data_dir), "--dry-run")
    assert result.exit_code == 0
    order = ("customers_1", "products_1", "orders_1", "order_items_1")
    places = [result.stdout.index(name) for name in order]
    assert places == sorted(places)
    assert "4 files" in result.stdout
    assert "SOURCE.md" in result.stderr
    assert not CHANGES & {method for method, _ in state.calls}
    assert not (data_dir.parent / "state").exists()
    lines = run("bulk-ingest", "--data-dir", str(data_dir), "--dry-run", "--json").stdout
    *files, last = map(json.loads, lines.splitlines())
    assert [file["stage"] for file in files] == [1, 1, 2, 3]
    assert (last["file"], last["skipped"]) == (str(data_dir / "SOURCE.md"), True)


def test_an_empty_folder_is_named(run: Callable[..., Result], tmp_path: Path) -> None:
    result = run("bulk-ingest", "--data-dir", str(tmp_path))
    assert result.exit_code == 0
    assert f"no files found in {tmp_path}" in result.stderr


def test_a_folder_that_is_no_tenant_stops_no_other(
    run: Callable[..., Result], state: "State", tmp_path: Path
) -> None:
    state.strangers = {"notes"}
    for tenant in ("acme", "notes"):
        folder = tmp_path / "tenants" / tenant
        folder.mkdir(parents=True)
        (folder / "orders_1.ndjson").write_text("{}\n")
    result = run("bulk-ingest", "--data-dir", str(tmp_path / "tenants"))
    assert result.exit_code == 0
    assert "skipped" in result.stderr
    assert "'notes' not found" in result.stderr
    assert len(state.loads) == 1
    typed = run("bulk-ingest", "--data-dir", str(tmp_path / "tenants"), "--tenant-id", "notes")
    assert typed.exit_code == 1


def test_all_is_loaded_once(run: Callable[..., Result], state: "State", data_dir: Path) -> None:
    result = run("bulk-ingest", "--data-dir", str(data_dir))
    assert result.exit_code == 0
    assert result.stdout.count("COMPLETED") == 4
    again = run("bulk-ingest", "--data-dir", str(data_dir), "--json")
    assert [json.loads(line)["earlier"] for line in again.stdout.splitlines()] == [True] * 4
    assert len(state.loads) == 4
    assert run("bulk-ingest", "--data-dir", str(data_dir), "--fresh").exit_code == 0
    assert len(state.loads) == 8


def test_a_bad_row_is_3(run: Callable[..., Result], data_dir: Path) -> None:
    (data_dir / "orders_2.ndjson").write_text("no\n")
    result = run("bulk-ingest", "--data-dir", str(data_dir))
    assert result.exit_code == 3
    assert "headrace rejects ID" in result.stdout


def test_a_file_that_cannot_be_read_is_1(
    run: Callable[..., Result], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise PermissionError("orders_1.ndjson is not yours")

    monkeypatch.setattr("headrace_client.client.Client.upload", refuse)
    result = run("bulk-ingest", "--data-dir", str(data_dir))
    assert result.exit_code == 1
    assert "is not yours" in result.stderr
    assert "run the same command again" in result.stdout


def test_each_folder_is_loaded_for_its_tenant(
    run: Callable[..., Result], state: "State", tmp_path: Path
) -> None:
    for tenant in ("acme", "blue"):
        folder = tmp_path / "tenants" / tenant
        folder.mkdir(parents=True)
        (folder / f"orders_{tenant}.ndjson").write_text("{}\n")
    data_dir = str(tmp_path / "tenants")
    assert run("bulk-ingest", "--data-dir", data_dir, "--tenant-id", "blue").exit_code == 0
    assert [name for name, _ in state.loads] == ["orders_blue.ndjson"]
    result = run("bulk-ingest", "--data-dir", data_dir, "--json")
    tenants = [json.loads(line)["tenant_id"] for line in result.stdout.splitlines()]
    assert tenants == ["acme", "blue"]
    assert len(state.loads) == 2
    created = [m["x-tenant-id"] for method, m in state.calls if method == "CreateUploadSession"]
    assert created == ["blue", "acme"]


def test_two_at_a_time_are_refused(
    run: Callable[..., Result], server: "FakeServer", data_dir: Path
) -> None:
    run("bulk-ingest", "--data-dir", str(data_dir), "--dry-run")
    with Journal(journal_path(server.address, data_dir)):
        result = run("bulk-ingest", "--data-dir", str(data_dir))
    assert result.exit_code == 1
    assert "another bulk-ingest" in result.stderr


async def start(server: "FakeServer", data_dir: Path) -> asyncio.subprocess.Process:
    environment = {
        **os.environ,
        "HEADRACE_ADDRESS": server.address,
        "XDG_STATE_HOME": str(data_dir.parent / "state"),
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "headrace_client", "bulk-ingest", "--data-dir", str(data_dir),
        env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def stopped(server: "FakeServer", data_dir: Path, by: signal.Signals) -> tuple[int, str]:
    """Start a run, and end it by a signal when a part of the large file is on the server."""
    state = server.state
    state.receiving.clear()
    process = await start(server, data_dir)
    await asyncio.to_thread(state.wait_until, lambda: state.count("AppendUpload") == 4)
    state.receive_bytes = 2 * MIB
    state.receiving.set()
    await asyncio.to_thread(state.wait_until, lambda: not state.receiving.is_set())
    process.send_signal(by)
    _, stderr = await process.communicate()
    state.receiving.set()
    return process.returncode or 0, stderr.decode()


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
async def test_a_killed_run_goes_on_where_it_ended(
    server: "FakeServer", state: "State", data_dir: Path, by: signal.Signals
) -> None:
    content = b"{}\n" * (5 * MIB // 3)
    await asyncio.to_thread((data_dir / "customers_2.ndjson").write_bytes, content)
    await asyncio.to_thread((data_dir / "orders_1.ndjson").unlink)
    status, stderr = await stopped(server, data_dir, by)
    if by is signal.SIGINT:
        assert status == 130
        assert stderr.splitlines()[-1].startswith("interrupted: run the same command again")
    else:
        assert status == -by
    await asyncio.to_thread(state.wait_until, lambda: state.appending == 0)
    tokens = {session.file_name: token for token, session in state.sessions.items()}
    kept = len(state.files[tokens["customers_2.ndjson"]])
    assert 0 < kept < len(content)
    second = await start(server, data_dir)
    stdout, _ = await second.communicate()
    assert second.returncode == 0, stdout
    assert state.content("customers_2.ndjson") == content
    assert {session.file_name: token for token, session in state.sessions.items()} == tokens
    assert sorted(name for name, _ in state.loads) == [
        "customers_1.ndjson", "customers_2.ndjson", "order_items_1.ndjson", "products_1.ndjson",
    ]  # fmt: skip
