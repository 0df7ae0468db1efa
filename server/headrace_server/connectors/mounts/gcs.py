"""Buckets of Google Cloud Storage, by its JSON API."""

import json
import time
import zlib
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from google.auth import jwt
from google.auth.crypt import RSASigner
from yarl import URL

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts.access import MountAccess
from headrace_server.connectors.mounts.buckets import Bucket, StoredObject, changed, refusal_in
from headrace_server.connectors.mounts.checked_http import CheckedResolver
from headrace_server.model.storage import Place

_SERVICE = "https://storage.googleapis.com"
#: keys of service accounts name another; a secret is sent to none but this
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105  # no password
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_HOUR = 3600
_EARLY = 300
_FIELDS = "name,size,updated,generation"
_PIECE = 1 << 20
_MOST_BYTES = 16 << 20
_OK = {200, 206}
_NO_RIGHT = {401, 403}
_MISSING = 404
_CHANGED = {304, 412}
_BUSY = {408, 429}
_SERVER_ERROR = 500


class GcsBucket(Bucket):
    """A bucket, read as a service account, or as anybody where none is given."""

    def __init__(
        self, place: Place, bucket: str, access: MountAccess, *, token_url: str = TOKEN_URL
    ) -> None:
        """Open connections in the loop that runs. Raises ConnectorError for a key that is none."""
        self._bucket = bucket
        base = place.endpoint_url.rstrip("/") or _SERVICE
        self._objects = f"{base}/storage/v1/b/{quote(bucket, safe='')}/o"
        key = place.credentials.get("service_account")
        self._account = _ServiceAccount(key, token_url) if key else None
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=access.timeout, sock_read=access.timeout
        )
        # What is kept packed is taken as it is: its size is that of the packed bytes.
        self._session = aiohttp.ClientSession(
            connector=CheckedResolver(access).connector(),
            timeout=timeout,
            auto_decompress=False,
            headers={"Accept-Encoding": "gzip"},
        )

    async def list(self, prefix: str, *, deep: bool) -> AsyncGenerator[StoredObject, None]:
        """Yield objects, a thousand with each answer."""
        asked = {
            "prefix": prefix,
            "maxResults": "1000",
            "fields": f"items({_FIELDS}),nextPageToken",
        }
        if not deep:
            asked["delimiter"] = "/"
        with self._in_words(""):
            while True:
                page = await self._json(self._objects, asked, "")
                for each in page.get("items", []):
                    yield _object(each)
                if not page.get("nextPageToken"):
                    return
                asked["pageToken"] = page["nextPageToken"]

    async def head(self, key: str) -> StoredObject:
        """Describe an object."""
        with self._in_words(key):
            return _object(await self._json(self._url(key), {"fields": _FIELDS}, key))

    async def read(self, found: StoredObject, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield bytes of the same generation."""
        asked = {"alt": "media", "ifGenerationMatch": found.tag}
        headers = {"Range": f"bytes={start}-{end - 1}"}
        with self._in_words(found.key):
            async with self._get(self._url(found.key), asked, headers) as answer:
                if answer.status in _CHANGED:
                    raise changed(found.key)
                self._refuse(answer.status, found.key)
                async for piece in answer.content.iter_chunked(_PIECE):
                    yield piece

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    def _url(self, key: str) -> str:
        return f"{self._objects}/{quote(key, safe='')}"

    async def _json(self, url: str, asked: Mapping[str, str], key: str) -> dict[str, Any]:
        async with self._get(url, asked, {}) as answer:
            self._refuse(answer.status, key)
            return await _document(answer)

    @asynccontextmanager
    async def _get(
        self, url: str, asked: Mapping[str, str], headers: Mapping[str, str]
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        named = dict(headers)
        if self._account is not None:
            named["Authorization"] = f"Bearer {await self._account.token(self._session)}"
        # Encoded already: yarl would take %2F for a slash of the path.
        place = URL(f"{url}?{urlencode(asked)}", encoded=True)
        async with self._session.get(place, headers=named, allow_redirects=False) as answer:
            yield answer

    def _refuse(self, status: int, key: str) -> None:
        """Raise ConnectorError for an answer that is none."""
        what = self._named(key)
        if status == _MISSING:
            raise MissingError(f"{what}: no such file, folder or bucket")
        if status in _NO_RIGHT:
            who = "the service account is" if self._account else "without an account it is"
            raise ConnectorError(f"{what}: {who} not permitted to read it")
        if status >= _SERVER_ERROR or status in _BUSY:
            raise TemporaryError(f"{what}: the store is busy ({status})")
        if status not in _OK:
            raise ConnectorError(f"{what}: the store refuses ({status})")

    def _named(self, key: str) -> str:
        return f"gs://{self._bucket}/{key}" if key else f"gs://{self._bucket}"

    @contextmanager
    def _in_words(self, key: str) -> Iterator[None]:
        try:
            yield
        except (aiohttp.ClientError, OSError, KeyError, ValueError) as error:
            words = f"{self._named(key)} cannot be reached now ({type(error).__name__})"
            raise refusal_in(error) or TemporaryError(words) from error


class _ServiceAccount:
    """Gets tokens for the key of a service account."""

    def __init__(self, key: str, token_url: str) -> None:
        try:
            given = json.loads(key)
            self._email = str(given["client_email"])
            self._signer = _signer(given["private_key"], given.get("private_key_id"))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConnectorError(
                "credentials.service_account must be the key of a service account, as JSON with"
                " client_email and private_key"
            ) from None  # the error may quote it
        self._token_url = token_url
        self._token = ""
        self._ends_at = 0.0

    async def token(self, session: aiohttp.ClientSession) -> str:
        """Return a token that holds for some minutes. Raises ConnectorError."""
        if time.time() > self._ends_at - _EARLY:
            form = {"grant_type": _GRANT, "assertion": self._assertion()}
            async with session.post(self._token_url, data=form, allow_redirects=False) as answer:
                if answer.status >= _SERVER_ERROR or answer.status in _BUSY:
                    raise TemporaryError(f"Google gives no tokens now ({answer.status})")
                if answer.status not in _OK:
                    raise ConnectorError("Google refuses the key of the service account")
                given = await _document(answer)
            self._token = str(given["access_token"])
            self._ends_at = time.time() + float(given.get("expires_in", _HOUR))
        return self._token

    def _assertion(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self._email,
            "scope": _SCOPE,
            "aud": TOKEN_URL,
            "iat": now,
            "exp": now + _HOUR,
        }
        encode: Any = jwt.encode  # untyped
        return str(encode(self._signer, claims), "ascii")


def _signer(private_key: str, key_id: str | None) -> Any:
    make: Any = RSASigner.from_string  # untyped
    return make(private_key, key_id)


async def _document(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """Read an object of JSON. Raises ValueError where it is none, or too long."""
    data = bytearray()
    async for piece in answer.content.iter_chunked(_PIECE):
        data += piece
        if len(data) > _MOST_BYTES:
            raise ValueError("an answer is too long")
    packed = answer.headers.get("Content-Encoding") == "gzip"
    document = json.loads(_unpacked(bytes(data)) if packed else data)
    if not isinstance(document, dict):
        raise ValueError("an answer is no object")  # noqa: TRY004  # of another's making
    return document


def _unpacked(data: bytes) -> bytes:
    packed = zlib.decompressobj(zlib.MAX_WBITS | 16)
    plain = packed.decompress(data, _MOST_BYTES)
    if packed.unconsumed_tail:
        raise ValueError("an answer is too long")
    return plain


def _object(found: Mapping[str, Any]) -> StoredObject:
    modified_at = datetime.fromisoformat(found["updated"])
    return StoredObject(found["name"], int(found["size"]), modified_at, str(found["generation"]))
