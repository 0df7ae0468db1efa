"""Resumable uploads, from the first byte to the tables, on both engines."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from .conftest import (
    COMPREHENSIVE,
    SESSIONS,
    Json,
    Site,
    bad_fields,
    customer,
    detail,
    lines,
    new_id,
    ok,
    order,
    reason,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def opened(site: Site, data: bytes, name: str = "customers_1.ndjson", **said: str) -> str:
    body = {"file_name": name, "total_bytes": len(data), **said}
    return str((await site.post(SESSIONS, body))["upload_token"])


async def cut(site: Site, token: str, data: bytes) -> None:
    """Send bytes and hang up in the middle of the request, once some have reached the server.

    Envoy passes them on by the megabyte.
    """

    async def body() -> AsyncIterator[bytes]:
        yield data
        while not _spooled_bytes(site, token):
            await asyncio.sleep(0.01)
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await site.rest.patch(f"{SESSIONS}/{token}", params={"offset": 0}, content=body())


def _spooled_bytes(site: Site, token: str) -> int:
    folder = site.core.config.spool_dir / "uploads" / token
    return sum(part.stat().st_size for part in folder.glob("*.part"))


async def acknowledged(site: Site, token: str) -> Json:
    """Ask for the status until the server has noticed the cut."""
    while True:
        session = await site.get(f"{SESSIONS}/{token}/status")
        if session["offset"] != "0":
            return session
        await asyncio.sleep(0.01)


async def offset_of(site: Site, token: str) -> int:
    return int((await site.get(f"{SESSIONS}/{token}/status"))["offset"])


async def test_the_documented_flow(site: Site) -> None:
    """Cut at byte N, go on from there, complete, watch, read results and rejects, replay."""
    buyer, missing = new_id(), new_id()
    rows = [
        order(new_id(), buyer),
        order(new_id(), buyer, currency="POUND"),
        order(new_id(), missing),
        order(new_id(), buyer, total_amount="a lot"),
        *(order(new_id(), buyer, raw_payload={"padding": "x" * 30_000}) for _ in range(100)),
    ]
    data = lines(*rows)
    await site.load("customers_1.ndjson", lines(customer(buyer)))
    before = await table_rows(site, "orders")

    sha256 = hashlib.sha256(data).hexdigest()
    token = await opened(site, data, "orders_1.ndjson", sha256=sha256)
    await cut(site, token, data[:-1000])
    session = await acknowledged(site, token)
    assert (session["status"], session["total_bytes"]) == ("OPEN", str(len(data)))
    offset = int(session["offset"])
    assert 0 < offset <= _spooled_bytes(site, token) < len(data)
    rest = await site.rest.patch(f"{SESSIONS}/{token}?offset={offset}", content=data[offset:])
    assert ok(rest)["offset"] == str(len(data))
    completed = await site.post(f"{SESSIONS}/{token}/complete")
    assert completed["status"] == "COMPLETED"
    request_id = completed["request_id"]

    ended = await site.ended(request_id)
    assert ended["status"] == "COMPLETED_WITH_ERRORS"
    assert [ended[f"rows_{what}"] for what in ("loaded", "rejected", "parked")] == ["101", "2", "1"]

    results = await site.get(f"/status/{request_id}/results")
    assert results["status"] == "COMPLETED_WITH_ERRORS"
    (file,) = results["files"]
    assert (file["id"], file["data_type"], file["rows_loaded"]) == (
        "orders_1.ndjson",
        "orders",
        "101",
    )
    (chunk,) = results["chunks"]
    assert (chunk["first_line"], chunk["rows_read"], chunk["attempts"]) == ("1", "104", 1)

    currency, amount, parked = await site.rejects(request_id)
    assert (currency["line"], currency["column"], currency["reason"]) == (
        "2",
        "currency",
        "TOO_LONG",
    )
    assert currency["byte_offset"] == str(data.index(b"\n") + 1)
    assert json.loads(currency["raw"]) == rows[1]
    assert (amount["line"], amount["column"]) == ("4", "total_amount")
    assert "missing_parent" not in amount
    assert (parked["line"], parked["reason"]) == ("3", "MISSING_PARENT")
    assert parked["missing_parent"] == {
        "table": "customers", "column": "customer_id", "value": missing
    }  # fmt: skip
    assert parked["parked_since"].endswith("Z")

    mended = {"reject_id": currency["reject_id"], "raw": json.dumps(rows[1] | {"currency": "GBP"})}
    replay = await site.post(
        f"/api/v1/ingest/{request_id}/rejects/replay",
        {"corrections": [mended], "only_corrections": True},
    )
    assert replay["replayed"] == "1"
    assert int(replay["status"]["revision"]) > int(ended["revision"])
    ended = await site.ended(request_id)
    assert [ended[f"rows_{what}"] for what in ("loaded", "rejected", "parked")] == ["102", "1", "1"]

    await site.load("customers_2.ndjson", lines(customer(missing)))
    released = await site.get(f"/status/{request_id}")
    assert [released[f"rows_{w}"] for w in ("loaded", "rejected", "parked")] == ["103", "1", "0"]
    assert int(released["revision"]) > int(ended["revision"])
    assert [each["column"] for each in await site.rejects(request_id)] == ["total_amount"]
    assert await table_rows(site, "orders") == before + 103


async def table_rows(site: Site, table: str) -> int:
    tables = (await site.get("/api/v1/warehouse/tables"))["tables"]
    return sum(int(each["rows"]) for each in tables if each["name"] == table)


async def test_the_last_release_makes_an_ingestion_clean(site: Site) -> None:
    late = new_id()
    parked = await site.load("orders_1.ndjson", lines(order(new_id(), late)))
    assert (parked["status"], parked["rows_parked"]) == ("COMPLETED_WITH_ERRORS", "1")
    await site.load("customers_1.ndjson", lines(customer(late)))
    clean = await site.get(f"/status/{parked['request_id']}")
    assert (clean["status"], clean["rows_loaded"]) == ("COMPLETED", "1")
    assert int(clean["revision"]) > int(parked["revision"])


async def test_the_shape_of_a_session(site: Site) -> None:
    body = await site.post(SESSIONS + "/", {"file_name": "customers_1.ndjson"})
    assert set(body) == {
        "upload_token", "file_name", "data_type", "offset", "status", "expires_at"
    }  # fmt: skip
    assert (body["data_type"], body["offset"], body["status"]) == ("customers", "0", "OPEN")
    for slash in ("", "/"):
        assert await site.get(f"{SESSIONS}/{body['upload_token']}/status{slash}") == body


async def test_a_wrong_offset_changes_nothing_and_says_the_right_one(site: Site) -> None:
    data = lines(customer(new_id()))
    token = await opened(site, data)
    ok(await site.rest.patch(f"{SESSIONS}/{token}?offset=0", content=data[:10]))
    for offset in (0, 9, 11):
        answer = await site.rest.patch(f"{SESSIONS}/{token}?offset={offset}", content=data[10:])
        assert (answer.status_code, reason(answer)) == (400, "WRONG_OFFSET")
        assert detail(answer, "ErrorInfo")["metadata"]["offset"] == "10"
        assert detail(answer, "PreconditionFailure")["violations"]
    assert await offset_of(site, token) == 10


async def test_appending_needs_an_offset(site: Site) -> None:
    token = await opened(site, b"x")
    answer = await site.rest.patch(f"{SESSIONS}/{token}", content=b"x")
    assert bad_fields(answer) == ["offset"]


async def test_a_bad_chunk_checksum_discards_the_chunk(site: Site) -> None:
    data = lines(customer(new_id()))
    token = await opened(site, data)
    url = f"{SESSIONS}/{token}"
    answer = await site.rest.patch(url, params={"offset": 0, "sha256": "0" * 64}, content=data)
    assert (answer.status_code, reason(answer)) == (400, "CHECKSUM_MISMATCH")
    assert await offset_of(site, token) == 0
    good = hashlib.sha256(data).hexdigest()
    ok(await site.rest.patch(url, params={"offset": 0, "sha256": good}, content=data))
    assert await offset_of(site, token) == len(data)


async def test_the_declared_length_holds(site: Site) -> None:
    data = lines(customer(new_id()))
    token = await opened(site, data)
    long = await site.rest.patch(f"{SESSIONS}/{token}?offset=0", content=data + b"x")
    assert (long.status_code, reason(long)) == (400, "WRONG_LENGTH")
    start = int((await site.get(f"{SESSIONS}/{token}/status"))["offset"])
    assert start < len(data)
    short = await site.rest.post(f"{SESSIONS}/{token}/complete", json={})
    assert (short.status_code, reason(short)) == (400, "WRONG_LENGTH")
    assert (await site.get(f"{SESSIONS}/{token}/status"))["status"] == "FAILED"
    closed = await site.rest.patch(f"{SESSIONS}/{token}?offset={start}", content=data[start:])
    assert (closed.status_code, reason(closed)) == (400, "UPLOAD_CLOSED")
    assert (await site.post(f"{SESSIONS}/{token}/resume/"))["status"] == "OPEN"
    ok(await site.rest.patch(f"{SESSIONS}/{token}?offset={start}", content=data[start:]))
    completed = await site.post(f"{SESSIONS}/{token}/complete/")
    assert (await site.ended(completed["request_id"]))["rows_loaded"] == "1"


async def test_the_declared_checksum_holds(site: Site) -> None:
    data = lines(customer(new_id()))
    token = await opened(site, data, sha256="0" * 64)
    ok(await site.rest.patch(f"{SESSIONS}/{token}?offset=0", content=data))
    answer = await site.rest.post(f"{SESSIONS}/{token}/complete", json={})
    assert (answer.status_code, reason(answer)) == (400, "CHECKSUM_MISMATCH")
    assert (await site.get(f"{SESSIONS}/{token}/status"))["offset"] == "0"


async def test_a_completed_upload_takes_no_more_and_completes_again_the_same(site: Site) -> None:
    data = lines(customer(new_id()))
    token = await opened(site, data)
    ok(await site.rest.patch(f"{SESSIONS}/{token}?offset=0", content=data))
    first = await site.post(f"{SESSIONS}/{token}/complete")
    assert await site.post(f"{SESSIONS}/{token}/complete") == first
    more = await site.rest.patch(f"{SESSIONS}/{token}?offset={len(data)}", content=b"x")
    assert (more.status_code, reason(more)) == (400, "UPLOAD_CLOSED")
    abort = await site.rest.delete(f"{SESSIONS}/{token}")
    assert (abort.status_code, reason(abort)) == (400, "UPLOAD_CLOSED")
    await site.ended(first["request_id"])


async def test_zero_bytes_complete(site: Site) -> None:
    token = await opened(site, b"")
    completed = await site.post(f"{SESSIONS}/{token}/complete")
    ended = await site.ended(completed["request_id"])
    assert (ended["status"], ended["rows_loaded"], ended["progress"]) == ("COMPLETED", "0", 100)


async def test_an_aborted_session_is_gone(site: Site) -> None:
    token = await opened(site, b"12345")
    ok(await site.rest.patch(f"{SESSIONS}/{token}?offset=0", content=b"123"))
    assert ok(await site.rest.delete(f"{SESSIONS}/{token}/")) == {}
    calls = [
        site.rest.get(f"{SESSIONS}/{token}/status"),
        site.rest.patch(f"{SESSIONS}/{token}?offset=3", content=b"45"),
        site.rest.post(f"{SESSIONS}/{token}/complete", json={}),
        site.rest.post(f"{SESSIONS}/{token}/resume", json={}),
        site.rest.delete(f"{SESSIONS}/{token}"),
    ]
    for call in calls:
        answer = await call
        assert (answer.status_code, reason(answer)) == (404, "NOT_FOUND")
        assert detail(answer, "ResourceInfo")["resource_name"] == token


async def test_a_new_writer_ends_the_hold_of_a_dead_one(site: Site) -> None:
    data = lines(customer(new_id()), customer(new_id()))
    token = await opened(site, data)
    url, hung = f"{SESSIONS}/{token}", asyncio.Event()

    async def silent() -> AsyncIterator[bytes]:
        yield data[:100]
        await hung.wait()
        yield data[100:]

    dead = asyncio.create_task(site.rest.patch(f"{url}?offset=0", content=silent()))
    while not any(token in str(each) for each in site.core.config.spool_dir.rglob("*")):
        await asyncio.sleep(0.01)
    await site.post(f"{url}/resume")
    session = await site.get(f"{url}/status")
    start = int(session["offset"])
    ok(await site.rest.patch(f"{url}?offset={start}", content=data[start:]))
    hung.set()
    late = await dead
    assert (late.status_code, reason(late)) == (400, "UPLOAD_CLOSED")
    completed = await site.post(f"{url}/complete", {"sha256": hashlib.sha256(data).hexdigest()})
    assert (await site.ended(completed["request_id"]))["rows_loaded"] == "2"


async def test_fields_of_a_new_session_are_checked(site: Site) -> None:
    async def refused(**fields: object) -> list[str]:
        answer: httpx.Response = await site.rest.post(SESSIONS, json=fields)
        return bad_fields(answer)

    assert await refused() == ["file_name"]
    assert await refused(file_name="customers.ndjson", sha256="abc") == ["sha256"]
    assert await refused(file_name="customers.ndjson", total_bytes=-1) == ["total_bytes"]
    assert await refused(file_name="x" * 256) == ["file_name"]
    large = await site.rest.post(
        SESSIONS, json={"file_name": "customers.ndjson", "total_bytes": str(1 << 60)}
    )
    assert (large.status_code, reason(large)) == (400, "TOO_LARGE")


async def test_a_cut_file_in_one_go_starts_nothing(site: Site) -> None:
    """Its end must not be taken for the end of the file."""
    data = lines(*(customer(new_id()) for _ in range(10_000)))
    spool = site.core.config.spool_dir / "uploads"
    known, before = set(spool.iterdir()), await site.get("/status")

    async def body() -> AsyncIterator[bytes]:
        yield data[: len(data) // 2]
        while not any(part.stat().st_size for new in set(spool.iterdir()) - known
                      for part in new.glob("*.part")):  # fmt: skip
            await asyncio.sleep(0.01)
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await site.rest.post(COMPREHENSIVE + "?file_name=customers_1.ndjson", content=body())
    while set(spool.iterdir()) - known:
        await asyncio.sleep(0.01)
    assert await site.get("/status") == before
