"""REST, streams, grpc-web and gRPC through the real Envoy."""

# ruff: noqa: S105  # tokens of nothing

import base64
import hashlib
import json
import struct
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import pytest
from headrace.v1 import ingestion_pb2, status_service_pb2_grpc
from headrace.v1 import status_service_pb2 as pb

if TYPE_CHECKING:
    from headrace_server.gateway.envoy import Envoy

pytestmark = pytest.mark.asyncio(loop_scope="module")

_ERROR = "type.googleapis.com/google.rpc."


def _details(answer: httpx.Response) -> dict[str, Any]:
    return {each["@type"].removeprefix(_ERROR): each for each in answer.json()["details"]}


async def test_names_are_those_of_the_protos_and_zeros_are_shown(http: httpx.AsyncClient) -> None:
    answer = await http.get("/status/r1")
    assert answer.headers["content-type"] == "application/json"
    shown = answer.json()
    assert shown["request_id"] == "r1"
    assert shown["status"] == "IN_PROGRESS"
    assert shown["rows_loaded"] == "9007199254740993"
    assert shown["progress"] == 0
    assert shown["terminal"] is False
    assert "details" not in shown
    assert "completed_at" not in shown


@pytest.mark.parametrize("path", ["/status/r1/", "//status//r1", "/nope/../status/r1"])
async def test_paths_are_tidied(http: httpx.AsyncClient, path: str) -> None:
    url = httpx.URL(str(http.base_url)).copy_with(raw_path=path.encode())
    assert (await http.get(url)).json()["request_id"] == "r1"


@pytest.mark.parametrize("name", ["COMPLETED_WITH_ERRORS", "completed_with_errors", "4"])
async def test_enums_are_read_in_any_case(http: httpx.AsyncClient, name: str) -> None:
    answer = await http.get("/status", params={"status": name, "page_size": 7})
    assert answer.json()["statuses"][0]["details"] == "COMPLETED_WITH_ERRORS"
    assert answer.json()["next_page_token"] == "7"


async def test_enums_of_bodies_are_read_in_any_case(http: httpx.AsyncClient) -> None:
    body = {"file_name": "a.ndjson", "priority": "high"}
    answer = await http.post("/api/v1/ingest/sessions", json=body)
    assert (answer.json()["data_type"], answer.json()["status"]) == ("1", "OPEN")


async def test_an_error_has_its_status_and_its_details(http: httpx.AsyncClient) -> None:
    answer = await http.get("/status/missing")
    assert answer.status_code == 404
    assert answer.json()["code"] == 5
    assert answer.json()["message"] == "ingestion 'missing' not found"
    info = _details(answer)["ErrorInfo"]
    assert (info["reason"], info["domain"]) == ("NOT_FOUND", "headrace")
    assert _details(answer)["ResourceInfo"]["resource_name"] == "missing"


async def test_a_quota_says_when_to_come_back(http: httpx.AsyncClient) -> None:
    answer = await http.get("/status/busy")
    assert answer.status_code == 429
    assert _details(answer)["RetryInfo"]["retry_delay"] == "2s"


async def test_a_wrong_field_is_named(http: httpx.AsyncClient) -> None:
    answer = await http.get("/status/a%20b")
    assert answer.status_code == 400
    (violation,) = _details(answer)["BadRequest"]["field_violations"]
    assert violation["field"] == "request_id"


@pytest.mark.parametrize(
    ("method", "path", "code", "number", "words"),
    [
        ("GET", "/nope", 404, 5, "/nope"),
        ("PUT", "/status/r1", 404, 5, "/status/r1"),
        ("GET", "/status?nope=1", 400, 3, "nope"),
        ("GET", "/status?page_size=x", 400, 3, "page_size"),
        ("GET", "/status/a%2Fb", 400, 3, ""),
        ("GET", "/status/a%5Cb", 400, 3, ""),
        ("POST", "/headrace.v1.StatusService/GetStatus", 404, 5, "GetStatus"),
    ],
)
async def test_what_envoy_refuses_is_told_in_the_same_shape(
    http: httpx.AsyncClient, method: str, path: str, code: int, number: int, words: str
) -> None:
    url = httpx.URL(str(http.base_url)).copy_with(raw_path=path.encode())
    answer = await http.request(method, url, headers={"content-type": "application/json"})
    assert answer.status_code == code
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["code"] == number
    assert answer.json()["details"] == []
    assert words in answer.json()["message"]


