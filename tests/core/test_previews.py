import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace_server.connectors.filesystem import FileConnector
from headrace_server.core import previews as module
from headrace_server.core.previews import Previews
from headrace_server.files.previewing.request import PreviewRequest
from headrace_server.model.errors import (
    InvalidFieldError,
    NotFoundError,
    QuotaExceededError,
    StorageUnavailableError,
    TooLargeError,
    WrongLengthError,
)

FORM = "multipart/form-data; boundary=b"
REQUEST = PreviewRequest("data.csv")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where files are kept as long as a call lasts."""
    return tmp_path / "previews"


@pytest.fixture
def previews(tmp_path: Path, folder: Path) -> Previews:
    """Previews, with a folder that is allowed."""
    (tmp_path / "share").mkdir()
    return Previews(FileConnector([tmp_path / "share"]), folder)


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


async def test_paths(previews: Previews, tmp_path: Path) -> None:
    file = tmp_path / "share" / "data.csv"
    file.write_bytes(b"a,b\n1,2\n")
    assert (await previews.of_path(str(file), REQUEST)).rows == ((1, 2),)
    with pytest.raises(NotFoundError):
        await previews.of_path(f"{file}.gone", REQUEST)
    for path in ("data.csv", str(tmp_path / "data.csv"), str(tmp_path / "share")):
        with pytest.raises(InvalidFieldError) as error:
            await previews.of_path(path, REQUEST)
        assert error.value.violations[0].field == "file_path"
    nowhere = Previews(FileConnector([]), tmp_path)
    with pytest.raises(InvalidFieldError, match="HEADRACE_ALLOWED_ROOTS"):
        await nowhere.of_path(str(file), REQUEST)


async def test_a_pipe_is_no_file(previews: Previews, tmp_path: Path) -> None:
    pipe = tmp_path / "share" / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InvalidFieldError, match="is no file"):
        await previews.of_path(str(pipe), REQUEST)


async def test_a_preview_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.01)
    previews = Previews(FileConnector([tmp_path]), tmp_path / "previews")
    file = tmp_path / "slow.csv"
    file.write_bytes(b'"x",1,2,3,4\n' * 2_000_000)
    with pytest.raises(StorageUnavailableError, match="sample_bytes"):
        await previews.of_path(str(file), PreviewRequest("slow.csv", sample_bytes=2 << 20))
