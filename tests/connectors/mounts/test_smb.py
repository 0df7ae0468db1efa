import asyncio
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import smbclient
from smbprotocol.connection import Connection, Dialects
from storage_servers import REACH, SmbServer

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts.opening import open_store
from headrace_server.connectors.mounts.smb import SmbStore
from headrace_server.connectors.mounts.smb_share import OpenFile
from headrace_server.model.storage import Place

LIMIT = 1 << 40


@pytest.fixture
def folder(smb_server: SmbServer) -> Path:
    """What the share shows."""
    place = smb_server.folder
    (place / "in" / "deep").mkdir(parents=True)
    (place / "a.csv").write_bytes(b"a\n1\n")
    (place / "in" / "b.csv").write_bytes(b"b\n")
    (place / "in" / "deep" / "c.csv").write_bytes(b"")
    return place


@pytest.fixture
async def store(smb_server: SmbServer, folder: Path) -> AsyncIterator[SmbStore]:
    opened = SmbStore(smb_server.place, REACH)
    yield opened
    await opened.close()


async def paths(store: SmbStore, folder: str = "", *, recursive: bool = True) -> list[str]:
    return [each.path for each in await store.list(folder, recursive=recursive)]


async def test_files_are_listed(store: SmbStore) -> None:
    assert await paths(store) == ["a.csv", "in/b.csv", "in/deep/c.csv"]
    assert await paths(store, recursive=False) == ["a.csv"]
    assert await paths(store, "in") == ["in/b.csv", "in/deep/c.csv"]
    assert await paths(store, "in", recursive=False) == ["in/b.csv"]


async def test_a_folder_of_a_share_is_a_place(smb_server: SmbServer, folder: Path) -> None:
    store = open_store(smb_server.in_folder("in/"), REACH)
    assert isinstance(store, SmbStore)
    await store.check()
    assert await paths(store) == ["b.csv", "deep/c.csv"]
    assert (await store.stat("deep/c.csv")).size == 0
    with pytest.raises(MissingError):
        await store.stat("../a.csv")
    await store.close()


async def test_a_file_is_described_alike_wherever_it_is(
    store: SmbStore, folder: Path, tmp_path: Path
) -> None:
    os.utime(folder / "a.csv", ns=(0, 1_700_000_000_123_456_700))
    info = await store.stat("a.csv")
    assert (info.path, info.size) == ("a.csv", 4)
    assert info.modified_at == datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)
    assert info.fingerprint.startswith("4-133444736001234567-")
    assert info == (await store.list("", recursive=False))[0]
    assert info == await store.fetch("a.csv", tmp_path / "copy", most_bytes=4)


async def test_a_file_is_fetched(store: SmbStore, folder: Path, tmp_path: Path) -> None:
    content = os.urandom((9 << 20) + 7)
    (folder / "a.csv").write_bytes(content)
    await store.fetch("a.csv", tmp_path / "copy", most_bytes=len(content))
    assert (tmp_path / "copy").read_bytes() == content
    await store.fetch("in/deep/c.csv", tmp_path / "empty", most_bytes=0)
    assert (tmp_path / "empty").read_bytes() == b""


async def test_a_file_is_read_here_and_there(store: SmbStore, folder: Path) -> None:
    content = os.urandom(3 << 20)
    (folder / "a.csv").write_bytes(content)

    def read() -> bytes:
        with store.open("a.csv") as file:
            end = file.seek(-7, os.SEEK_END)
            tail = file.read()
            assert file.seek(end - 3) == end - 3
            file.seek(1, os.SEEK_CUR)
            assert file.read() == content[-9:]
            file.seek(0)
            assert file.read() + tail == content + content[-7:]
            return tail

    assert await asyncio.to_thread(read) == content[-7:]


async def test_the_place_answers(store: SmbStore, folder: Path) -> None:
    await store.check()
    room = os.statvfs(folder)
    assert abs((await store.free_bytes() or 0) - room.f_bavail * room.f_frsize) < 1 << 30
    assert store.folder_on_disk("in") is None


async def test_sessions_are_encrypted_and_kept(store: SmbStore) -> None:
    await store.check()
    (session,) = store._idle
    assert session._tree.session.encrypt_data
    await asyncio.gather(*(store.stat("a.csv") for _ in range(20)))
    assert 1 <= len(store._idle) <= 4
    assert session in store._idle
    await store.close()
    assert not session.connected
    assert (await store.stat("a.csv")).size == 4  # what was begun before may end
    assert store._idle == []


