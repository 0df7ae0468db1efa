"""A model asked at a real HTTP server that answers, lies, hangs and returns rubbish."""

import asyncio
import json
import socket
from typing import TYPE_CHECKING

import pytest

from headrace_server.connectors.chat import Chat, ChatError

if TYPE_CHECKING:
    from .conftest import LocalServer


def _completion(content: object) -> bytes:
    return json.dumps({"choices": [{"message": {"content": content}}]}).encode()


async def test_the_endpoint_is_asked_as_openai_says(local_server: "LocalServer") -> None:
    local_server.answer("200 OK", _completion("yes"))
    chat = Chat(local_server.url("/v1/"), "llama", "secret")
    assert await chat.answer("judge", "is it?") == "yes"
    (heard,) = local_server.heard
    assert (heard.method, heard.path) == ("POST", "/v1/chat/completions")
    assert heard.headers["authorization"] == "bearer secret"
    assert json.loads(heard.body) == {
        "model": "llama",
        "temperature": 0,
        "messages": [
            {"role": "system", "content": "judge"},
            {"role": "user", "content": "is it?"},
        ],
    }
    assert "secret" not in repr(chat)
    assert await Chat(local_server.url(), "llama").answer("", "") == "yes"
    assert "authorization" not in local_server.heard[1].headers


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("500 Internal Server Error", b""),
        ("302 Found", b""),
        ("200 OK", b"no JSON"),
        ("200 OK", b"{}"),
        ("200 OK", b"[" * 100_000),
        ("200 OK", b'{"choices": []}'),
        ("200 OK", _completion(7)),
        ("200 OK", b" " * (1 << 20) + b" "),
    ],
)
async def test_what_is_no_answer_is_said(
    local_server: "LocalServer", status: str, body: bytes
) -> None:
    local_server.answer(status, body)
    with pytest.raises(ChatError):
        await Chat(local_server.url("/v1"), "llama", "secret").answer("", "")


async def test_one_that_hangs_is_left() -> None:
    never = asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await never.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ChatError, match=r"TimeoutError|ReadTimeout"):
        await Chat(f"http://127.0.0.1:{port}", "llama", timeout=0.1).answer("", "")
    never.set()
    server.close()
    await server.wait_closed()


async def test_nobody_listens_or_the_address_is_none() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ChatError, match="ConnectError"):
            await Chat(f"http://127.0.0.1:{taken.getsockname()[1]}", "m").answer("", "")
    with pytest.raises(ChatError):
        await Chat("http://[", "m").answer("", "")
