from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from aiohttp import web
from object_servers import ObjectServer, serving
from storage_servers import REACH, S3Server

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts.s3 import S3Bucket
from headrace_server.model.storage import Place, StorageType


class RefusingServer(ObjectServer):
    """Answers each request with an error of S3's, or with an object that has another ETag."""

    refusal: tuple[int, str] = (200, "")

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        status, code = self.refusal
        if status != 200:
            text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>hush</Message></Error>"
            return web.Response(status=status, text=text, content_type="application/xml")
        headers = {"ETag": f'"{len(self.heard)}"', "Last-Modified": "Sat, 01 Jan 2000 00:00:00 GMT"}
        return web.Response(status=200, body=b"a\n", headers=headers)


@pytest.fixture(scope="module")
def running() -> Iterator[RefusingServer]:
    server = RefusingServer()
    with serving(server):
        yield server


@pytest.fixture
def server(running: RefusingServer) -> RefusingServer:
    running.refusal = RefusingServer.refusal
    running.heard.clear()
    return running


def place(server: RefusingServer, **credentials: str) -> Place:
    return Place(StorageType.S3, "s3://shop", credentials, endpoint_url=server.url)


@pytest.fixture
async def bucket(server: RefusingServer) -> AsyncIterator[S3Bucket]:
    opened = S3Bucket(place(server), "shop", REACH)
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("status", "code", "words", "error"),
    [
        (403, "InvalidAccessKeyId", "the access key is unknown", ConnectorError),
        (403, "SignatureDoesNotMatch", "the secret key is wrong", ConnectorError),
        (403, "AccessDenied", "the keys do not permit it", ConnectorError),
        (400, "ExpiredToken", "the session token has expired", ConnectorError),
        (404, "NoSuchBucket", "there is no such bucket", ConnectorError),
        (404, "NoSuchKey", "no such file, folder or bucket", MissingError),
        (403, "InvalidObjectState", "it is archived", ConnectorError),
        (400, "SomethingElse", r"the store refuses \(SomethingElse\)", ConnectorError),
        (412, "PreconditionFailed", "changed while it was read", TemporaryError),
        (503, "SlowDown", "the store is busy", TemporaryError),
    ],
)
async def test_what_the_store_says_is_told(
    server: RefusingServer,
    bucket: S3Bucket,
    status: int,
    code: str,
    words: str,
    error: type[ConnectorError],
) -> None:
    server.refusal = (status, code)
    with pytest.raises(ConnectorError, match=words) as caught:
        async for _ in bucket.list("", deep=True):
            pass
    assert type(caught.value) is error
    assert "hush" not in str(caught.value)


async def test_a_server_that_knows_no_condition_is_seen_through(
    server: RefusingServer, bucket: S3Bucket
) -> None:
    found = await bucket.head("a.csv")
    with pytest.raises(TemporaryError, match=r"a\.csv changed while it was read"):
        async for _ in bucket.read(found, 0, 2):
            pass


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"access_key_id": "k1", "secret_access_key": "s1"}, "Credential=k1/"),
        ({"username": "k2", "password": "s2"}, "Credential=k2/"),
        (
            {"access_key_id": "k3", "secret_access_key": "s3", "session_token": "t3"},
            "Credential=k3/",
        ),
        ({}, ""),
    ],
)
async def test_nobody_comes_with_other_keys_than_were_given(
    server: RefusingServer, monkeypatch: pytest.MonkeyPatch, named: dict[str, str], said: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the server's")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the server's")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    bucket = S3Bucket(place(server, **named), "shop", REACH)
    await bucket.head("a.csv")
    (heard,) = server.heard
    assert said in heard.headers.get("Authorization", "")
    assert ("Authorization" in heard.headers) is bool(named)
    assert heard.headers.get("X-Amz-Security-Token") == named.get("session_token")
    await bucket.close()


async def test_a_name_that_is_none_is_refused(s3_server: S3Server) -> None:
    name = "b" * 300
    bucket = S3Bucket(s3_server.place(name), name, REACH)
    with pytest.raises(ConnectorError, match="can be no such bucket"):
        await bucket.head("a.csv")
    await bucket.close()


async def test_a_region_is_told(server: RefusingServer) -> None:
    named = {"access_key_id": "k1", "secret_access_key": "s1"}
    bucket = S3Bucket(replace(place(server, **named), region="eu-west-3"), "shop", REACH)
    await bucket.head("a.csv")
    assert "/eu-west-3/s3/" in server.heard[0].headers["Authorization"]
    await bucket.close()
