import asyncio
import gzip
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from object_servers import AzureServer, GcsServer, ObjectServer, serving
from storage_servers import REACH, S3Server

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts import listing, remote
from headrace_server.connectors.mounts.opening import open_store
from headrace_server.connectors.mounts.remote import RemoteStore
from headrace_server.model.storage import Place, StorageType

LIMIT = 1 << 40


class Objects(Protocol):
    """A bucket of some provider's, to put objects into and to mount."""

    def put(self, key: str, content: bytes) -> None: ...
    def delete(self, key: str) -> None: ...
    def place(self, path: str) -> Place: ...


class S3Objects:
    def __init__(self, server: S3Server, bucket: str) -> None:
        self._server = server
        self._bucket = bucket
        server.system.mkdir(bucket)

    def put(self, key: str, content: bytes) -> None:
        self._server.system.pipe_file(f"{self._bucket}/{key}", content)

    def delete(self, key: str) -> None:
        self._server.system.rm_file(f"{self._bucket}/{key}")

    def place(self, path: str) -> Place:
        return self._server.place(path.replace("shop", self._bucket, 1))


class ServedObjects:
    def __init__(self, server: ObjectServer, kind: StorageType) -> None:
        self.server = server
        self._kind = kind

    def put(self, key: str, content: bytes) -> None:
        self.server.put(key, content)

    def delete(self, key: str) -> None:
        del self.server.objects["shop", key]

    def place(self, path: str) -> Place:
        if self._kind is StorageType.GCS:
            return Place(self._kind, f"gs://{path}", endpoint_url=self.server.url)
        named = {"account_name": "acme", "account_key": "aHVzaA=="}
        return Place(self._kind, f"abfs://{path}", named, endpoint_url=self.server.url)


@pytest.fixture(scope="module")
def gcs_server() -> Iterator[ObjectServer]:
    with serving(GcsServer()) as server:
        yield server


@pytest.fixture(scope="module")
def azure_server() -> Iterator[ObjectServer]:
    with serving(AzureServer()) as server:
        yield server


def reset(server: ObjectServer) -> ObjectServer:
    server.__init__(port=server.port)  # type: ignore[misc]  # as new
    return server


@pytest.fixture(params=["gcs", "azure"])
def served(request: pytest.FixtureRequest) -> ServedObjects:
    """A bucket whose server can be made to fail."""
    kind = {"gcs": StorageType.GCS, "azure": StorageType.AZURE}[request.param]
    return ServedObjects(reset(request.getfixturevalue(f"{request.param}_server")), kind)


