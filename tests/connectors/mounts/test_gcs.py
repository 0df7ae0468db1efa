import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt
from object_servers import GcsServer, serving
from storage_servers import REACH

from headrace_server.connectors.base import ConnectorError, TemporaryError
from headrace_server.connectors.mounts import gcs
from headrace_server.connectors.mounts.gcs import TOKEN_URL, GcsBucket
from headrace_server.model.storage import Place, StorageType

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


class TokenServer(GcsServer):
    """Gives tokens for assertions that were signed with the key, and objects for tokens."""

    given = 0
    #: status and form of the next tokens
    tokens: tuple[int, dict[str, Any]] = (200, {"access_token": "t1", "expires_in": 3600})

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != "/token":
            if request.headers.get("Authorization") != "Bearer t1":
                return web.Response(status=401)
            return await super().answer(request)
        form = await request.post()
        decode: Callable[..., dict[str, Any]] = jwt.decode
        claims = decode(form["assertion"], certs=PUBLIC, audience=TOKEN_URL)
        assert claims["iss"] == "me@acme.example"
        assert claims["scope"].endswith("read_only")
        self.given += 1
        status, document = self.tokens
        return web.json_response(document, status=status)


@pytest.fixture(scope="module")
def running() -> Iterator[TokenServer]:
    server = TokenServer()
    with serving(server):
        yield server


@pytest.fixture
def server(running: TokenServer) -> TokenServer:
    running.given = 0
    running.tokens = TokenServer.tokens
    running.put("a.csv", b"a\n")
    return running


def account(**changes: object) -> str:
    key = {
        "type": "service_account",
        "client_email": "me@acme.example",
        "private_key": PEM,
        "private_key_id": "k1",
        "token_uri": "http://169.254.169.254/hush",
    }
    return json.dumps({**key, **changes})


def bucket_of(server: TokenServer, key: str) -> GcsBucket:
    named = {"service_account": key} if key else {}
    place = Place(StorageType.GCS, "gs://shop", named, endpoint_url=server.url)
    return GcsBucket(place, "shop", REACH, token_url=f"{server.url}/token")


@pytest.fixture
async def bucket(server: TokenServer) -> AsyncIterator[GcsBucket]:
    opened = bucket_of(server, account())
    yield opened
    await opened.close()


async def test_a_service_account_gets_one_token(server: TokenServer, bucket: GcsBucket) -> None:
    for _ in range(3):
        assert (await bucket.head("a.csv")).size == 2
    assert server.given == 1


async def test_a_token_that_soon_ends_is_got_anew(server: TokenServer, bucket: GcsBucket) -> None:
    server.tokens = (200, {"access_token": "t1", "expires_in": 100})
    for _ in range(2):
        await bucket.head("a.csv")
    assert server.given == 2


@pytest.mark.parametrize(
    ("status", "document", "words", "error"),
    [
        (400, {"error": "invalid_grant"}, "Google refuses the key", ConnectorError),
        (503, {}, "Google gives no tokens now", TemporaryError),
        (200, {}, "cannot be reached now", TemporaryError),
    ],
)
async def test_a_key_that_is_not_taken(
    server: TokenServer,
    bucket: GcsBucket,
    status: int,
    document: dict[str, Any],
    words: str,
    error: type[ConnectorError],
) -> None:
    server.tokens = (status, document)
    with pytest.raises(ConnectorError, match=words) as caught:
        await bucket.head("a.csv")
    assert type(caught.value) is error


async def test_anybody_is_told_so(server: TokenServer) -> None:
    bucket = bucket_of(server, "")
    with pytest.raises(ConnectorError, match="without an account it is not permitted"):
        await bucket.head("a.csv")
    await bucket.close()


@pytest.mark.parametrize(
    "key",
    ["hush", "[]", "{}", '"hush"', account(private_key="hush"), account(private_key=None)],
)
async def test_a_key_that_is_none_is_not_quoted(server: TokenServer, key: str) -> None:
    with pytest.raises(ConnectorError, match=r"credentials\.service_account must be") as caught:
        bucket_of(server, key)
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "text", ["[]", "no JSON", '{"items": [{"name": "a"}]}', json.dumps({"pad": "x" * 2000})]
)
async def test_answers_that_are_none(
    server: TokenServer, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        found = web.Response(text=text)
        if "pad" in text:
            found.enable_compression(web.ContentCoding.gzip)
        return found

    monkeypatch.setattr(gcs, "_MOST_BYTES", 1000)
    monkeypatch.setattr(server, "answer", answer)
    bucket = bucket_of(server, "")
    with pytest.raises(TemporaryError, match="cannot be reached now"):
        async for _ in bucket.list("", deep=True):
            pass
    await bucket.close()


async def test_a_plain_answer_that_is_too_long(
    server: TokenServer, bucket: GcsBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gcs, "_MOST_BYTES", 10)
    with pytest.raises(TemporaryError, match="cannot be reached now"):
        await bucket.head("a.csv")
