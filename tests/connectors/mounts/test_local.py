import asyncio
import os
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts import listing
from headrace_server.connectors.mounts.local import LocalStore
from headrace_server.connectors.mounts.opening import MountAccess, open_store
from headrace_server.model.storage import Place, StorageType

LIMIT = 1 << 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a place, within an allowed root that holds more."""
    place = tmp_path / "root" / "place"
    (place / "in" / "deep").mkdir(parents=True)
    (place / "a.csv").write_bytes(b"a\n1\n")
    (place / "in" / "b.csv").write_bytes(b"b\n")
    (place / "in" / "deep" / "c.csv").write_bytes(b"")
    (tmp_path / "root" / "secret.csv").write_bytes(b"hush")
    return place


@pytest.fixture
def store(folder: Path) -> LocalStore:
    return LocalStore(folder, [folder.parent], timeout=10)


async def paths(store: LocalStore, folder: str = "", *, recursive: bool = True) -> list[str]:
    return [each.path for each in await store.list(folder, recursive=recursive)]


async def test_files_are_listed(store: LocalStore) -> None:
    assert await paths(store) == ["a.csv", "in/b.csv", "in/deep/c.csv"]
    assert await paths(store, recursive=False) == ["a.csv"]
    assert await paths(store, "in") == ["in/b.csv", "in/deep/c.csv"]
    assert await paths(store, "in", recursive=False) == ["in/b.csv"]


async def test_a_file_is_described(store: LocalStore, folder: Path) -> None:
    os.utime(folder / "a.csv", ns=(0, 1_700_000_000_123_456_789))
    info = await store.stat("a.csv")
    assert (info.path, info.size) == ("a.csv", 4)
    assert info.modified_at == datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)
    assert info == (await store.list("", recursive=False))[0]
    assert "1700000000123456789" in info.fingerprint


async def test_a_file_is_fetched(store: LocalStore, folder: Path, tmp_path: Path) -> None:
    content = os.urandom((16 << 20) + 7)
    (folder / "a.csv").write_bytes(content)
    info = await store.fetch("a.csv", tmp_path / "copy", most_bytes=len(content))
    assert info == await store.stat("a.csv")
    assert (tmp_path / "copy").read_bytes() == content


async def test_a_file_is_fetched_from_a_file_system_of_another_kind(
    store: LocalStore, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    await store.fetch("a.csv", tmp_path / "copy", most_bytes=LIMIT)
    assert (tmp_path / "copy").read_bytes() == b"a\n1\n"


async def test_a_file_is_read_here_and_there(store: LocalStore) -> None:
    def read() -> bytes:
        with store.open("a.csv") as file:
            file.seek(2)
            return file.read()

    assert await asyncio.to_thread(read) == b"1\n"


async def test_the_place_answers(store: LocalStore, folder: Path) -> None:
    await store.check()
    room = os.statvfs(folder)
    assert abs((await store.free_bytes() or 0) - room.f_bavail * room.f_frsize) < 1 << 30
    assert store.folder_on_disk("in") == folder / "in"
    await store.close()


async def test_disks_of_others_tell_of_no_changes(folder: Path) -> None:
    store = LocalStore(folder, [folder], timeout=10, watchable=False)
    assert store.folder_on_disk("in") is None


@pytest.mark.parametrize(
    "path",
    ["none.csv", "none/a.csv", "a.csv/b.csv", "in", "", "../secret.csv", "/etc/passwd", "in/"],
)
async def test_what_is_no_file_is_missing(store: LocalStore, tmp_path: Path, path: str) -> None:
    with pytest.raises(MissingError):
        await store.stat(path)
    with pytest.raises(MissingError):
        await store.fetch(path, tmp_path / "copy", most_bytes=LIMIT)
    with pytest.raises(MissingError), store.open(path):
        pass
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("path", ["none", "a.csv", "in/none", "..", "x" * 300])
async def test_what_is_no_folder_is_missing(store: LocalStore, path: str) -> None:
    with pytest.raises(MissingError):
        await store.list(path, recursive=True)


async def test_links_are_not_listed_and_do_not_lead_out(store: LocalStore, folder: Path) -> None:
    (folder / "out.csv").symlink_to(folder.parent / "secret.csv")
    (folder / "in" / "up").symlink_to(folder.parent)
    (folder / "same.csv").symlink_to("a.csv")
    (folder / "circle").symlink_to("circle")
    assert await paths(store) == ["a.csv", "in/b.csv", "in/deep/c.csv"]
    assert (await store.stat("same.csv")).size == 4
    for path in ("out.csv", "in/up/secret.csv"):
        with pytest.raises(MissingError, match="leads out of the mount"):
            await store.stat(path)
    with pytest.raises(MissingError, match="leads out of the mount"):
        await store.list("in/up", recursive=False)
    with pytest.raises(MissingError, match="lead in a circle"):
        await store.stat("circle")


async def test_what_is_no_plain_file_is_left_out(store: LocalStore, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(folder / "s"))
        assert await paths(store, recursive=False) == ["a.csv"]
    with pytest.raises(MissingError, match="pipe is no file"):
        await store.stat("pipe")


async def test_places_lie_below_allowed_roots(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    linked = LocalStore(tmp_path / "link", [folder.parent], timeout=10)
    assert await paths(linked, recursive=False) == ["a.csv"]
    (folder.parent / "out").symlink_to(tmp_path)
    for other in (tmp_path, folder.parent / "out"):
        with pytest.raises(ConnectorError, match="is below no folder that the server allows"):
            await LocalStore(other, [folder.parent], timeout=10).check()
    with pytest.raises(ConnectorError, match="HEADRACE_ALLOWED_ROOTS"):
        LocalStore(folder, [], timeout=10)


async def test_a_folder_that_is_not_there_is_said(folder: Path) -> None:
    store = LocalStore(folder / "none", [folder], timeout=10)
    with pytest.raises(MissingError, match="the folder: no such file or folder"):
        await store.check()


async def test_odd_names(store: LocalStore, folder: Path, tmp_path: Path) -> None:
    names = [b"caf\xe9.csv", b"line\nbreak.csv", b"\xe2\x98\x83 '\"\\%?*.csv", b" .csv", b"-rf"]
    for name in names:
        (folder / "in" / os.fsdecode(name)).write_bytes(name)
    listed = [each for each in await paths(store, "in", recursive=False) if "b.csv" not in each]
    assert len(listed) == len(names)
    fetched = []
    for number, path in enumerate(listed):
        assert path.encode("utf-8").isascii() or "\n" not in path
        await store.fetch(path, tmp_path / f"{number}", most_bytes=LIMIT)
        fetched.append((tmp_path / f"{number}").read_bytes())
    assert sorted(fetched) == sorted(names)


async def test_more_bytes_than_may_be_are_refused(store: LocalStore, tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match=r"a\.csv has more than 3 bytes") as caught:
        await store.fetch("a.csv", tmp_path / "copy", most_bytes=3)
    assert not isinstance(caught.value, TemporaryError)
    assert not (tmp_path / "copy").exists()


async def test_more_files_than_may_be_are_refused(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_ENTRIES", 4)
    with pytest.raises(ConnectorError, match="the mount holds more than 4 files: take folders"):
        await store.list("", recursive=True)


def append(file: Path) -> None:
    with file.open("ab") as opened:
        opened.write(b"2\n")


def rewrite(file: Path) -> None:
    file.write_bytes(b"b\n2\n")
    os.utime(file, ns=(0, 7))


def replace(file: Path) -> None:
    beside = file.with_suffix(".new")
    beside.write_bytes(file.read_bytes())
    os.utime(beside, ns=(0, file.stat().st_mtime_ns))
    beside.rename(file)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (append, TemporaryError),
        (rewrite, TemporaryError),
        (replace, TemporaryError),
        (Path.unlink, MissingError),
    ],
)
async def test_a_file_that_changes_while_it_is_read_is_left_out(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
    error: type[ConnectorError],
) -> None:
    store = LocalStore(folder, [folder], timeout=10)
    copy = os.copy_file_range

    def copy_and_change(source: int, target: int, count: int) -> int:
        copied = copy(source, target, count)
        if not copied:
            change(folder / "a.csv")
        return copied

    monkeypatch.setattr(os, "copy_file_range", copy_and_change)
    with pytest.raises(error, match=r"a\.csv"):
        await store.fetch("a.csv", tmp_path / "copy", most_bytes=LIMIT)
    assert not (tmp_path / "copy").exists()


async def test_a_disk_that_hangs_is_not_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung = threading.Event()
    monkeypatch.setattr(os, "fstatvfs", lambda _: hung.wait())
    store = LocalStore(folder, [folder], timeout=0.05)
    with pytest.raises(TemporaryError, match="the disk does not answer"):
        await store.free_bytes()
    hung.set()


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (PermissionError(13, "Permission denied"), ConnectorError),
        (OSError(116, "Stale file handle"), TemporaryError),
    ],
)
async def test_what_the_disk_says_is_told(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, raised: OSError, error: type[Exception]
) -> None:
    def refuse(*_: object) -> None:
        raise raised

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(ConnectorError, match=f"in: {raised.strerror}") as caught:
        await store.list("in", recursive=False)
    assert type(caught.value) is error


async def test_what_goes_away_while_it_is_listed_is_left_out(
    store: LocalStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def scan_and_move(folder_: int) -> object:
        if (folder / "in").exists():
            (folder / "in").rename(folder.parent / "moved")
        return scan(folder_)

    monkeypatch.setattr(os, "scandir", scan_and_move)
    assert await paths(store) == ["a.csv"]


async def test_ten_thousand_files(store: LocalStore, folder: Path) -> None:
    for number in range(10_000):
        (folder / "in" / f"{number:05}.csv").touch()
    listed = await store.list("in", recursive=False)
    assert len(listed) == 10_001
    assert listed[0].path == "in/00000.csv"


async def test_a_place_of_this_machine_is_opened(folder: Path) -> None:
    place = Place(StorageType.LOCAL, f"{folder}/")
    store = open_store(place, MountAccess(file_roots=(folder.parent,)))
    assert isinstance(store, LocalStore)
    await store.check()
    with pytest.raises(ConnectorError, match="HEADRACE_ALLOWED_ROOTS"):
        open_store(place, MountAccess())