@pytest.fixture(params=["s3", "gcs", "azure"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """An empty bucket of each kind."""
    if request.param == "s3":
        name = f"b{abs(hash(str(tmp_path)))}"
        return S3Objects(request.getfixturevalue("s3_server"), name)
    kind = {"gcs": StorageType.GCS, "azure": StorageType.AZURE}[request.param]
    return ServedObjects(reset(request.getfixturevalue(f"{request.param}_server")), kind)


@pytest.fixture
async def store(objects: Objects) -> AsyncIterator[RemoteStore]:
    """The folder `place` of a bucket that holds more."""
    objects.put("place/a.csv", b"a\n1\n")
    objects.put("place/in/b.csv", b"b\n")
    objects.put("place/in/deep/c.csv", b"")
    objects.put("place2/secret.csv", b"hush")
    objects.put("secret.csv", b"hush")
    opened = await asyncio.to_thread(open_store, objects.place("shop/place"), REACH)
    assert isinstance(opened, RemoteStore)
    yield opened
    await opened.close()


@pytest.fixture
async def served_store(served: ServedObjects) -> AsyncIterator[RemoteStore]:
    served.put("a.csv", b"a\n1\n")
    opened = open_store(served.place("shop"), REACH)
    assert isinstance(opened, RemoteStore)
    yield opened
    await opened.close()


async def paths(store: RemoteStore, folder: str = "", *, recursive: bool = True) -> list[str]:
    return [each.path for each in await store.list(folder, recursive=recursive)]


async def test_files_are_listed(store: RemoteStore) -> None:
    assert await paths(store) == ["a.csv", "in/b.csv", "in/deep/c.csv"]
    assert await paths(store, recursive=False) == ["a.csv"]
    assert await paths(store, "in") == ["in/b.csv", "in/deep/c.csv"]
    assert await paths(store, "in", recursive=False) == ["in/b.csv"]
    assert await paths(store, "none") == []


async def test_many_are_listed_page_by_page(store: RemoteStore, objects: Objects) -> None:
    for number in range(10):
        objects.put(f"place/many/{number}.csv", b"")
    assert await paths(store, "many") == [f"many/{number}.csv" for number in range(10)]


async def test_a_file_is_described_alike_wherever_it_is(
    store: RemoteStore, objects: Objects, tmp_path: Path
) -> None:
    info = await store.stat("a.csv")
    assert (info.path, info.size) == ("a.csv", 4)
    assert abs(datetime.now(UTC) - info.modified_at) < timedelta(hours=1)
    assert info.modified_at.tzinfo is UTC
    (listed,) = await store.list("", recursive=False)
    fetched = await store.fetch("a.csv", tmp_path / "copy", most_bytes=4)
    assert listed.fingerprint == fetched.fingerprint == info.fingerprint
    objects.put("place/a.csv", b"b\n2\n")
    assert (await store.stat("a.csv")).fingerprint != info.fingerprint


async def test_a_file_is_fetched_range_by_range(
    store: RemoteStore, objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_RANGE", 1 << 20)
    content = os.urandom((3 << 20) + 7)
    objects.put("place/a.csv", content)
    await store.fetch("a.csv", tmp_path / "copy", most_bytes=len(content))
    assert (tmp_path / "copy").read_bytes() == content
    await store.fetch("in/deep/c.csv", tmp_path / "empty", most_bytes=0)
    assert (tmp_path / "empty").read_bytes() == b""


async def test_a_file_is_read_here_and_there(store: RemoteStore, objects: Objects) -> None:
    content = os.urandom(3 << 20)
    objects.put("place/a.csv", content)

    def read() -> bytes:
        with store.open("a.csv") as file:
            file.seek(-7, os.SEEK_END)
            tail = file.read()
            file.seek(0)
            assert file.read() + tail == content + content[-7:]
            return tail

    assert await asyncio.to_thread(read) == content[-7:]


async def test_the_place_answers(store: RemoteStore, objects: Objects) -> None:
    await store.check()
    await store.free_bytes()
    assert store.folder_on_disk("in") is None


async def test_an_empty_bucket_is_a_place(objects: Objects) -> None:
    store = open_store(objects.place("shop"), REACH)
    await store.check()
    assert await store.list("", recursive=True) == []
    await store.close()


@pytest.mark.parametrize("path", ["none.csv", "in", "", "../secret.csv", "/a.csv", "in//b.csv"])
async def test_what_is_no_file_is_missing(store: RemoteStore, tmp_path: Path, path: str) -> None:
    with pytest.raises(MissingError):
        await store.stat(path)
    with pytest.raises(MissingError):
        await store.fetch(path, tmp_path / "copy", most_bytes=LIMIT)

    def read() -> None:
        with store.open(path):
            pass

    with pytest.raises(MissingError):
        await asyncio.to_thread(read)
    assert not (tmp_path / "copy").exists()


async def test_odd_keys(store: RemoteStore, objects: Objects, tmp_path: Path) -> None:
    names = ["\N{SNOWMAN} ü.csv", "'\"%2F;=[x]&+#.csv", " a.csv", "-rf", "a<b>.csv"]
    for name in names:
        objects.put(f"place/odd/{name}", name.encode())
    objects.put("place/odd/", b"")
    objects.put("place/odd/x//y.csv", b"no path")
    objects.put("place/odd/../y.csv", b"no path")
    assert set(await paths(store, "odd")) == {f"odd/{name}" for name in names}
    for number, name in enumerate(names):
        await store.fetch(f"odd/{name}", tmp_path / f"{number}", most_bytes=LIMIT)
        assert (tmp_path / f"{number}").read_bytes() == name.encode()


async def test_more_bytes_than_may_be_are_refused(store: RemoteStore, tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match=r"a\.csv has more than 3 bytes") as caught:
        await store.fetch("a.csv", tmp_path / "copy", most_bytes=3)
    assert not isinstance(caught.value, TemporaryError)
    assert not (tmp_path / "copy").exists()


async def test_more_files_than_may_be_are_refused(
    store: RemoteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MOST_ENTRIES", 2)
    with pytest.raises(ConnectorError, match="the mount holds more than 2 files"):
        await store.list("", recursive=True)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda objects: objects.put("place/a.csv", bytes(2 << 20)), TemporaryError),
        (lambda objects: objects.delete("place/a.csv"), MissingError),
    ],
)
async def test_a_file_that_changes_while_it_is_read_is_left_out(
    store: RemoteStore,
    objects: Objects,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Objects], None],
    error: type[ConnectorError],
) -> None:
    objects.put("place/a.csv", os.urandom(2 << 20))
    monkeypatch.setattr(remote, "_RANGE", 1 << 20)
    await store.check()
    bucket = store._opened
    assert bucket is not None
    read, waiting = bucket.read, [change]

    def read_and_see(*args: object) -> object:
        if args[1] and waiting:
            waiting.pop()(objects)
        return read(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(bucket, "read", read_and_see)
    with pytest.raises(error, match=r"a\.csv"):
        await store.fetch("a.csv", tmp_path / "copy", most_bytes=LIMIT)
    assert not (tmp_path / "copy").exists()


async def test_a_bucket_that_is_not_there_is_said(objects: Objects) -> None:
    place = objects.place("shop")
    store = open_store(replace(place, network_path=f"{place.network_path}x/in"), REACH)
    with pytest.raises(
        ConnectorError, match=r"no such (file, folder or )?(bucket|container)"
    ) as caught:
        await store.check()
    assert not isinstance(caught.value, TemporaryError)
    await store.close()


async def test_private_addresses_are_refused(objects: Objects) -> None:
    place = objects.place("shop")
    numbered = open_store(place, replace(REACH, hosts=()))
    named = open_store(
        replace(place, endpoint_url=place.endpoint_url.replace("127.0.0.1", "localhost")),
        replace(REACH, hosts=()),
    )
    for store in (numbered, named):
        with pytest.raises(ConnectorError, match="is a private address") as caught:
            await store.check()
        assert not isinstance(caught.value, TemporaryError)
        await store.close()


async def test_nobody_listens(objects: Objects, unused_port: int) -> None:
    place = replace(objects.place("shop"), endpoint_url=f"http://127.0.0.1:{unused_port}")
    store = open_store(place, REACH)
    with pytest.raises(TemporaryError, match="cannot be reached now"):
        await store.check()
    await store.close()


async def test_a_server_that_never_answers(served: ServedObjects) -> None:
    served.server.silent = True
    store = open_store(served.place("shop"), replace(REACH, timeout=0.1))
    with pytest.raises(TemporaryError, match=r"cannot be reached now|does not answer"):
        await store.check()
    await store.close()


async def test_a_cut_is_gone_on_from(
    served: ServedObjects, served_store: RemoteStore, tmp_path: Path
) -> None:
    content = os.urandom(3 << 20)
    served.put("a.csv", content)
    served.server.cuts = [1 << 20]
    await served_store.fetch("a.csv", tmp_path / "copy", most_bytes=LIMIT)
    assert (tmp_path / "copy").read_bytes() == content


async def test_a_file_that_never_comes_whole_is_left_out(
    served: ServedObjects,
    served_store: RemoteStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote, "_TRIES", 1)
    served.server.cuts = [0] * 100
    with pytest.raises(TemporaryError, match="cannot be reached now"):
        await served_store.fetch("a.csv", tmp_path / "copy", most_bytes=LIMIT)
    assert not (tmp_path / "copy").exists()


async def test_packed_files_are_taken_as_they_are(
    served: ServedObjects, served_store: RemoteStore, tmp_path: Path
) -> None:
    packed = gzip.compress(b"a\n" * 1000)
    served.server.put("a.csv.gz", packed, packed=True)
    info = await served_store.fetch("a.csv.gz", tmp_path / "copy", most_bytes=LIMIT)
    assert (tmp_path / "copy").read_bytes() == packed
    assert info.size == len(packed)


async def test_nobody_is_sent_on_to_private_addresses(
    served: ServedObjects, served_store: RemoteStore, tmp_path: Path
) -> None:
    served.server.redirect = "http://169.254.169.254/latest/meta-data"
    with pytest.raises(ConnectorError):
        await served_store.fetch("a.csv", tmp_path / "copy", most_bytes=LIMIT)
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize(
    ("status", "words", "error"),
    [
        (403, "not permitted|do not permit", ConnectorError),
        (400, "the store refuses", ConnectorError),
        (429, "the store is busy", TemporaryError),
        (503, "the store is busy", TemporaryError),
    ],
)
async def test_what_the_store_says_is_told(
    served: ServedObjects,
    served_store: RemoteStore,
    status: int,
    words: str,
    error: type[ConnectorError],
) -> None:
    served.server.status = status
    with pytest.raises(ConnectorError, match=words) as caught:
        await served_store.stat("a.csv")
    assert type(caught.value) is error
    assert "hush" not in str(caught.value)


async def test_a_package_that_is_missing_is_named(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("aiobotocore.config", "google.auth", "azure.core"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("s3", "gcs", "azure"):
        monkeypatch.delitem(sys.modules, f"headrace_server.connectors.mounts.{name}", raising=False)
    with pytest.raises(ConnectorError, match=r"install headrace-server\[(s3|gcs|azure)\]"):
        open_store(objects.place("shop"), REACH)