async def test_old_servers_are_read(
    store: SmbStore, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connect = Connection.connect

    def connect_as_of_old(connection: Connection, timeout: float) -> None:
        connect(connection, dialect=Dialects.SMB_2_0_2, timeout=timeout)

    monkeypatch.setattr(Connection, "connect", connect_as_of_old)
    content = os.urandom(1 << 20)
    (folder / "a.csv").write_bytes(content)
    await store.fetch("a.csv", tmp_path / "copy", most_bytes=LIMIT)
    assert (tmp_path / "copy").read_bytes() == content
    (session,) = store._idle
    assert session._tree.session.signing_required


@pytest.mark.parametrize(
    "path",
    [
        "none.csv",
        "none/a.csv",
        "a.csv/b.csv",
        "in",
        "",
        "../a.csv",
        "/a.csv",
        "a.csv:s",
        "*",
        "a\\b",
    ],
)
async def test_what_is_no_file_is_missing(store: SmbStore, tmp_path: Path, path: str) -> None:
    with pytest.raises(MissingError):
        await store.stat(path)
    with pytest.raises(MissingError):
        await store.fetch(path, tmp_path / "copy", most_bytes=LIMIT)
    with pytest.raises(MissingError), store.open(path):
        pass
    assert not (tmp_path / "copy").exists()
    assert 1 <= len(store._idle) <= 2


@pytest.mark.parametrize("path", ["none", "a.csv", "in/none", "..", "in/*"])
async def test_what_is_no_folder_is_missing(store: SmbStore, path: str) -> None:
    with pytest.raises(MissingError):
        await store.list(path, recursive=True)


async def test_odd_names(store: SmbStore, folder: Path, tmp_path: Path) -> None:
    names = ["\N{SNOWMAN} ü.csv", "'%;=[x].csv", " a.csv", "\N{GRINNING FACE}.csv", "-rf"]
    for name in names:
        (folder / "in" / name).write_bytes(name.encode())
    (folder / "in" / os.fsdecode(b"caf\xe9.csv")).write_bytes(b"of another encoding")
    listed = await paths(store, "in", recursive=False)
    assert {f"in/{name}" for name in names} <= set(listed)
    for number, name in enumerate(names):
        await store.fetch(f"in/{name}", tmp_path / f"{number}", most_bytes=LIMIT)
        assert (tmp_path / f"{number}").read_bytes() == name.encode()


async def test_links_do_not_lead_out_of_the_share(
    store: SmbStore, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.csv").write_bytes(b"hush")
    (folder / "out.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "up").symlink_to(tmp_path)
    assert await paths(store) == ["a.csv", "in/b.csv", "in/deep/c.csv"]
    for path in ("out.csv", "up/secret.csv"):
        with pytest.raises(ConnectorError):
            await store.stat(path)


async def test_ten_thousand_files(store: SmbStore, folder: Path) -> None:
    for number in range(10_000):
        (folder / "in" / f"{number:05}.csv").touch()
    listed = await store.list("in", recursive=False)
    assert len(listed) == 10_001
    assert listed[0].path == "in/00000.csv"


async def test_more_bytes_than_may_be_are_refused(store: SmbStore, tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match=r"a\.csv has more than 3 bytes") as caught:
        await store.fetch("a.csv", tmp_path / "copy", most_bytes=3)
    assert not isinstance(caught.value, TemporaryError)
    assert not (tmp_path / "copy").exists()


async def test_a_file_that_is_being_written_is_left_out(
    smb_server: SmbServer, store: SmbStore, tmp_path: Path
) -> None:
    def write() -> Iterator[None]:
        with smbclient.open_file(
            r"\\127.0.0.1\sales\a.csv",
            mode="wb",
            username=smb_server.user,
            password=smb_server.password,
            port=smb_server.port,
            share_access="rwd",
            connection_cache={},
        ) as file:
            file.write(b"half")
            yield

    writing = write()
    next(writing)
    with pytest.raises(TemporaryError, match=r"a\.csv is being written, or locked, by somebody"):
        await store.fetch("a.csv", tmp_path / "copy", most_bytes=LIMIT)
    assert not (tmp_path / "copy").exists()
    next(writing, None)
    await store.fetch("a.csv", tmp_path / "copy", most_bytes=LIMIT)
    assert (tmp_path / "copy").read_bytes() == b"half"


@contextmanager
def between_reads(
    monkeypatch: pytest.MonkeyPatch, folder: Path, happens: Callable[[], object]
) -> Iterator[None]:
    """Have something happen once, after the first piece of a large file was read."""
    (folder / "a.csv").write_bytes(bytes(4 << 20))
    read, waiting = OpenFile.read, [happens]

    def read_and_see(opened: OpenFile, offset: int, length: int) -> bytes:
        piece = read(opened, offset, length)
        if waiting:
            waiting.pop()()
        return piece

    with monkeypatch.context() as patched:
        patched.setattr(OpenFile, "read", read_and_see)
        yield


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda file: file.write_bytes(bytes(7)), TemporaryError),
        (lambda file: os.truncate(file, 5 << 20), TemporaryError),
        (lambda file: os.utime(file, ns=(0, 10**18)), TemporaryError),
        (Path.unlink, MissingError),
    ],
)
async def test_a_file_that_changes_while_it_is_read_is_left_out(
    store: SmbStore,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], object],
    error: type[ConnectorError],
) -> None:
    with (
        between_reads(monkeypatch, folder, lambda: change(folder / "a.csv")),
        pytest.raises(error, match=r"a\.csv"),
    ):
        await store.fetch("a.csv", tmp_path / "copy", most_bytes=LIMIT)
    assert not (tmp_path / "copy").exists()


