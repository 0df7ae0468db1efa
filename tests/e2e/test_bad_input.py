"""Bad input: a clear error, or a reject that names line and column, and the good rows in."""

import gzip
import io
import json
import zipfile

import pytest

from .conftest import COMPREHENSIVE, Json, Site, bad_fields, lines, new_id, ok, product, reason

pytestmark = pytest.mark.asyncio(loop_scope="module")

Rejected = tuple[str, str | None, str]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def load(site: Site, mark: str, data: bytes) -> tuple[list[Rejected], list[Json]]:
    """Load a file of products and check that its good rows, those with the sku, are in."""
    ended = await site.load("products_1.ndjson", data)
    found = await site.select(f"SELECT count(*) FROM products WHERE sku = '{mark}'")
    assert found == [(int(ended["rows_loaded"]),)]
    rejects = await site.rejects(ended["request_id"])
    assert len(rejects) == int(ended["rows_rejected"])
    assert ended["status"] == ("COMPLETED_WITH_ERRORS" if rejects else "COMPLETED")
    assert all(each["message"] for each in rejects)
    return [(each["line"], each.get("column"), each["reason"]) for each in rejects], rejects


@pytest.mark.parametrize(
    ("changes", "column", "why"),
    [
        ({"price": True}, "price", "WRONG_TYPE"),
        ({"price": "cheap"}, "price", "INVALID_VALUE"),
        ({"price": "1.23456"}, "price", "OUT_OF_RANGE"),
        ({"price": 10**15}, "price", "OUT_OF_RANGE"),
        ({"active": "yes"}, "active", "WRONG_TYPE"),
        ({"sku": 7}, "sku", "WRONG_TYPE"),
        ({"sku": "x" * 101}, "sku", "TOO_LONG"),
        ({"sku": None}, "sku", "NULL_VALUE"),
        ({"name": "a\0b"}, "name", "NUL_CHARACTER"),
        ({"product_id": "not-a-uuid"}, "product_id", "INVALID_VALUE"),
        ({"created_at": "yesterday"}, "created_at", "INVALID_VALUE"),
        ({"colour": "red"}, "colour", "UNKNOWN_COLUMN"),
    ],
)
async def test_a_wrong_value(site: Site, changes: Json, column: str, why: str) -> None:
    mark = new_id()
    wrong = product(mark) | changes
    found, rejects = await load(site, mark, lines(product(mark), wrong, product(mark)))
    assert found == [("2", column, why)]
    assert json.loads(rejects[0]["raw"]) == wrong
    assert rejects[0]["raw_truncated"] is False


async def test_a_missing_key_and_one_that_comes_twice(site: Site) -> None:
    mark = new_id()
    short = product(mark)
    del short["price"]
    twice = lines(product(mark)).replace(b'{"product_id"', b'{"sku": "a", "product_id"')
    found, _ = await load(site, mark, lines(product(mark), short) + twice)
    assert found == [("2", "price", "MISSING_COLUMN"), ("3", "sku", "DUPLICATE_COLUMN")]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"product_id": "', "MALFORMED_JSON"),
        (b"nonsense", "MALFORMED_JSON"),
        (b'{"a": 1} {"b": 2}', "MALFORMED_JSON"),
        (b"[1, 2]", "NOT_AN_OBJECT"),
        (b'{"sku": "\xff\xfe"}', "INVALID_UTF8"),
    ],
)
async def test_a_broken_line_does_not_sink_its_neighbours(
    site: Site, line: bytes, why: str
) -> None:
    mark = new_id()
    good = lines(product(mark))
    found, rejects = await load(site, mark, good + line + b"\n" + lines(product(mark)))
    assert found == [("2", None, why)]
    assert rejects[0]["byte_offset"] == str(len(good))


async def test_byte_order_mark_crlf_blank_lines_and_no_last_line_end(site: Site) -> None:
    mark = new_id()
    rows = [lines(product(mark)).strip() for _ in range(3)]
    data = b"\xef\xbb\xbf" + b"\r\n\r\n".join(rows) + b"\r\nbroken"
    found, _ = await load(site, mark, data)
    assert found == [("6", None, "MALFORMED_JSON")]


