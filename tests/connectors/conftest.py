"""A real HTTP server that answers as each test says."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import fsspec
import pytest

from headrace_server.connectors.base import Call

CALL = Call("default", "r1", "m1", 1)


@dataclass
class Heard:
    """A request as the server heard it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class LocalServer:
    """Gives its answers in turn, the last one for ever."""

    port: int = 0
    #: status line, headers and body of each answer
    answers: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, status: str, body: bytes = b"", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, named, body))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        method, path, _ = head[0].split(" ", 2)
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.heard.append(Heard(method, path, headers, body))
        status, added, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in added.items())]
        lines += [f"content-length: {len(answer)}", "connection: close", "", ""]
        writer.write("\r\n".join(lines).encode() + answer)
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def local_server() -> AsyncIterator[LocalServer]:
    """A server on loopback."""
    local = LocalServer()
    server = await asyncio.start_server(local.serve, "127.0.0.1", 0)
    local.port = server.sockets[0].getsockname()[1]
    async with server:
        yield local


@pytest.fixture
def unused_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def s3_options() -> Iterator[dict[str, Any]]:
    """fsspec's options for a real S3 endpoint on loopback, with an empty bucket `shop`."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415  # the other tests need not wait

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"endpoint_url": f"http://{host}:{port}", "key": "someone", "secret": "theirs"}
    fsspec.filesystem("s3", **options).mkdir("shop")
    yield options
    server.stop()
