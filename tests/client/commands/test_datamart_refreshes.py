import json
import os
import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from headrace.v1.datamart_pb2 import Datamart, DatamartRefresh
from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State


@pytest.fixture(autouse=True)
def datamarts(state: "State") -> None:
    for name in ("sales", "broken", "busy", "slow", "new"):
        state.datamarts[name] = Datamart(name=name, schema="analytics", rows_count=4)


def test_a_refresh_is_followed(run: Callable[..., Result], state: "State") -> None:
    done = run("datamarts", "refresh", "sales", "--concurrent", "--upstream")
    assert done.exit_code == 0
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["datamart", "analytics.sales"],
        ["refresh", "r1"],
        ["status", "COMPLETED"],
        ["rows", "3,", "500.0", "kB"],
        ["took", "1.50", "s"],
    ]
    assert state.refreshes["r1"].concurrent
    assert json.loads(run("datamarts", "refresh", "sales", "--json").stdout)["terminal"] is True
    begun = run("datamarts", "refresh", "sales", "--no-watch")
    assert (begun.exit_code, "PENDING" in begun.stdout) == (0, True)


@pytest.mark.parametrize(("columns", "clock"), [("160", True), ("40", False)])
def test_a_terminal_shows_a_bar(run: Callable[..., Result], columns: str, clock: bool) -> None:
    result = run("datamarts", "refresh", "sales", env={"TTY_COMPATIBLE": "1", "COLUMNS": columns})
    assert result.exit_code == 0
    assert "3 rows" in result.stderr
    assert ("0:00:0" in result.stderr) == clock


def test_what_ends_otherwise_is_told(run: Callable[..., Result]) -> None:
    failed = run("datamarts", "refresh", "broken")
    assert failed.exit_code == 1
    assert "division by zero" in failed.stdout
    skipped = run("datamarts", "refresh", "busy")
    assert skipped.exit_code == 3
    assert "another refresh is under way" in skipped.stdout


def test_the_list(run: Callable[..., Result]) -> None:
    for _ in range(3):
        run("datamarts", "refresh", "broken")
    lines = run("datamarts", "refreshes", "broken", "--limit", "2").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["refresh", "r3", "r2"]
    assert "FAILED  request" in lines[1]
    assert "division by zero" in lines[1]
    narrow = run("datamarts", "refreshes", "broken", env={"TTY_COMPATIBLE": "1", "COLUMNS": "64"})
    assert "division by zero" in narrow.stdout
    assert "r3" not in narrow.stdout
    assert len(run("datamarts", "refreshes", "broken", "--json").stdout.splitlines()) == 3
    assert "never refreshed" in run("datamarts", "refreshes", "sales").stdout


def test_watch_and_cancel(run: Callable[..., Result], server: "FakeServer", state: "State") -> None:
    assert run("datamarts", "refresh", "slow", "--no-watch").exit_code == 0

    def cancel() -> None:
        state.wait_until(lambda: state.refreshes["r1"].revision == 2)
        server.datamarts.alter("r1", status=DatamartRefresh.CANCELLED, terminal=True)

    canceller = threading.Thread(target=cancel)
    canceller.start()
    watched = run("datamarts", "watch", "slow", "r1", "--json")
    canceller.join()
    assert watched.exit_code == 1
    statuses = [json.loads(line)["status"] for line in watched.stdout.splitlines()]
    assert statuses == ["PENDING", "RUNNING", "CANCELLED"]
    run("datamarts", "refresh", "slow", "--no-watch")
    cancelled = run("datamarts", "cancel", "slow")
    assert (cancelled.exit_code, "CANCELLED" in cancelled.stdout) == (0, True)
    again = run("datamarts", "cancel", "slow", "r2")
    assert (again.exit_code, "already CANCELLED" in again.stderr) == (0, True)
    assert run("datamarts", "watch", "slow").exit_code == 1
    never = run("datamarts", "watch", "new")
    assert (never.exit_code, "new was never refreshed" in never.stderr) == (1, True)


def test_one_that_is_interrupted_says_how_to_go_on(
    run: Callable[..., Result], state: "State"
) -> None:
    def interrupt() -> None:
        state.wait_until(lambda: "r1" in state.refreshes and state.refreshes["r1"].revision == 2)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    result = run("datamarts", "refresh", "slow")
    assert result.exit_code == 130
    assert "goes on at the server: headrace datamarts watch analytics.slow r1" in result.stderr
