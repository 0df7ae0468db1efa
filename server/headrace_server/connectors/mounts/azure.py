"""Containers of Azure Blob Storage."""

import logging
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
from azure.core import MatchConditions
from azure.core.credentials import AzureNamedKeyCredential, AzureSasCredential
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.storage.blob.aio import BlobPrefix, ContainerClient

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts.access import MountAccess
from headrace_server.connectors.mounts.buckets import Bucket, StoredObject, changed, refusal_in
from headrace_server.connectors.mounts.checked_http import CheckedResolver
from headrace_server.model.storage import Place

# It tells of each request and each cut; what matters of that, callers are told.
logging.getLogger("azure").setLevel(logging.CRITICAL)

_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_NO_RIGHT = {401, 403}
_BUSY = {408, 429}
_SERVER_ERROR = 500


class AzureBucket(Bucket):
    """A container, with the key or signature that was given, or as anybody."""

    def __init__(self, place: Place, container: str, access: MountAccess) -> None:
        """Open connections in the loop that runs. Raises ConnectorError without an account."""
        self._container = container
        given = place.credentials
        url, credential = _service(place), _credential(given.get("account_name", ""), given)
        # What is kept packed is taken as it is: its size is that of the packed bytes.
        session = aiohttp.ClientSession(
            connector=CheckedResolver(access).connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
        )
        self._client = ContainerClient(
            url,
            container,
            credential=credential,
            transport=AioHttpTransport(session=session, session_owner=True),
            retry_total=0,  # it would wait for 15 s
            connection_timeout=access.timeout,
            read_timeout=access.timeout,
        )

    async def list(self, prefix: str, *, deep: bool) -> AsyncGenerator[StoredObject, None]:
        """Yield objects, some thousands with each answer."""
        with self._in_words(""):
            look = self._client.list_blobs if deep else self._client.walk_blobs
            async for each in look(name_starts_with=prefix):
                if not isinstance(each, BlobPrefix):
                    yield _object(each)

    async def head(self, key: str) -> StoredObject:
        """Describe an object."""
        with self._in_words(key):
            return _object(await self._client.get_blob_client(key).get_blob_properties())

    async def read(self, found: StoredObject, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield bytes of the version with the same ETag."""
        with self._in_words(found.key):
            answer = await self._client.get_blob_client(found.key).download_blob(
                offset=start,
                length=end - start,
                etag=f'"{found.tag}"',
                match_condition=MatchConditions.IfNotModified,
                decompress=False,
            )
            async for piece in answer.chunks():
                yield piece

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    @contextmanager
    def _in_words(self, key: str) -> Iterator[None]:
        what = f"abfs://{self._container}/{key}" if key else f"abfs://{self._container}"
        try:
            yield
        except ResourceNotFoundError as error:
            raise MissingError(f"{what}: no such file, folder or container") from error
        except ResourceModifiedError as error:
            raise changed(key) from error
        except HttpResponseError as error:
            raise _answered(error.status_code or 0, what) from error
        except (AzureError, aiohttp.ClientError, OSError, ValueError) as error:
            words = f"{what} cannot be reached now ({type(error).__name__})"
            raise refusal_in(error) or TemporaryError(words) from error


def _answered(status: int, what: str) -> ConnectorError:
    if status in _NO_RIGHT:
        return ConnectorError(f"{what}: the credentials do not permit to read it")
    if status >= _SERVER_ERROR or status in _BUSY:
        return TemporaryError(f"{what}: the store is busy ({status})")
    if not status:
        return TemporaryError(f"{what} cannot be reached now (its answer was cut)")
    return ConnectorError(f"{what}: the store refuses ({status})")


def _service(place: Place) -> str:
    account = place.credentials.get("account_name", "")
    if not _ACCOUNT.fullmatch(account):
        raise ConnectorError(
            "credentials.account_name must be 3 to 24 small letters and digits, the account of"
            " AZURE"
        )
    return place.endpoint_url or f"https://{account}.blob.core.windows.net"


def _credential(account: str, given: Any) -> AzureNamedKeyCredential | AzureSasCredential | None:
    if given.get("account_key"):
        return AzureNamedKeyCredential(account, given["account_key"])
    if given.get("sas_token"):
        return AzureSasCredential(given["sas_token"].removeprefix("?"))
    return None


def _object(found: Any) -> StoredObject:
    return StoredObject(found.name, found.size, found.last_modified, found.etag.strip('"'))
