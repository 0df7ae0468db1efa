import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpcore
import pytest

from headrace_server.connectors.addresses import CheckedBackend
from headrace_server.connectors.base import ConnectorError, TemporaryError
from headrace_server.connectors.http import HttpConnector, retry_after

from .conftest import CALL, LocalServer


@asynccontextmanager
async def connector(*, allow_private: bool = True, **options: Any) -> AsyncIterator[HttpConnector]:
    opened = HttpConnector(allow_private=allow_private, **options)
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("body", "headers", "records"),
    [
        (b'{"a": 1}', {}, [{"a": 1}]),
        (b'[{"a": 1}, {"a": null}]', {}, [{"a": 1}, {"a": None}]),
        (b'{"a": 1}\n\n{"a": 2}\n', {"content_type": "application/x-ndjson"}, [{"a": 1}, {"a": 2}]),
    ],
)
async def test_a_source_is_read_by_get(
    local_server: LocalServer, body: bytes, headers: dict[str, str], records: list[Any]
) -> None:
    local_server.answer("200 OK", body, **headers)
    async with connector() as http:
        assert await http.read(local_server.url("/rows?page=1"), CALL) == records
    assert (local_server.heard[0].method, local_server.heard[0].path) == ("GET", "/rows?page=1")


@pytest.mark.parametrize("body", [b"", b"<html>", b"1", b"[1]", b'{"a": 1'])
async def test_a_source_that_holds_no_records_is_refused(
    local_server: LocalServer, body: bytes
) -> None:
    local_server.answer("200 OK", body)
    async with connector() as http:
        with pytest.raises(ConnectorError, match="the source is no") as caught:
            await http.read(local_server.url(), CALL)
    assert not isinstance(caught.value, TemporaryError)


@pytest.mark.parametrize(
    ("records", "sent"), [([{"a": 1}], {"a": 1}), ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 2}])]
)
async def test_a_target_is_written_by_post(
    local_server: LocalServer, records: list[Any], sent: Any
) -> None:
    local_server.answer("201 Created", b'{"id": 7}')
    async with connector() as http:
        output = await http.write(local_server.url(), records, CALL)
    assert output == {"status_code": 201, "answer": {"id": 7}}
    (heard,) = local_server.heard
    assert (heard.method, json.loads(heard.body)) == ("POST", sent)
    assert heard.headers["idempotency-key"] == "r1/m1"


@pytest.mark.parametrize("body", [b"", b"thanks"])
async def test_an_answer_that_is_no_json_is_left_out(
    local_server: LocalServer, body: bytes
) -> None:
    local_server.answer("200 OK", body)
    async with connector() as http:
        assert await http.write(local_server.url(), [{}], CALL) == {"status_code": 200}


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "501 Not Implemented"])
async def test_a_refusal_is_final(local_server: LocalServer, status: str) -> None:
    local_server.answer(status)
    async with connector() as http:
        with pytest.raises(ConnectorError, match=f"answered {status}") as caught:
            await http.write(local_server.url(), [{}], CALL)
    assert not isinstance(caught.value, TemporaryError)


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
async def test_a_busy_server_says_when_to_come_again(
    local_server: LocalServer, status: str
) -> None:
    local_server.answer(status, retry_after="7")
    async with connector() as http:
        with pytest.raises(TemporaryError, match=status) as caught:
            await http.read(local_server.url(), CALL)
    assert caught.value.retry_after == 7


async def test_a_server_that_is_not_there_may_come_back(unused_port: int) -> None:
    async with connector() as http:
        with pytest.raises(TemporaryError, match=r"127\.0\.0\.1 cannot be reached"):
            await http.read(f"http://127.0.0.1:{unused_port}/", CALL)


async def test_a_name_that_stands_for_nothing_may_come_back() -> None:
    async with connector() as http:
        with pytest.raises(TemporaryError, match=r"nowhere\.invalid cannot be reached"):
            await http.read("http://nowhere.invalid/", CALL)


async def test_an_answer_that_is_too_long_is_not_read(local_server: LocalServer) -> None:
    local_server.answer("200 OK", b"[" + b" " * 100 + b"]")
    async with connector(max_bytes=101) as http:
        with pytest.raises(ConnectorError, match="more than 101 bytes"):
            await http.read(local_server.url(), CALL)


async def test_a_slow_server_is_not_waited_for(local_server: LocalServer) -> None:
    local_server.answer("200 OK", b"{}")
    async with connector(timeout=1e-9) as http:
        with pytest.raises(TemporaryError, match="took longer than 1e-09 s"):
            await http.read(local_server.url(), CALL)


async def test_a_redirect_of_a_source_is_followed(local_server: LocalServer) -> None:
    local_server.answer("302 Found", location="/there")
    local_server.answer("200 OK", b'{"a": 1}')
    async with connector() as http:
        assert await http.read(local_server.url("/here"), CALL) == [{"a": 1}]
    assert [heard.path for heard in local_server.heard] == ["/here", "/there"]


async def test_a_redirect_that_keeps_the_method_is_followed_by_a_target(
    local_server: LocalServer,
) -> None:
    local_server.answer("307 Temporary Redirect", location="/there")
    local_server.answer("200 OK")
    async with connector() as http:
        await http.write(local_server.url(), [{"a": 1}], CALL)
    assert [(heard.method, heard.body) for heard in local_server.heard] == [
        ("POST", b'{"a":1}')
    ] * 2


