import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from headrace_server.connectors.base import ConnectorError, TemporaryError
from headrace_server.connectors.filesystem import FileConnector

from .conftest import CALL


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "deep").mkdir(parents=True)
    return tmp_path / "root"


def all_below(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*"))


@pytest.fixture
def files(root: Path) -> FileConnector:
    return FileConnector([root])


@pytest.mark.parametrize("name", ["a.json", "deep/a.ndjson", "a%20b.jsonl", "A.JSON"])
@pytest.mark.parametrize("records", [[{"a": 1}], [{"a": 1}, {"a": None}]])
async def test_what_is_written_is_read_again(
    root: Path, files: FileConnector, name: str, records: list[dict[str, object]]
) -> None:
    address = f"file://{root}/{name}"
    files.check(address, written=True)
    output = await files.write(address, records, CALL)
    assert output["records"] == len(records)
    assert await files.read(address, CALL) == records
    assert not [name for name in all_below(root) if name.startswith(".")]


async def test_a_file_is_replaced_as_a_whole(root: Path, files: FileConnector) -> None:
    await files.write(f"file:{root}/a.json", [{"a": "x" * 1000}], CALL)
    await files.write(f"file:{root}/a.json", [{"a": Decimal("1.10")}], CALL)
    assert (root / "a.json").read_bytes() == b'{"a":"1.10"}'


async def test_moments_are_texts(root: Path, files: FileConnector) -> None:
    await files.write(f"file:{root}/a.ndjson", [{"a": datetime(2026, 1, 2, tzinfo=UTC)}], CALL)
    assert (root / "a.ndjson").read_bytes() == b'{"a":"2026-01-02T00:00:00Z"}\n'


@pytest.mark.parametrize(
    "path",
    ["{root}/../secret.json", "{root}/link.json", "{root}/folder/secret.json", "/etc/a.json"],
)
async def test_nothing_beyond_the_roots_is_touched(
    root: Path, files: FileConnector, path: str
) -> None:
    secret = root.parent / "secret.json"
    secret.write_text("{}")
    (root / "link.json").symlink_to(secret)
    (root / "folder").symlink_to(root.parent)
    address = "file:" + path.format(root=root)
    files.check(address, written=False)
    with pytest.raises(ConnectorError, match="below no folder"):
        await files.read(address, CALL)
    with pytest.raises(ConnectorError, match="below no folder"):
        await files.write(address, [{"a": 1}], CALL)
    assert secret.read_text() == "{}"


async def test_a_link_within_the_roots_is_followed(root: Path, files: FileConnector) -> None:
    (root / "deep" / "a.json").write_text('{"a": 1}')
    (root / "link").symlink_to(root / "deep")
    assert await files.read(f"file:{root}/link/a.json", CALL) == [{"a": 1}]


async def test_a_root_that_is_a_link_is_a_root(root: Path) -> None:
    (root / "a.json").write_text('{"a": 1}')
    (root.parent / "alias").symlink_to(root)
    files = FileConnector([root.parent / "alias"])
    assert await files.read(f"file:{root.parent}/alias/a.json", CALL) == [{"a": 1}]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.json", "No such file"),
        ("none/a.json", "No such file"),
        ("folder.json", "is no file"),
        ("pipe.json", "is no file"),
        ("file.json/a.json", "Not a directory"),
        ("broken.json", "is no JSON"),
        ("broken.ndjson", "is no JSON"),
        ("number.json", "no JSON object"),
        ("long.json", "more than 100 bytes"),
    ],
)
async def test_what_cannot_be_read_is_said_for_good(root: Path, name: str, words: str) -> None:
    (root / "folder.json").mkdir()
    os.mkfifo(root / "pipe.json")
    (root / "file.json").write_text("{}")
    (root / "broken.json").write_text("{")
    (root / "broken.ndjson").write_text('{}\n{"a\n')
    (root / "number.json").write_text("1")
    (root / "long.json").write_text(" " * 101)
    files = FileConnector([root], max_bytes=100)
    with pytest.raises(ConnectorError, match=words) as caught:
        await files.read(f"file:{root}/{name}", CALL)
    assert not isinstance(caught.value, TemporaryError)


@pytest.mark.parametrize("name", ["none/a.json", "folder.json"])
async def test_what_cannot_be_written_leaves_nothing(
    root: Path, files: FileConnector, name: str
) -> None:
    (root / "folder.json").mkdir()
    before = all_below(root)
    with pytest.raises(ConnectorError):
        await files.write(f"file:{root}/{name}", [{}], CALL)
    assert all_below(root) == before


async def test_a_name_that_no_disk_takes_is_an_error(root: Path, files: FileConnector) -> None:
    with pytest.raises(ConnectorError, match="File name too long"):
        await files.write(f"file:{root}/{'a' * 300}.json", [{}], CALL)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("file:a.json", "addressed as"),
        ("file://host/a.json", "addressed as"),
        ("file:///a%00.json", "addressed as"),
        ("file://[/a.json", "no URL"),
        ("file:///a.csv", "must end in one of .json, .ndjson, .jsonl"),
    ],
)
def test_what_is_no_address_is_refused_at_once(
    files: FileConnector, address: str, words: str
) -> None:
    with pytest.raises(ConnectorError, match=words):
        files.check(address, written=False)


def test_without_roots_nothing_is_allowed() -> None:
    with pytest.raises(ConnectorError, match="HEADRACE_ALLOWED_ROOTS"):
        FileConnector([]).check("file:///a.json", written=False)
