"""Previews, as 4-mvp-features.md documents them."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from headrace_client import Client, HeadraceError

from .conftest import Json, Site, bad_fields, ok, reason, running_site

pytestmark = pytest.mark.asyncio(loop_scope="module")

DIALECTS = Path(__file__).parents[1] / "data" / "dialects"
FILE = "/api/v1/mvp/preview/file"
PATH = "/api/v1/mvp/preview/path"
ROWS = b"""\
id,name,email,created_at
1,John Doe,john@example.com,2024-01-15T10:00:00Z
2,Jane Roe,jane@example.com,2024-01-16T11:30:00Z
3,"Poe, Jim",,2024-01-17T00:00:00Z
"""
TYPES = {"id": "integer", "name": "string", "email": "string", "created_at": "datetime"}
FIRST = {
    "id": 1,
    "name": "John Doe",
    "email": "john@example.com",
    "created_at": "2024-01-15T10:00:00Z",
}


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the server allows."""
    return tmp_path_factory.mktemp("share")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def previewing(share: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("previews")
    async with running_site(folder, worker=False, allowed_roots=str(share)) as running:
        yield running


def _as_documented(body: Json) -> None:
    documented = {
        "file_name": "data.csv",
        "file_size_bytes": str(len(ROWS)),
        "detected_format": "csv",
        "detected_encoding": "utf-8",
        "detected_delimiter": ",",
        "columns": ["id", "name", "email", "created_at"],
        "data_types": TYPES,
        "rows_previewed": 3,
        "estimated_total_rows": "3",
    }
    assert documented.items() <= body.items()
    assert body["preview_data"][0] == FIRST
    assert body["preview_data"][2]["email"] is None


async def test_the_documented_form(previewing: Site) -> None:
    form = {"delimiter": ",", "encoding": "utf-8", "limit": "100"}
    answer = await previewing.rest.post(
        FILE,
        data=form,
        files={"file": ("data.csv", ROWS)},
        headers={"Authorization": "Bearer whatever"},
    )
    _as_documented(ok(answer))


async def test_the_documented_path(previewing: Site, share: Path) -> None:
    file = share / "data.csv"
    file.write_bytes(ROWS)
    answer = await previewing.rest.post(PATH, json={"file_path": str(file), "limit": 100})
    _as_documented(ok(answer))


async def test_all_that_an_answer_says(previewing: Site) -> None:
    body = ok(await previewing.rest.post(FILE, params={"file_name": "data.csv"}, content=ROWS))
    _as_documented(body)
    beyond = {
        "has_header": True,
        "detected_quote": '"',
        "detected_compression": "none",
        "preamble_rows": 0,
        "line_terminator": "\n",
        "rows_are_exact": True,
        "sample_bytes": str(len(ROWS)),
        "ragged_rows": 0,
        "unreadable_rows": 0,
        "truncated_cells": 0,
        "sheets": [],
    }
    assert beyond.items() <= body.items()
    assert body["column_details"][3] == {
        "name": "created_at",
        "data_type": "datetime",
        "sql_type": "TIMESTAMP WITH TIME ZONE",
        "confidence": body["column_details"][3]["confidence"],
        "date_format": "",
        "decimal_mark": ".",
    }
    assert set(body["confidences"]) == {"format", "encoding", "dialect", "header"}
    assert body["confidence"] == min(body["confidences"].values())


async def test_options_after_the_file_and_in_the_query_say_the_same(previewing: Site) -> None:
    data = b"x\ty\n007\t1,5\n"
    options = {"has_header": "false", "delimiter": "\\t", "limit": "1"}
    query = ok(await previewing.rest.post(FILE, params=options, content=gzip.compress(data)))
    boundary = "b"
    parts = [b'--b\r\nContent-Disposition: form-data; name="file"; filename="file"\r\n\r\n', data]
    parts += [
        f'\r\n--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}'.encode()
        for name, text in options.items()
    ]
    kind = {"content-type": f"multipart/form-data; boundary={boundary}"}
    content = b"".join([*parts, b"\r\n--b--\r\n"])
    form = ok(await previewing.rest.post(FILE, content=content, headers=kind))
    assert query["detected_compression"] == "gzip"
    same = set(form) - {"detected_compression", "file_size_bytes"}
    assert {key: form[key] for key in same} == {key: query[key] for key in same}
    assert form["preview_data"] == [{"column_1": "x", "column_2": "y"}]
    assert form["detected_format"] == "tsv"


async def test_numbers_that_json_would_change_are_strings(previewing: Site) -> None:
    line = {"big": 9007199254740993, "exact": 9007199254740992, "fine": 0.1}
    text = json.dumps(line)[:-1] + ', "deep": 0.12345678901234567890, "not": NaN}\n'
    body = ok(await previewing.rest.post(FILE, params={"file_name": "n.ndjson"}, content=text * 2))
    assert body["detected_format"] == "ndjson"
    assert body["preview_data"][0] == {
        "big": "9007199254740993",
        "exact": 9007199254740992,
        "fine": 0.1,
        "deep": "0.12345678901234567890",
        "not": "NaN",
    }


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [
        ("limit", "0", "limit"),
        ("limit", "many", "limit"),
        ("delimiter", ",,", "delimiter"),
        ("encoding", "klingon", "encoding"),
        ("has_header", "perhaps", "has_header"),
        ("sample_bytes", "99999999999", "sample_bytes"),
        ("colour", "red", "body.colour"),
    ],
)
async def test_a_wrong_option_is_named(
    previewing: Site, option: str, value: str, field: str
) -> None:
    files = {"file": ("data.csv", ROWS)}
    answer = await previewing.rest.post(FILE, data={option: value}, files=files)
    assert bad_fields(answer) == [field]


