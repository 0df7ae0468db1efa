import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from headrace.v1.storage_pb2 import FolderWatch, StoredFile
from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State

TERMINAL = {"TTY_COMPATIBLE": "1", "COLUMNS": "160"}


@pytest.fixture
def files(server: "FakeServer", state: "State") -> None:
    """Files that went well and badly, of a watched folder."""
    state.folder_watches["w-0"] = FolderWatch(watch_id="w-0", folder_path="/share/in")
    alter = server.storage.alter
    imported, partly = StoredFile.IMPORTED, StoredFile.IMPORTED_WITH_ERRORS
    alter("/share/in/a.csv", status=imported, rows_imported=1234, import_id="i-1")
    alter("/share/in/b.csv", status=partly, rows_imported=5, import_id="i-2")
    alter("/share/in/c[1].csv", status=StoredFile.FAILED, error="no table\nin it", size_bytes=2048)


def test_list(run: Callable[..., Result], files: None) -> None:
    text = run("files", "list").stdout
    assert re.search(r"/share/in/a.csv +IMPORTED +1,234 +0 B +- +i-1 *\n", text)
    assert "2.0 kB" in text
    assert "/share/in/c[1].csv: no table in it\n" in text
    lines = run("files", "list", "/share/in", "--json").stdout.splitlines()
    assert len(lines) == 3
    (failed,) = run("files", "list", "--status", "failed", "--json").stdout.splitlines()
    assert json.loads(failed)["status"] == "FAILED"
    assert run("files", "list", "--status", "gone").stdout == "no such files\n"
    assert run("files", "list", "/share/other").exit_code == 2


def test_the_story_of_each_file(run: Callable[..., Result], state: "State", files: None) -> None:
    state.watch_cuts = [1, 0]
    gone = run("files", "watch")
    assert gone.exit_code == 1
    told = [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in gone.stdout.splitlines()]
    assert told == [
        "IMPORTED             /share/in/a.csv  1,234 rows",
        "IMPORTED_WITH_ERRORS /share/in/b.csv  5 rows  (headrace rejects i-2)",
        "FAILED               /share/in/c[1].csv  no table in it",
    ]
    state.watch_cuts = [1, 0]
    lines = run("files", "watch", "/share/in", "--json").stdout.splitlines()
    assert [json.loads(line)["rows_imported"] for line in lines] == ["1234", "5", "0"]


def test_a_terminal_shows_what_is_on_its_way(
    run: Callable[..., Result], server: "FakeServer", state: "State", files: None
) -> None:
    for number in range(12):
        server.storage.alter(f"/share/in/d{number}.csv", status=StoredFile.IMPORTING)
    state.watch_cuts = [1, 0]
    text = run("files", "watch", env=TERMINAL).stdout
    assert "on its way" in text
    assert "and 2 more" in text
    assert "0 s" in text


@pytest.mark.parametrize(
    ("last", "exit_code"),
    [
        (StoredFile.IMPORTED, 0),
        (StoredFile.IMPORTED_WITH_ERRORS, 3),
        (StoredFile.FAILED, 1),
    ],
)
def test_until_all_have_ended(
    run: Callable[..., Result], server: "FakeServer", last: StoredFile.Status, exit_code: int
) -> None:
    server.storage.alter("/share/in/a.csv", status=StoredFile.IMPORTED)
    server.storage.alter("/share/in/b.csv", status=last)
    assert run("files", "watch", "--until-settled").exit_code == exit_code


def test_retry(run: Callable[..., Result], state: "State", files: None) -> None:
    again = run("files", "retry", "/share/in/b.csv", "/share/in/c[1].csv")
    assert again.stdout == "PENDING /share/in/b.csv\nPENDING /share/in/c[1].csv\n"
    document = json.loads(run("files", "retry", "/share/in/a.csv", "--json").stdout)
    assert document["status"] == "PENDING"
    assert run("files", "retry", "/share/none.csv").exit_code == 1