async def test_a_line_of_20_mb(site: Site) -> None:
    mark = new_id()
    long = lines(product(mark, name="x" * 20_000_000))
    found, rejects = await load(site, mark, lines(product(mark)) + long + lines(product(mark)))
    assert found == [("2", None, "LINE_TOO_LONG")]
    assert rejects[0]["raw_truncated"] is True
    assert rejects[0]["raw"].startswith('{"product_id"')
    assert len(rejects[0]["raw"]) < 1_000_000


async def test_an_empty_file_is_complete(site: Site) -> None:
    ended = await site.load("products_1.ndjson", b"")
    assert (ended["status"], ended["rows_loaded"], ended["progress"]) == ("COMPLETED", "0", 100)


async def test_a_file_of_which_nothing_loads_is_failed(site: Site) -> None:
    ended = await site.load("products_1.ndjson", b"no\nnot\nnever\n")
    assert ended["status"] == "FAILED"
    assert (ended["rows_loaded"], ended["rows_rejected"]) == ("0", "3")


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("products.ndjson", "{}")
    return packed.getvalue()


@pytest.mark.parametrize(
    "data",
    [zipped(), b"\x7fELF\x02\x01\x01", b"PAR1....", "{}\n".encode("utf-16"), b"\0\1\2\3" * 100],
    ids=["zip", "program", "parquet", "utf-16", "binary"],
)
async def test_a_file_of_another_format_is_refused_at_once(site: Site, data: bytes) -> None:
    before = await site.get("/status", page_size=1)
    answer = await site.rest.post(
        COMPREHENSIVE, params={"file_name": "products_1.ndjson"}, content=data
    )
    assert bad_fields(answer) == ["file"]
    assert reason(answer) == "UNSUPPORTED_FORMAT"
    assert await site.get("/status", page_size=1) == before


@pytest.mark.parametrize("bomb", ["ratio", "zip inside"])
async def test_a_bad_gzip_ends_with_its_error(site: Site, bomb: str) -> None:
    if bomb == "ratio":
        data = gzip.compress(b'{"a": "' + b"x" * 200_000_000 + b'"}\n')
    else:
        data = gzip.compress(zipped())
    ended = await site.load("products_1.ndjson.gz", data)
    assert (ended["status"], ended["rows_loaded"]) == ("FAILED", "0")
    results = await site.get(f"/status/{ended['request_id']}/results")
    assert results["files"][0]["error"]
    assert ended["details"]


async def test_a_torn_gzip_is_an_error(site: Site) -> None:
    mark = new_id()
    whole = gzip.compress(lines(*(product(mark) for _ in range(500))))
    ended = await site.load("products_1.ndjson.gz", whole[:-20])
    assert ended["status"] == "FAILED"
    assert ended["details"]
    assert await site.select(f"SELECT count(*) FROM products WHERE sku = '{mark}'") == [(0,)]


POLICIES: dict[str, Json] = {
    "REJECT": {},
    "DISCARD": {"unknown_columns": "DISCARD"},
    "RESCUE": {"unknown_columns": "RESCUE", "rescue_column": "rest"},
}


@pytest.mark.parametrize("policy", list(POLICIES))
async def test_unknown_columns_under_each_policy(site: Site, policy: str) -> None:
    table = f"{policy.lower()}s_{new_id()[:8]}"
    columns = [
        {"name": "id", "type": "INTEGER"},
        {"name": "text", "type": "string", "nullable": True, "max_length": 9},
    ]
    if policy == "RESCUE":
        columns.append({"name": "rest", "type": "JSON", "nullable": True})
    declared = {"name": table, "columns": columns, "primary_key": ["id"]} | POLICIES[policy]
    contract = ok(
        await site.rest.post("/api/v1/contracts", json={"name": table, "tables": [declared]})
    )
    assert contract["tables"][0]["unknown_columns"] == policy
    data = lines({"id": 1, "text": "a"}, {"id": 2, "text": "b", "extra": {"x": 1}})
    ended = await site.load(f"{table}.ndjson", data)
    if policy == "REJECT":
        (reject,) = await site.rejects(ended["request_id"])
        assert (reject["line"], reject["column"]) == ("2", "extra")
        assert (ended["rows_loaded"], ended["status"]) == ("1", "COMPLETED_WITH_ERRORS")
        return
    assert (ended["rows_loaded"], ended["status"]) == ("2", "COMPLETED")
    if policy == "RESCUE":
        rows = await site.select(f"SELECT rest FROM {table} ORDER BY id")
        assert rows[0] == (None,)
        assert json.loads(rows[1][0]) == {"extra": {"x": 1}}
