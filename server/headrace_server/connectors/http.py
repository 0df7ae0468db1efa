"""http: and https: addresses: GET reads JSON, POST writes JSON."""

import asyncio
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpcore
import httpx

from headrace_server.connectors.addresses import CheckedBackend, PrivateAddressError
from headrace_server.connectors.base import MAX_BYTES, Call, ConnectorError, Output, TemporaryError
from headrace_server.connectors.bodies import BodyError, BoundedBody
from headrace_server.connectors.documents import decode_json, decode_lines, encode_json, records_of
from headrace_server.model.mapping import Record

#: status codes of a server that may answer better later
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
#: redirects that keep a POST a POST
_SAME_METHOD = frozenset({307, 308})
_MAX_REDIRECTS = 5
_CONNECTIONS = 200
#: the only ones that are understood
_ENCODINGS = {"accept-encoding": "gzip"}
#: seconds that another may ask us to wait at most
_LONGEST_WAIT = 60.0


@cache
def _ssl_context() -> ssl.SSLContext:
    # To read the authorities that are trusted takes longer than all else of a client.
    return httpx.create_ssl_context(trust_env=False)


class _CheckedTransport(httpx.AsyncHTTPTransport):
    """httpx's own, but that names are resolved, checked and connected to by us."""

    def __init__(self, *, allow_private: bool) -> None:
        super().__init__(verify=_ssl_context())
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_ssl_context(),
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS // 4,
            keepalive_expiry=5.0,
            network_backend=CheckedBackend(allow_private=allow_private),
        )


def checked_client(*, allow_private: bool, timeout: float) -> httpx.AsyncClient:
    """Return a client that connects to public addresses only, unless told otherwise.

    `timeout` is the seconds without any progress after which a call fails.
    """
    return httpx.AsyncClient(
        transport=_CheckedTransport(allow_private=allow_private),
        timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
        # Proxies and passwords of the environment are not the tenant's.
        trust_env=False,
    )


class HttpConnector:
    """Calls servers, at public addresses only unless told otherwise."""

    tries = 4

    def __init__(
        self, *, allow_private: bool, timeout: float = 30.0, max_bytes: int = MAX_BYTES
    ) -> None:
        """Take the seconds that a call, redirects included, may take, and the bytes it may give."""
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._client = checked_client(allow_private=allow_private, timeout=timeout)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def check(self, address: str, *, written: bool) -> None:
        """Refuse what is no URL, and passwords, which would be kept and shown."""
        url = _parsed(address)
        if not url.host:
            raise ConnectorError("the URL names no host")
        if url.userinfo:
            raise ConnectorError("the URL must hold no user name and no password")

    def host_of(self, address: str) -> str:
        """Return host and port."""
        url = _parsed(address)
        return f"{url.host}:{url.port or {'http': 80}.get(url.scheme, 443)}"

    async def read(self, address: str, call: Call) -> list[Record]:
        """GET the address: an object, an array of objects, or lines of them."""
        headers = {"accept": "application/json, application/x-ndjson", **_ENCODINGS}
        response, body = await self._send(
            self._client.build_request("GET", address, headers=headers)
        )
        if "ndjson" in response.headers.get("content-type", ""):
            return decode_lines(body)
        return records_of(decode_json(body))

    async def write(self, address: str, records: Sequence[Record], call: Call) -> Output:
        """POST one record as an object, several as an array.

        The header Idempotency-Key is the same whenever the same mapping is written.
        """
        headers = {
            **_ENCODINGS,
            "content-type": "application/json",
            "idempotency-key": f"{call.request_id}/{call.mapping_id}",
        }
        request = self._client.build_request(
            "POST", address, headers=headers, content=encode_json(records)
        )
        response, body = await self._send(request)
        return {"status_code": response.status_code, **_answered(body)}

    async def _send(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        host = request.url.host
        try:
            async with asyncio.timeout(self._timeout):
                return await self._follow(request)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise words_of(error, host) from error
        except TimeoutError as error:
            raise TemporaryError(f"{host} took longer than {self._timeout:g} s") from error

    async def _follow(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._client.send(request, stream=True)
            try:
                if not response.has_redirect_location or response.next_request is None:
                    refuse_bad_status(response)
                    return response, await self._body(response)
            finally:
                await response.aclose()
            if request.method != "GET" and response.status_code not in _SAME_METHOD:
                raise ConnectorError(
                    f"{request.url.host} answered {response.status_code}: give the address that "
                    "it redirects to"
                )
            request = response.next_request
        raise ConnectorError(f"more than {_MAX_REDIRECTS} redirects")

    async def _body(self, response: httpx.Response) -> bytes:
        # Not httpx's own: it inflates all of a piece before anybody can count.
        try:
            body = BoundedBody(response.headers.get("content-encoding", ""), self._max_bytes)
            async for piece in response.aiter_raw():
                body.add(piece)
            return body.whole()
        except BodyError as error:
            raise ConnectorError(f"{response.url.host} answered with {error}") from error


def _parsed(address: str) -> httpx.URL:
    try:
        return httpx.URL(address)
    except (httpx.InvalidURL, ValueError) as error:
        raise ConnectorError(f"no URL: {error}") from error


def words_of(error: httpx.HTTPError | httpx.InvalidURL, host: str) -> ConnectorError:
    """Return the error of a call that came to nothing."""
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return ConnectorError(f"{host} leads to an address that is no http: URL")
    if isinstance(error.__cause__, PrivateAddressError):
        return ConnectorError(str(error.__cause__))
    reason = str(error) or type(error).__name__
    return TemporaryError(f"{host} cannot be reached: {reason}")


def refuse_bad_status(response: httpx.Response) -> None:
    """Raise ConnectorError unless the status is one of success."""
    if response.is_success:
        return
    words = f"{response.url.host} answered {response.status_code} {response.reason_phrase}".strip()
    if response.status_code in _TEMPORARY:
        raise TemporaryError(words, retry_after(response.headers.get("retry-after", "")))
    raise ConnectorError(words)


def retry_after(text: str) -> float | None:
    """Read the header Retry-After: seconds, or a date; None where it says neither."""
    if text.isascii() and text.isdecimal():
        return min(float(text), _LONGEST_WAIT)
    try:
        instant = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return min(max((instant - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST_WAIT)


def _answered(body: bytes) -> Output:
    """Return what a target answered, if that is JSON."""
    if not body:
        return {}
    try:
        answer: Any = decode_json(body)
    except ConnectorError:
        return {}
    return {"answer": answer}
