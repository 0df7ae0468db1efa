"""What becomes of a file, look by look, with nothing but its store's word."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from headrace_server.core.storage.noticing import Counting, gone, noticed, seen
from headrace_server.model.ingestion import Status
from headrace_server.model.storage import (
    FileInfo,
    FileStatus,
    FolderWatch,
    ImportConfig,
    OnOverwrite,
    StoredFile,
)

from .conftest import NOW

WATCH = FolderWatch(
    watch_id="w1",
    tenant_id="acme",
    folder_path="/in",
    patterns=(),
    recursive=True,
    auto_import=True,
    config=ImportConfig(),
    on_overwrite=OnOverwrite.REIMPORT,
    stable=timedelta(seconds=5),
    poll=timedelta(seconds=5),
    created_at=NOW,
)
LATER = NOW + timedelta(hours=1)


def _watch(**asked: Any) -> FolderWatch:
    return replace(WATCH, **asked)


def _info(fingerprint: str) -> FileInfo:
    return FileInfo("a.csv", len(fingerprint), NOW, fingerprint)


def _imported(status: FileStatus = FileStatus.IMPORTED, **values: Any) -> StoredFile:
    """A file whose import took the fingerprint `one`."""
    file = noticed(WATCH, "/in/a.csv", _info("one"), NOW)
    return replace(
        file, status=status, import_id="i1", taken_fingerprint="one", imports=1, **values
    )


def _seen(
    watch: FolderWatch,
    file: StoredFile,
    fingerprint: str,
    now: datetime,
    last: Status = Status.COMPLETED,
) -> StoredFile:
    return seen(watch, file, _info(fingerprint), {"i1": last}, now)


@pytest.mark.parametrize(
    "name",
    [
        "a.csv.part",
        "a.tmp",
        "A.TMP",
        "a.filepart",
        "a.crdownload",
        ".a.csv",
        "~$a.xlsx",
        ".snapshot/a.csv",
        "deep/.git/a.csv",
    ],
)
def test_a_file_that_nobody_shall_read_does_not_count(name: str) -> None:
    assert not Counting(WATCH).counts(f"/in/{name}")


@pytest.mark.parametrize("folder", ["/in", "/.hidden/in"])
def test_all_others_count(folder: str) -> None:
    counting = Counting(_watch(folder_path=folder))
    assert all(counting.counts(f"{folder}/{name}") for name in ("a", "b/a.csv", "part", "~a"))


def test_patterns_are_of_names_in_any_case() -> None:
    counting = Counting(_watch(patterns=("*.CSV", "orders_??.json", "[ab].txt")))
    counted = ("a.csv", "B.Csv", "deep/er/x.csv", "orders_01.json", "A.txt")
    others = ("a.csv.gz", "csv", "csv/a", "orders_1.json", "c.txt")
    assert all(counting.counts(f"/in/{name}") for name in counted)
    assert not any(counting.counts(f"/in/{name}") for name in others)


def test_a_file_must_stay_the_same_for_long_enough() -> None:
    file = noticed(WATCH, "/in/a.csv", _info("one"), NOW)
    assert (file.status, file.detected_at) == (FileStatus.DETECTED, NOW)
    grown = _seen(WATCH, file, "one two", NOW + timedelta(seconds=4))
    assert (grown.status, grown.size) == (FileStatus.DETECTED, 7)
    same = _seen(WATCH, grown, "one two", NOW + timedelta(seconds=8.9))
    assert same == grown
    whole = _seen(WATCH, grown, "one two", NOW + timedelta(seconds=9))
    assert (whole.status, whole.detected_at) == (FileStatus.PENDING, NOW)


@pytest.mark.parametrize(
    ("auto_import", "status"), [(True, FileStatus.PENDING), (False, FileStatus.IGNORED)]
)
def test_a_file_may_be_taken_at_once(auto_import: bool, status: FileStatus) -> None:
    watch = _watch(stable=timedelta(0), auto_import=auto_import)
    assert noticed(watch, "/in/a.csv", _info("one"), NOW).status is status


@pytest.mark.parametrize("status", [s for s in FileStatus if s is not FileStatus.GONE])
def test_nothing_changes_of_a_file_that_does_not(status: FileStatus) -> None:
    file = _imported(status, stable_since=LATER)
    assert _seen(WATCH, file, "one", LATER) == file


@pytest.mark.parametrize("status", [FileStatus.PENDING, FileStatus.IGNORED])
def test_a_file_that_grows_before_its_import_is_noticed_anew(status: FileStatus) -> None:
    file = replace(noticed(WATCH, "/in/a.csv", _info("one"), NOW), status=status)
    assert _seen(WATCH, file, "two", LATER).status is FileStatus.DETECTED


@pytest.mark.parametrize("policy", [OnOverwrite.REIMPORT, OnOverwrite.NEW_VERSION])
@pytest.mark.parametrize("status", [FileStatus.IMPORTED, FileStatus.IMPORTED_WITH_ERRORS])
def test_an_imported_file_that_changes_is_imported_again(
    policy: OnOverwrite, status: FileStatus
) -> None:
    watch = _watch(on_overwrite=policy)
    changed = _seen(watch, _imported(status, error="x"), "two", LATER)
    assert (changed.status, changed.error) == (FileStatus.DETECTED, None)
    again = _seen(watch, changed, "two", LATER + watch.stable)
    assert (again.status, again.version, again.import_id) == (FileStatus.PENDING, 1, "i1")


def test_an_imported_file_that_changes_may_be_left_alone() -> None:
    watch = _watch(on_overwrite=OnOverwrite.IGNORE)
    changed = _seen(watch, _imported(), "longer", LATER)
    assert (changed.status, changed.size) == (FileStatus.IMPORTED, 6)
    assert _seen(watch, changed, "longer", LATER + watch.stable) == changed


@pytest.mark.parametrize("policy", list(OnOverwrite))
def test_a_failed_file_that_changes_is_tried_again(policy: OnOverwrite) -> None:
    watch = _watch(on_overwrite=policy)
    changed = _seen(watch, _imported(FileStatus.FAILED, error="x"), "two", LATER, Status.FAILED)
    assert (changed.status, changed.error) == (FileStatus.DETECTED, None)
    again = _seen(watch, changed, "two", LATER + watch.stable, Status.FAILED)
    assert again.status is FileStatus.PENDING


def test_a_file_that_was_never_accepted_is_tried_again_when_it_changes() -> None:
    refused = replace(
        _imported(FileStatus.FAILED, error="x"), import_id=None, taken_fingerprint=None
    )
    assert _seen(WATCH, refused, "one", LATER) == refused
    assert _seen(WATCH, refused, "two", LATER).status is FileStatus.DETECTED


def test_a_file_that_changes_during_its_import_begins_anew_after_it() -> None:
    changed = _seen(WATCH, _imported(FileStatus.IMPORTING), "two", LATER)
    assert (changed.status, changed.fingerprint) == (FileStatus.IMPORTING, "two")
    ended = replace(changed, status=FileStatus.IMPORTED)
    again = _seen(WATCH, ended, "two", LATER + WATCH.stable)
    assert again.status is FileStatus.PENDING


def test_a_file_goes() -> None:
    assert gone(_imported()).status is FileStatus.GONE
    importing = _imported(FileStatus.IMPORTING)
    assert gone(importing) == importing
    assert gone(gone(_imported())) == gone(_imported())


@pytest.mark.parametrize(
    ("last", "status"),
    [
        (Status.COMPLETED, FileStatus.IMPORTED),
        (Status.COMPLETED_WITH_ERRORS, FileStatus.IMPORTED_WITH_ERRORS),
        (Status.FAILED, FileStatus.FAILED),
        (Status.CANCELLED, FileStatus.FAILED),
        (Status.IN_PROGRESS, FileStatus.IMPORTING),
    ],
)
def test_a_file_that_comes_back_as_it_was_is_not_imported_twice(
    last: Status, status: FileStatus
) -> None:
    back = _seen(WATCH, gone(_imported(error="x")), "one", LATER, last)
    assert (back.status, back.error) == (status, "x")


@pytest.mark.parametrize(
    ("policy", "status"),
    [(OnOverwrite.REIMPORT, FileStatus.PENDING), (OnOverwrite.IGNORE, FileStatus.IMPORTED)],
)
def test_another_file_that_comes_in_its_place(policy: OnOverwrite, status: FileStatus) -> None:
    watch = _watch(on_overwrite=policy)
    back = _seen(watch, gone(_imported()), "two", LATER)
    assert back.status is FileStatus.DETECTED
    assert _seen(watch, back, "two", LATER + watch.stable).status is status


def test_a_file_that_waited_comes_back() -> None:
    file = noticed(WATCH, "/in/a.csv", _info("one"), NOW)
    assert _seen(WATCH, gone(file), "one", LATER).status is FileStatus.PENDING
