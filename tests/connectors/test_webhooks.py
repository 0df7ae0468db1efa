"""Webhooks to a real HTTP server."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from headrace_server.connectors.base import ConnectorError, TemporaryError
from headrace_server.connectors.webhooks import Webhooks, WebhookSecretError, signer

from .conftest import LocalServer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  # the standard's example


@asynccontextmanager
async def webhooks(**options: Any) -> AsyncIterator[Webhooks]:
    opened = Webhooks(**{"allow_private": True, **options})
    yield opened
    await opened.close()


async def test_a_message_is_signed(local_server: LocalServer) -> None:
    local_server.answer("204 No Content")
    body = json.dumps({"type": "file.imported", "data": {"file_path": "/in/ä.csv"}})
    async with webhooks(secret=SECRET) as hooks:
        await hooks.post(local_server.url("/told?token=1"), "msg_1", body)
    (heard,) = local_server.heard
    assert (heard.method, heard.path) == ("POST", "/told?token=1")
    assert heard.headers["content-type"] == "application/json"
    # Names are heard in small letters, and so are their values.
    sent_at = datetime.fromtimestamp(int(heard.headers["webhook-timestamp"]), UTC)
    signature = Webhook(SECRET).sign(heard.headers["webhook-id"], sent_at, heard.body.decode())
    assert heard.headers["webhook-signature"] == signature.lower()
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(heard.body + b" ", heard.headers)


async def test_without_a_key_nothing_is_signed(local_server: LocalServer) -> None:
    local_server.answer("200 OK", b"thanks")
    async with webhooks() as hooks:
        await hooks.post(local_server.url(), "msg_1", "{}")
    (heard,) = local_server.heard
    assert heard.headers["webhook-id"] == "msg_1"
    assert "webhook-signature" not in heard.headers


@pytest.mark.parametrize(
    ("status", "temporary"),
    [("503 Service Unavailable", True), ("404 Not Found", False), ("302 Found", False)],
)
async def test_a_refusal(local_server: LocalServer, status: str, temporary: bool) -> None:
    local_server.answer(status, location="http://127.0.0.1:1/")
    async with webhooks() as hooks:
        with pytest.raises(ConnectorError, match=f"127.0.0.1 answered {status}") as refused:
            await hooks.post(local_server.url("/secret"), "msg_1", "{}")
    assert isinstance(refused.value, TemporaryError) is temporary
    assert "secret" not in str(refused.value)
    assert len(local_server.heard) == 1


async def test_a_server_that_is_not_there_or_slow(unused_port: int) -> None:
    async with webhooks() as hooks:
        with pytest.raises(TemporaryError, match="cannot be reached"):
            await hooks.post(f"http://127.0.0.1:{unused_port}/", "msg_1", "{}")
    async with webhooks(timeout=0) as hooks:
        with pytest.raises(TemporaryError, match=r"took longer|cannot be reached"):
            await hooks.post(f"http://127.0.0.1:{unused_port}/", "msg_1", "{}")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "0x7f000001", "10.0.0.1"])
async def test_private_addresses_are_refused(local_server: LocalServer, host: str) -> None:
    async with webhooks(allow_private=False) as hooks:
        with pytest.raises(ConnectorError, match="is a private address") as refused:
            await hooks.post(f"http://{host}:{local_server.port}/", "msg_1", "{}")
    assert not isinstance(refused.value, TemporaryError)
    assert local_server.heard == []


@pytest.mark.parametrize("url", ["http://a:b", "ftp://host/", "//host", "http://"])
async def test_what_is_no_url(url: str) -> None:
    async with webhooks() as hooks:
        with pytest.raises(ConnectorError, match=r"no (http: )?URL"):
            await hooks.post(url, "msg_1", "{}")


@pytest.mark.parametrize("secret", ["whsec_", "secret", "whsec_c2hvcnQ=", "A" * 100, "ä"])
def test_what_is_no_key(secret: str) -> None:
    with pytest.raises(WebhookSecretError, match="must be") as error:
        signer(secret)
    assert secret.removeprefix("whsec_") not in str(error.value) or secret == "whsec_"  # noqa: S105


def test_a_key_may_be_without_its_prefix_and_padding() -> None:
    now = datetime.now(UTC)
    signatures = {signer(s).sign("m", now, "{}") for s in (SECRET, SECRET.removeprefix("whsec_"))}
    assert len(signatures) == 1
