import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from headrace_server.connectors.filesystem import FileConnector
from headrace_server.connectors.mounts.access import MountAccess
from headrace_server.connectors.mounts.opening import open_store
from headrace_server.core import previews as module
from headrace_server.core.previews import Previews
from headrace_server.core.storage.mounts import Mounts
from headrace_server.core.tenants import Tenants
from headrace_server.core.vault import Vault
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.files.previewing.request import PreviewRequest
from headrace_server.model.errors import (
    InvalidFieldError,
    NotFoundError,
    QuotaExceededError,
    StorageUnavailableError,
    TooLargeError,
    WrongLengthError,
)
from headrace_server.model.storage import Place, StorageType
from headrace_server.model.tenant import Principal, Scope

FORM = "multipart/form-data; boundary=b"
REQUEST = PreviewRequest("data.csv")
ACME = Principal("acme", frozenset(Scope), None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where files are kept as long as a call lasts."""
    return tmp_path / "previews"


@pytest.fixture
async def mounts(migrated_sqlite_url: str, tmp_path: Path) -> AsyncIterator[Mounts]:
    """Mounts of folders of this test."""
    store = ControlStore.open(migrated_sqlite_url)
    await Tenants(store, Wakeups()).create("acme")
    access = MountAccess(file_roots=(tmp_path,))
    vault = Vault({"k1": b"k" * 32})
    mounts = Mounts(
        store, lambda: vault, partial(open_store, access=access), lambda: datetime.now(UTC)
    )
    yield mounts
    await mounts.close()
    await store.close()


@pytest.fixture
def previews(mounts: Mounts, tmp_path: Path, folder: Path) -> Previews:
    """Previews, with a folder that is allowed."""
    (tmp_path / "share").mkdir()
    return Previews(mounts, FileConnector([tmp_path / "share"]), folder)


async def _body(*blocks: bytes) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


def _kept(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def _part(head: str, data: bytes) -> bytes:
    return b"--b\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + data + b"\r\n"


async def test_a_file_that_arrives_is_gone_at_the_end(previews: Previews, folder: Path) -> None:
    async with previews.arrived("text/csv", _body(b"a,b\n", b"1,2\n"), 8) as arrived:
        found = await previews.of_arrived(arrived, REQUEST)
        assert (found.file_size_bytes, found.rows) == (8, ((1, 2),))
    assert _kept(folder) == []
    assert arrived.file.closed


async def test_a_form(previews: Previews) -> None:
    form = [
        _part('name="limit"', b"5"),
        _part('name="file"; filename="a/b.csv"', b"a,b\n1,2\n"),
        _part('name="delimiter"', b","),
        b"--b--\r\n",
    ]
    async with previews.arrived(FORM, _body(*form), None) as arrived:
        assert (arrived.file_name, arrived.size) == ("b.csv", 8)
        assert arrived.options == {"limit": "5", "delimiter": ","}


@pytest.mark.parametrize(
    ("part", "field"),
    [
        (_part('name="limit"', b"5"), "body"),
        (_part('name="limit"', b"\xff"), "limit"),
        (_part('name="limit"', b"5" * 2000), "limit"),
        (_part('name="data"; filename="a.csv"', b""), "body.data"),
        (_part('name="file"; filename="a.csv"', b"") * 2, "body.file"),
        (b"".join(_part(f'name="o{n}"', b"") for n in range(50)), "body"),
    ],
)
async def test_what_a_form_may_not_be(previews: Previews, part: bytes, field: str) -> None:
    with pytest.raises(InvalidFieldError) as error:
        async with previews.arrived(FORM, _body(part, b"--b--\r\n"), None):
            pass
    assert error.value.violations[0].field == field


async def test_a_body_is_as_long_as_declared(previews: Previews) -> None:
    with pytest.raises(WrongLengthError):
        async with previews.arrived("text/csv", _body(b"a,b\n"), 5):
            pass
    async with previews.arrived("text/csv", _body(b"a,b\n"), 4) as arrived:
        with pytest.raises(InvalidFieldError, match="whole_size_bytes"):
            await previews.of_arrived(arrived, REQUEST, 3)


async def test_limits(previews: Previews, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FILE_BYTES", 10)
    with pytest.raises(TooLargeError, match="by its path"):
        async with previews.arrived("text/csv", _body(b"x" * 11), None):
            pass
    monkeypatch.setattr(module, "MOST_HELD_BYTES", 15)
    async with previews.arrived("text/csv", _body(b"x" * 10), None):
        with pytest.raises(QuotaExceededError):
            async with previews.arrived("text/csv", _body(b"x" * 10), None):
                pass
    async with previews.arrived("text/csv", _body(b"x" * 10), None):
        pass
    assert _kept(folder) == []


async def test_paths(mounts: Mounts, previews: Previews, tmp_path: Path) -> None:
    file = tmp_path / "share" / "data.csv"
    file.write_bytes(b"a,b\n1,2\n")
    assert (await previews.of_path(ACME, str(file), REQUEST)).rows == ((1, 2),)
    with pytest.raises(NotFoundError):
        await previews.of_path(ACME, f"{file}.gone", REQUEST)
    for path in ("data.csv", str(tmp_path / "data.csv"), str(tmp_path / "share")):
        with pytest.raises(InvalidFieldError) as error:
            await previews.of_path(ACME, path, REQUEST)
        assert error.value.violations[0].field == "file_path"
    nowhere = Previews(mounts, FileConnector([]), tmp_path)
    with pytest.raises(InvalidFieldError, match="HEADRACE_ALLOWED_ROOTS"):
        await nowhere.of_path(ACME, str(file), REQUEST)


async def test_paths_of_mounts(mounts: Mounts, previews: Previews, tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "data.csv").write_bytes(b"a,b\n1,2\n")
    await mounts.mount(ACME, "/mnt/share", Place(StorageType.LOCAL, str(inbox)))
    shown = await previews.of_path(ACME, "/mnt/share/data.csv", REQUEST)
    assert (shown.rows, shown.file_size_bytes) == (((1, 2),), 8)
    with pytest.raises(NotFoundError):
        await previews.of_path(ACME, "/mnt/share/gone.csv", REQUEST)
    with pytest.raises(InvalidFieldError, match=r"no part '.' or '..'"):
        await previews.of_path(ACME, "/mnt/share/../data.csv", REQUEST)
    # Of another tenant the path is one of the server, and below no folder that is allowed.
    with pytest.raises(InvalidFieldError, match="below no folder"):
        await previews.of_path(
            Principal("globex", frozenset(Scope), None), "/mnt/share/data.csv", REQUEST
        )


async def test_a_pipe_is_no_file(previews: Previews, tmp_path: Path) -> None:
    pipe = tmp_path / "share" / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InvalidFieldError, match="is no file"):
        await previews.of_path(ACME, str(pipe), REQUEST)


async def test_a_preview_ends_in_time(
    mounts: Mounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.01)
    previews = Previews(mounts, FileConnector([tmp_path]), tmp_path / "previews")
    file = tmp_path / "slow.csv"
    file.write_bytes(b'"x",1,2,3,4\n' * 2_000_000)
    with pytest.raises(StorageUnavailableError, match="sample_bytes"):
        await previews.of_path(ACME, str(file), PreviewRequest("slow.csv", sample_bytes=2 << 20))