async def test_a_server_that_is_killed_meanwhile(
    smb_server: SmbServer,
    store: SmbStore,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        between_reads(monkeypatch, folder, smb_server.stop),
        pytest.raises(TemporaryError, match=r"127\.0\.0\.1"),
    ):
        await store.fetch("a.csv", tmp_path / "copy", most_bytes=LIMIT)
    assert not (tmp_path / "copy").exists()
    with pytest.raises(TemporaryError, match="the connection was lost, or is refused"):
        await store.check()
    smb_server.start()
    await store.fetch("a.csv", tmp_path / "copy", most_bytes=LIMIT)
    assert (tmp_path / "copy").stat().st_size == 4 << 20


async def test_a_session_that_ended_is_opened_anew(
    smb_server: SmbServer, store: SmbStore, folder: Path
) -> None:
    await store.check()
    smb_server.send(signal.SIGKILL, sessions_only=True)
    assert (await store.stat("a.csv")).size == 4


async def test_a_server_that_hangs_is_not_waited_for(smb_server: SmbServer, folder: Path) -> None:
    store = SmbStore(smb_server.place, replace(REACH, timeout=0.2))
    await store.check()
    smb_server.send(signal.SIGSTOP)
    with pytest.raises(TemporaryError, match=r"127\.0\.0\.1 does not answer"):
        await store.stat("a.csv")
    smb_server.send(signal.SIGCONT)
    store = SmbStore(smb_server.place, REACH)
    assert (await store.stat("a.csv")).size == 4
    await store.close()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that connections are taken on, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_a_server_that_never_says_anything(smb_server: SmbServer, silent_port: int) -> None:
    place = replace(smb_server.place, port=silent_port)
    with pytest.raises(TemporaryError, match=r"127\.0\.0\.1 does not answer"):
        await SmbStore(place, replace(REACH, timeout=0.05)).check()


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\4abcd", b"\xff" * 100, b""]
)
async def test_a_server_of_something_else(smb_server: SmbServer, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        place = replace(smb_server.place, port=server.getsockname()[1])
        with pytest.raises(TemporaryError, match=r"127\.0\.0\.1"):
            await SmbStore(place, replace(REACH, timeout=1)).check()
        serving.join()


def with_(server: SmbServer, **credentials: str) -> Place:
    return replace(server.place, credentials={**server.place.credentials, **credentials})


async def test_a_wrong_password_is_said(smb_server: SmbServer) -> None:
    wrong = SmbStore(with_(smb_server, password="wrong"), REACH)  # noqa: S106
    with pytest.raises(ConnectorError, match="the user name or password is wrong") as caught:
        await wrong.check()
    assert not isinstance(caught.value, TemporaryError)
    assert "'wrong'" not in repr(caught.value)


async def test_guests_are_not_let_in(smb_server: SmbServer) -> None:
    with pytest.raises(ConnectorError, match="only let in as a guest") as caught:
        await SmbStore(with_(smb_server, username="nobody-we-know"), REACH).check()
    assert not isinstance(caught.value, TemporaryError)


async def test_a_domain_is_told(smb_server: SmbServer) -> None:
    store = SmbStore(with_(smb_server, domain="FILES"), REACH)
    await store.check()
    await store.close()


async def test_an_unknown_share_is_said(smb_server: SmbServer) -> None:
    place = replace(smb_server.place, network_path="//127.0.0.1/none")
    with pytest.raises(ConnectorError, match=r"127\.0\.0\.1 has no share none") as caught:
        await SmbStore(place, REACH).check()
    assert not isinstance(caught.value, TemporaryError)


async def test_an_unknown_folder_is_said(smb_server: SmbServer) -> None:
    with pytest.raises(MissingError, match="none: no such file or folder"):
        await SmbStore(smb_server.in_folder("none"), REACH).check()


@pytest.mark.parametrize("name", ["username", "password"])
def test_who_comes_says_so(smb_server: SmbServer, name: str) -> None:
    with pytest.raises(ConnectorError, match=rf"credentials\.{name}: SMB needs one"):
        SmbStore(with_(smb_server, **{name: ""}), REACH)


async def test_private_addresses_are_refused(smb_server: SmbServer) -> None:
    store = SmbStore(smb_server.place, replace(REACH, hosts=()))
    with pytest.raises(ConnectorError, match=r"is a private address.*HEADRACE_STORAGE_HOSTS"):
        await store.check()


async def test_credentials_of_two_mounts_do_not_mix(smb_server: SmbServer, folder: Path) -> None:
    right = SmbStore(smb_server.place, REACH)
    await right.check()
    wrong = SmbStore(with_(smb_server, password="wrong"), REACH)  # noqa: S106
    with pytest.raises(ConnectorError, match="password is wrong"):
        await wrong.check()
    assert "hush" not in repr(right)
    await right.close()