async def test_json_that_is_broken_is_told_in_the_same_shape(http: httpx.AsyncClient) -> None:
    answer = await http.post(
        "/api/v1/ingest/sessions", content=b"{no", headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, 3)


async def test_a_service_that_is_not_there_is_unimplemented(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/v1/warehouse/tables")
    assert (answer.status_code, answer.json()["code"]) == (501, 12)


@pytest.mark.parametrize(("size", "code"), [(15_000, 200), (17_000, 431)])
async def test_headers_have_a_limit(http: httpx.AsyncClient, size: int, code: int) -> None:
    answer = await http.get("/health", headers={"x-large": "a" * size})
    assert answer.status_code == code
    if code != 200:
        assert answer.json()["code"] == 8


async def test_request_ids_pass_through(http: httpx.AsyncClient) -> None:
    answer = await http.get("/status/r1", headers={"x-request-id": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    assert (await http.get("/status/r1")).headers["x-request-id"]


async def test_api_keys_reach_the_server(http: httpx.AsyncClient) -> None:
    answer = await http.post("/status/r1/watch-token", json={}, headers={"X-API-Key": "k"})
    assert answer.json()["watch_token"] == "k"


async def test_a_watch_is_a_line_each(http: httpx.AsyncClient) -> None:
    answer = await http.get("/status/r1/watch")
    lines = [json.loads(line) for line in answer.text.splitlines() if line]
    assert [(each["revision"], each["terminal"]) for each in lines] == [("1", False), ("2", True)]


async def test_a_watch_is_server_sent_events_for_browsers(http: httpx.AsyncClient) -> None:
    answer = await http.get("/status/r1/watch", headers={"accept": "text/event-stream"})
    assert answer.headers["content-type"] == "text/event-stream"
    events = answer.text.strip().split("\n\n")
    data = [json.loads(event.removeprefix("data:")) for event in events]
    assert [each["revision"] for each in data] == ["1", "2"]


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
async def test_a_watch_that_cannot_begin_is_an_error(http: httpx.AsyncClient, accept: str) -> None:
    answer = await http.get("/status/a%20b/watch", headers={"accept": accept})
    assert answer.status_code == 400
    assert _details(answer)["ErrorInfo"]["reason"] == "INVALID_FIELD"


async def test_a_watch_that_is_cut_has_no_terminal_message(http: httpx.AsyncClient) -> None:
    answer = await http.get("/status/cut/watch")
    assert answer.status_code == 200
    (line,) = [json.loads(line) for line in answer.text.splitlines() if line]
    assert line["terminal"] is False


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 100_000):
        yield data[start : start + 100_000]


async def test_a_large_raw_upload_arrives_whole(http: httpx.AsyncClient) -> None:
    data = bytes(range(256)) * 80_000
    answer = await http.post(
        "/api/v1/ingest/comprehensive/?file_name=customers.ndjson",
        content=_pieces(data),
        headers={"content-type": "application/x-ndjson"},
        timeout=60,
    )
    shown = answer.json()
    assert shown["bytes_received"] == str(len(data))
    assert shown["upload_token"] == hashlib.sha256(data).hexdigest()
    assert shown["request_id"] == "customers.ndjson"
    assert shown["data_type"] == "application/x-ndjson"


async def test_a_form_arrives_as_it_was_sent(http: httpx.AsyncClient) -> None:
    files = {"file": ("customers.ndjson", b"y" * 20_000_000)}
    request = http.build_request("POST", "/api/v1/ingest/comprehensive", files=files, timeout=60)
    sent = await request.aread()
    shown = (await http.send(request)).json()
    assert shown["upload_token"] == hashlib.sha256(sent).hexdigest()
    assert shown["data_type"] == request.headers["content-type"]


async def test_a_piece_is_appended(http: httpx.AsyncClient) -> None:
    answer = await http.patch("/api/v1/ingest/sessions/tok?offset=10", content=b"abc")
    assert (answer.json()["upload_token"], answer.json()["offset"]) == ("tok", "13")


_PAGE = {"origin": "http://localhost:3000"}
_PREFLIGHT = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "x-api-key,idempotency-key,upload-token,authorization",
}


async def test_a_known_page_may_ask_and_call(http: httpx.AsyncClient) -> None:
    asked = await http.options("/api/v1/ingest/sessions", headers={**_PAGE, **_PREFLIGHT})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == _PAGE["origin"]
    allowed = asked.headers["access-control-allow-headers"].replace(" ", "").split(",")
    assert {"x-api-key", "idempotency-key", "upload-token", "authorization"} <= {*allowed}
    called = await http.get("/status/r1", headers=_PAGE)
    assert called.headers["access-control-allow-origin"] == _PAGE["origin"]
    exposed = called.headers["access-control-expose-headers"].replace(" ", "").split(",")
    assert {"grpc-status", "grpc-message", "grpc-status-details-bin"} <= {*exposed}


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost.evil.example"])
async def test_a_foreign_page_may_neither_ask_nor_call(
    http: httpx.AsyncClient, origin: str
) -> None:
    foreign = {"origin": origin}
    asked = await http.options("/api/v1/ingest/sessions", headers={**foreign, **_PREFLIGHT})
    assert "access-control-allow-origin" not in asked.headers
    called = await http.post("/api/v1/ingest/comprehensive", content=b"x", headers=foreign)
    assert (called.status_code, called.json()["code"]) == (403, 7)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("127.0.0.1:9", 200),
        ("[::1]:8000", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example:8000", 403),
    ],
)
async def test_a_name_that_was_made_to_lead_here_is_refused(
    http: httpx.AsyncClient, host: str, status: int
) -> None:
    answer = await http.get("/status/r1", headers={"host": host})
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["code"] == 7