async def test_a_redirect_that_would_turn_a_post_into_a_get_is_refused(
    local_server: LocalServer,
) -> None:
    local_server.answer("303 See Other", location="/there")
    async with connector() as http:
        with pytest.raises(ConnectorError, match="303: give the address"):
            await http.write(local_server.url(), [{}], CALL)
    assert len(local_server.heard) == 1


async def test_redirects_in_a_circle_come_to_an_end(local_server: LocalServer) -> None:
    local_server.answer("302 Found", location="/")
    async with connector() as http:
        with pytest.raises(ConnectorError, match="more than 5 redirects"):
            await http.read(local_server.url(), CALL)


async def test_a_redirect_to_another_scheme_is_refused(local_server: LocalServer) -> None:
    local_server.answer("302 Found", location="file:///etc/passwd")
    async with connector() as http:
        with pytest.raises(ConnectorError, match="no http: URL") as caught:
            await http.read(local_server.url(), CALL)
    assert not isinstance(caught.value, TemporaryError)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "localhost",
        "LOCALHOST", "0.0.0.0", "0",  # noqa: S104  # called, not listened on
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "224.0.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
        "[::127.0.0.1]", "[fe80::1]", "[fc00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]",
        "[2001:0:7f00:1::]", "[ff02::1]",
    ],
)  # fmt: skip
@pytest.mark.parametrize("written", [False, True])
async def test_a_private_address_is_refused_however_it_is_spelt(
    local_server: LocalServer, host: str, written: bool
) -> None:
    local_server.answer("200 OK", b"{}")
    url = f"http://{host}:{local_server.port}/"
    async with connector(allow_private=False) as http:
        http.check(url, written=written)
        with pytest.raises(ConnectorError, match="private address") as caught:
            await (http.write(url, [{}], CALL) if written else http.read(url, CALL))
    assert not isinstance(caught.value, TemporaryError)
    assert local_server.heard == []


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http:///path", "names no host"),
        ("http:", "names no host"),
        ("http://[::1", "no URL"),
        ("http://\N{FULLWIDTH DIGIT ONE}27.0.0.1/", "no URL"),
        ("https://ann:secret@example.com/", "no user name and no password"),
        ("https://token@example.com/", "no user name and no password"),
    ],
)
async def test_what_is_no_address_is_refused_at_once(address: str, words: str) -> None:
    async with connector() as http:
        with pytest.raises(ConnectorError, match=words) as caught:
            http.check(address, written=True)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://Example.com/a", "example.com:80"),
        ("https://example.com", "example.com:443"),
        ("http://example.com:8080/a?b", "example.com:8080"),
    ],
)
async def test_limits_go_by_host_and_port(address: str, host: str) -> None:
    async with connector() as http:
        assert http.host_of(address) == host


def test_when_to_come_again_is_read() -> None:
    now = datetime.now(UTC)
    assert retry_after("3") == 3
    assert retry_after("100000") == 60
    assert 20 < (retry_after(format_datetime(now + timedelta(seconds=30), usegmt=True)) or 0) <= 30
    assert retry_after("Wed, 21 Oct 2015 07:28:00 -0000") == 0
    assert retry_after("") is None
    assert retry_after("soon") is None
    assert retry_after("Mon, 99999999999999999999 Jan 2020 00:00:00 GMT") is None


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_bomb_is_not_inflated(local_server: LocalServer, encoding: str) -> None:
    local_server.answer("200 OK", gzip.compress(bytes(50 << 20), 1), content_encoding=encoding)
    async with connector() as http:
        with pytest.raises(ConnectorError, match=r"more than 8388608 bytes|not asked for"):
            await http.read(local_server.url(), CALL)
    assert local_server.heard[0].headers["accept-encoding"] == "gzip"


async def test_an_answer_may_be_packed(local_server: LocalServer) -> None:
    local_server.answer("200 OK", gzip.compress(b'{"a": 1}'), content_encoding="gzip")
    async with connector() as http:
        assert await http.read(local_server.url(), CALL) == [{"a": 1}]


async def test_a_server_that_drips_is_not_waited_for() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.005)
        writer.close()
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, connector(timeout=0.2) as http:
        with pytest.raises(TemporaryError, match=r"took longer than 0\.2 s"):
            await http.read(f"http://127.0.0.1:{port}/", CALL)
        await ended.wait()


class _Recorder(httpcore.AsyncNetworkBackend):
    """Connects to nothing, and remembers to what."""

    def __init__(self) -> None:
        self.called: list[str] = []

    async def connect_tcp(self, host: str, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        self.called.append(host)
        raise httpcore.ConnectError("nobody there")


@pytest.mark.parametrize(
    ("answers", "words", "called"),
    [
        # A name that turns private after it was checked: it is asked for once only.
        ([["93.184.216.34"], ["127.0.0.1"]], "nobody there", ["93.184.216.34"]),
        ([["93.184.216.34", "10.0.0.1"]], "private address", []),
        ([["fe80::1%eth0"]], "private address", []),
    ],
)
async def test_what_was_checked_is_what_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, answers: list[list[str]], words: str, called: list[str]
) -> None:
    async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, 80)) for address in answers.pop(0)]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    backend = CheckedBackend(allow_private=False)
    backend._inner = recorder = _Recorder()  # type: ignore[assignment]
    with pytest.raises(httpcore.ConnectError, match=words):
        await backend.connect_tcp("rebinding.example", 80)
    assert recorder.called == called
