from dataclasses import replace
from pathlib import Path

import pytest

from headrace_client.bulk.journal import Journal, JournalInUseError, entry_key, journal_path
from headrace_client.bulk.plan import PlannedFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.ndjson"


def test_what_was_written_is_read(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.get("a") is None
        begun = journal.begin("a")
        journal.started("a", "i1")
        journal.begin("b")
    with Journal(path) as journal:
        assert journal.get("a") == replace(begun, request_id="i1")
        assert journal.get("b")


def test_a_line_half_written_spoils_no_other(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin("a")
        journal.begin("b")
    path.write_bytes(path.read_bytes()[:-7])
    with Journal(path) as journal:
        assert journal.get("a")
        assert journal.get("b") is None
        journal.begin("c")
    with Journal(path) as journal:
        assert journal.get("a")
        assert journal.get("c")


def test_forgetting_leaves_nothing(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin("a")
        journal.forget()
        journal.begin("b")
    with Journal(path) as journal:
        assert journal.get("a") is None
        assert journal.get("b")


def test_only_one_process_holds_it(path: Path) -> None:
    with Journal(path), pytest.raises(JournalInUseError), Journal(path):
        pass


def test_a_changed_file_is_another(tmp_path: Path) -> None:
    file = PlannedFile(tmp_path / "orders", "orders", 1, 10, 20)
    keys = {
        entry_key(None, file),
        entry_key("acme", file),
        entry_key(None, replace(file, size=11)),
        entry_key(None, replace(file, mtime_ns=21)),
    }
    assert len(keys) == 4


def test_a_journal_belongs_to_server_and_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = journal_path("a:1", tmp_path)
    assert tmp_path in path.parents
    assert path == journal_path("a:1", tmp_path / "x" / "..")
    assert len({path, journal_path("a:2", tmp_path), journal_path("a:1", tmp_path / "x")}) == 3