def _framed(message: Any) -> bytes:
    body: bytes = message.SerializeToString()
    return struct.pack(">BI", 0, len(body)) + body


async def test_grpc_web(http: httpx.AsyncClient) -> None:
    path = "/headrace.v1.StatusService/GetStatus"
    headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1", **_PAGE}
    found = await http.post(
        path, content=_framed(pb.GetStatusRequest(request_id="r1")), headers=headers
    )
    (size,) = struct.unpack(">I", found.content[1:5])
    assert ingestion_pb2.Ingestion.FromString(found.content[5 : 5 + size]).request_id == "r1"
    assert b"grpc-status:0" in found.content[5 + size :]
    missing = await http.post(
        path, content=_framed(pb.GetStatusRequest(request_id="missing")), headers=headers
    )
    assert missing.headers["grpc-status"] == "5"
    packed = missing.headers["grpc-status-details-bin"]
    assert b"NOT_FOUND" in base64.b64decode(packed + "=" * (-len(packed) % 4))


async def test_grpc_may_name_any_host(gateway: "Envoy") -> None:
    options = (("grpc.default_authority", "headrace.internal"),)
    async with grpc.aio.insecure_channel(str(gateway.address), options) as channel:
        stub: Any = status_service_pb2_grpc.StatusServiceStub(channel)
        assert (await stub.GetStatus(pb.GetStatusRequest(request_id="r1"))).request_id == "r1"


async def test_grpc_itself(gateway: "Envoy") -> None:
    async with grpc.aio.insecure_channel(str(gateway.address)) as channel:
        stub: Any = status_service_pb2_grpc.StatusServiceStub(channel)
        assert (await stub.GetStatus(pb.GetStatusRequest(request_id="r1"))).request_id == "r1"
        watch = stub.WatchStatus(pb.WatchStatusRequest(request_id="r1"))
        assert [each.revision async for each in watch] == [1, 2]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetStatus(pb.GetStatusRequest(request_id="missing"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        trailers = dict(caught.value.trailing_metadata() or ())
        assert b"NOT_FOUND" in trailers["grpc-status-details-bin"]
        with pytest.raises(grpc.aio.AioRpcError) as late:
            await stub.GetResults(pb.GetResultsRequest(request_id="r1"), timeout=0.2)
        assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("path", ["/status/r1", "/status/r1/watch"])
async def test_a_server_that_is_away_is_unavailable(away: "Envoy", path: str) -> None:
    async with httpx.AsyncClient(base_url=f"http://{away.address}") as http:
        answer = await http.get(path)
    assert answer.status_code == 503
    assert answer.json()["code"] == 14
    assert answer.json()["details"] == []


async def test_a_server_that_is_away_is_unavailable_to_grpc(away: "Envoy") -> None:
    async with grpc.aio.insecure_channel(str(away.address)) as channel:
        stub: Any = status_service_pb2_grpc.StatusServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetStatus(pb.GetStatusRequest(request_id="r1"))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert not str(caught.value.details()).startswith("{")