async def test_a_form_has_one_file(previewing: Site) -> None:
    two = [("file", ("a.csv", ROWS)), ("file", ("b.csv", ROWS))]
    assert bad_fields(await previewing.rest.post(FILE, files=two)) == ["body.file"]
    other = {"data": ("a.csv", ROWS)}
    assert bad_fields(await previewing.rest.post(FILE, files=other)) == ["body.data"]
    none = {"limit": (None, "5")}
    assert bad_fields(await previewing.rest.post(FILE, files=none)) == ["body"]


async def test_what_is_no_table_is_refused(previewing: Site) -> None:
    answer = await previewing.rest.post(FILE, content=b"%PDF-1.7 ...")
    assert reason(answer) == "UNSUPPORTED_FORMAT"
    assert bad_fields(answer) == ["file"]


async def test_paths_stay_below_the_allowed_folders(
    previewing: Site, share: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(ROWS)
    link = share / "link.csv"
    link.symlink_to(secret)
    inside = share / "inside.csv"
    inside.symlink_to(share / "there.csv")
    (share / "there.csv").write_bytes(ROWS)
    for path in (str(secret), str(link), f"{share}/../{secret}", "relative.csv", str(share)):
        answer = await previewing.rest.post(PATH, json={"file_path": path})
        assert bad_fields(answer) == ["file_path"]
    ok(await previewing.rest.post(PATH, json={"file_path": str(inside)}))
    answer = await previewing.rest.post(PATH, json={"file_path": f"{share}/none.csv"})
    assert (answer.status_code, reason(answer)) == (404, "NOT_FOUND")


async def test_nothing_is_kept(previewing: Site) -> None:
    ok(await previewing.rest.post(FILE, content=ROWS))
    folder = previewing.core.config.spool_dir / "previews"
    assert list(folder.iterdir()) == []


async def test_the_client_sends_of_a_large_text_only_its_beginning(
    previewing: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace_client.previews._WHOLE_UP_TO", 1 << 20)
    file = tmp_path / "large.csv"
    line = b"%07d,name,2024-01-15\n"
    file.write_bytes(b"id,name,day\n" + b"".join(line % n for n in range(1_000_000, 1_200_000)))
    async with Client(previewing.grpc) as client:
        found = await client.preview_file(file, limit=7)
        assert found.file_size_bytes == file.stat().st_size
        assert not found.rows_are_exact
        assert 190_000 < found.estimated_total_rows < 210_000
        assert (found.rows_previewed, found.data_types["id"]) == (7, "integer")


async def test_the_client_sends_other_files_whole(
    previewing: Site, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace_client.previews._WHOLE_UP_TO", 10)
    file = DIALECTS / "2010-summary.gz.parquet"
    (share / file.name).write_bytes(file.read_bytes())
    async with Client(previewing.grpc) as client:
        found = await client.preview_file(file)
        assert (found.detected_format, found.estimated_total_rows) == ("parquet", 255)
        assert await client.preview_path(str(share / file.name)) == found
        with pytest.raises(HeadraceError, match="encoding"):
            await client.preview_file(file, encoding="klingon")
