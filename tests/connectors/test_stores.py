import asyncio
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.dirfs import DirFileSystem

from headrace_server.connectors.base import ConnectorError, TemporaryError
from headrace_server.connectors.roots import Root, root_of
from headrace_server.connectors.stores import StoreConnector

from .conftest import CALL


def below(root: Root, name: str) -> str:
    return f"{root.place.url}/{name}" if root.place.path else f"{root.place.url}{name}"


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    """The store in this process's memory, empty."""
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()


@pytest.fixture(params=["memory", "s3", "dir"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Root:
    """An empty root of each kind: put at once; over a network; put beside and moved."""
    if request.param == "memory":
        request.getfixturevalue("memory")
        return root_of("memory://in", {})
    if request.param == "dir":
        return root_of("dir://", {"path": str(tmp_path), "target_protocol": "file"})
    name = tmp_path.name.replace("_", "-")
    return root_of(f"s3://shop/{name}", request.getfixturevalue("s3_options"))


@pytest.mark.parametrize(
    ("name", "records"),
    [
        ("a.json", [{"a": 1, "b": {"c": [None, "\N{SNOWMAN}"]}}]),
        ("a.JSON", [{"a": 1}, {"a": 2}]),
        ("a.ndjson", [{"a": 1}, {"a": 2}]),
        ("a.jsonl", []),
    ],
)
async def test_what_is_written_is_read(root: Root, name: str, records: list[Any]) -> None:
    stores, address = StoreConnector([root]), below(root, name)
    stores.check(address, written=True)
    await stores.write(address, [{"old": "x" * 100}], CALL)
    output = await stores.write(address, records, CALL)
    assert output["records"] == len(records)
    assert await stores.read(address, CALL) == records


async def test_what_is_not_there_is_said(root: Root) -> None:
    address = below(root, "a.json")
    with pytest.raises(ConnectorError, match="no such file, folder or bucket") as caught:
        await StoreConnector([root]).read(address, CALL)
    assert not isinstance(caught.value, TemporaryError)


async def test_nothing_is_left_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stores = StoreConnector([root_of("dir://", {"path": str(tmp_path), "target_protocol": "file"})])
    await stores.write("dir://a.json", [{"a": 1}], CALL)

    def mv(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(DirFileSystem, "mv", mv)
    with pytest.raises(ConnectorError, match="does not permit it"):
        await stores.write("dir://a.json", [{"a": 2}], CALL)
    assert os.listdir(tmp_path) == ["a.json"]  # noqa: PTH208  # not while others wait
    assert await stores.read("dir://a.json", CALL) == [{"a": 1}]


async def test_a_file_that_is_too_long_is_not_read(root: Root) -> None:
    address = below(root, "a.json")
    await StoreConnector([root]).write(address, [{"a": 1}], CALL)
    assert await StoreConnector([root], max_bytes=7).read(address, CALL) == [{"a": 1}]
    with pytest.raises(ConnectorError, match="more than 6 bytes"):
        await StoreConnector([root], max_bytes=6).read(address, CALL)


async def test_an_archive_is_read_only(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("in/a.json", json.dumps({"a": 1}))
        archive.writestr("bomb.json", b" " * (50 << 20))
    stores = StoreConnector([root_of("zip://", {"fo": str(tmp_path / "a.zip")})])
    assert await stores.read("zip://in/a.json", CALL) == [{"a": 1}]
    with pytest.raises(ConnectorError, match="more than 8388608 bytes"):
        await stores.read("zip://bomb.json", CALL)
    with pytest.raises(ConnectorError, match="zip: archives can only be read"):
        stores.check("zip://in/a.json", written=True)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("memory://out/a.json", "below no root"),
        ("memory://in/a.txt", r"end in one of \.json, \.ndjson"),
        ("memory://in/../out/a.json", r"no \.\."),
        ("memory://in", "below no root"),
    ],
)
def test_what_is_not_allowed_is_refused_at_once(address: str, words: str) -> None:
    with pytest.raises(ConnectorError, match=words):
        StoreConnector([root_of("memory://in", {})]).check(address, written=False)


def test_the_innermost_root_counts() -> None:
    stores = StoreConnector([root_of(url, {}) for url in ("memory://a", "memory://a/b")])
    assert stores.host_of("memory://a/b/c.json") == "memory://a/b"
    assert stores.host_of("MEMORY://a/c.json") == "memory://a"


class _FaultySystem:
    """A file system that raises, or never answers."""

    async_impl = False

    def __init__(self, error: Exception | threading.Event) -> None:
        self._error = error

    @staticmethod
    def _strip_protocol(url: str) -> str:
        return url

    def open(self, path: str, mode: str) -> None:
        if isinstance(self._error, threading.Event):
            self._error.wait()
            return
        raise self._error


def _faulty(error: Exception | threading.Event) -> StoreConnector:
    stores = StoreConnector([root_of("memory://in", {})], timeout=0.05)
    stores._stores[0]._system = _FaultySystem(error)
    return stores


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError("key secret"), "does not permit it"),
        (IsADirectoryError("secret"), "it is a folder"),
        (NotADirectoryError("secret"), "part of it is no folder"),
        (NotImplementedError("secret"), r"cannot do that \(NotImplementedError\)"),
    ],
)
async def test_what_trying_again_does_not_mend_is_final(error: Exception, words: str) -> None:
    with pytest.raises(ConnectorError, match=words) as caught:
        await _faulty(error).read("memory://in/a.json", CALL)
    assert not isinstance(caught.value, TemporaryError)
    assert "secret" not in str(caught.value)


async def test_a_broken_session_is_opened_again(memory: fsspec.AbstractFileSystem) -> None:
    memory.pipe_file("/in/a.json", b"{}")
    stores = _faulty(EOFError("secret"))
    with pytest.raises(TemporaryError, match=r"cannot be reached now \(EOFError\)"):
        await stores.read("memory://in/a.json", CALL)
    assert await stores.read("memory://in/a.json", CALL) == [{}]


async def test_a_store_that_hangs_is_not_waited_for() -> None:
    hung = threading.Event()
    with pytest.raises(TemporaryError, match=r"took longer than 0\.05 s"):
        await _faulty(hung).read("memory://in/a.json", CALL)
    hung.set()
    await asyncio.sleep(0)


async def test_many_are_written_at_once(s3_options: dict[str, Any]) -> None:
    stores = StoreConnector([root_of("s3://shop/many", s3_options)])
    addresses = [f"s3://shop/many/{number}.json" for number in range(40)]
    await asyncio.gather(*(stores.write(each, [{"at": each}], CALL) for each in addresses))
    found = await asyncio.gather(*(stores.read(each, CALL) for each in addresses))
    assert [records[0]["at"] for records in found] == addresses


async def test_a_bucket_that_is_not_there_is_said(s3_options: dict[str, Any]) -> None:
    stores = StoreConnector([root_of("s3://nowhere", s3_options)])
    with pytest.raises(ConnectorError, match="no such file, folder or bucket"):
        await stores.write("s3://nowhere/a.json", [{}], CALL)
