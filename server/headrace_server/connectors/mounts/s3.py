"""Buckets of Amazon S3, and of all that speaks its protocol."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore import UNSIGNED
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from botocore.loaders import create_loader

from headrace_server.connectors.base import ConnectorError, MissingError, TemporaryError
from headrace_server.connectors.mounts.access import MountAccess
from headrace_server.connectors.mounts.buckets import Bucket, StoredObject, changed, refusal_in
from headrace_server.connectors.mounts.checked_http import CheckedResolver
from headrace_server.model.storage import Place

#: of the protocol, which take long to read; they hold nothing of any mount
_DESCRIPTIONS = create_loader()
_REGION = "us-east-1"
_PIECE = 1 << 20
_MISSING = {"404", "NoSuchKey", "NotFound"}
_CHANGED = {"412", "PreconditionFailed"}
_KEYS = {
    "InvalidAccessKeyId": "the access key is unknown",
    "SignatureDoesNotMatch": "the secret key is wrong",
    "ExpiredToken": "the session token has expired",
    "InvalidToken": "the session token is wrong",
    "AccessDenied": "the keys do not permit it",
    "403": "the keys do not permit it",
    "AllAccessDisabled": "the keys do not permit it",
    "NoSuchBucket": "there is no such bucket",
    "InvalidBucketName": "there can be no such bucket",
    "InvalidObjectState": "it is archived, and must be restored before it can be read",
}
_SERVER_ERROR = 500
_TOO_MANY = 429


class S3Bucket(Bucket):
    """A bucket of S3, with the keys that were given, or without any."""

    def __init__(self, place: Place, bucket: str, access: MountAccess) -> None:
        self._place = place
        self._bucket = bucket
        self._access = access
        self._stack = AsyncExitStack()
        self._connected: Any = None

    async def list(self, prefix: str, *, deep: bool) -> AsyncGenerator[StoredObject, None]:
        """Yield objects, a thousand with each answer."""
        named = {"Bucket": self._bucket, "Prefix": prefix}
        if not deep:
            named["Delimiter"] = "/"
        with self._in_words(""):
            client = await self._client()
            async for page in client.get_paginator("list_objects_v2").paginate(**named):
                for each in page.get("Contents", []):
                    yield StoredObject(each["Key"], each["Size"], each["LastModified"], _tag(each))

    async def head(self, key: str) -> StoredObject:
        """Describe an object."""
        with self._in_words(key):
            found = await (await self._client()).head_object(Bucket=self._bucket, Key=key)
            return StoredObject(key, found["ContentLength"], found["LastModified"], _tag(found))

    async def read(self, found: StoredObject, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield bytes of the version with the same ETag."""
        with self._in_words(found.key):
            answer = await (await self._client()).get_object(
                Bucket=self._bucket,
                Key=found.key,
                Range=f"bytes={start}-{end - 1}",
                IfMatch=f'"{found.tag}"',
            )
            async with answer["Body"] as body:
                if _tag(answer) != found.tag:  # some servers know no If-Match
                    raise changed(found.key)
                async for piece in body.iter_chunks(_PIECE):
                    yield piece

    async def close(self) -> None:
        """Close the connections."""
        await self._stack.aclose()

    async def _client(self) -> Any:
        if self._connected is None:
            resolver = CheckedResolver(self._access)
            if self._place.endpoint_url:
                await resolver.check(self._place.endpoint_url)  # or it would be tried again
            self._connected = await self._stack.enter_async_context(self._created(resolver))
        return self._connected

    def _created(self, resolver: CheckedResolver) -> Any:
        """Create a client that knows nothing but what the mount says."""
        given = self._place.credentials
        key = given.get("access_key_id") or given.get("username")
        config: dict[str, Any] = {
            "connect_timeout": self._access.timeout,
            "read_timeout": self._access.timeout,
            "retries": {"mode": "standard", "total_max_attempts": 2},
            "proxies": {},
            "ignore_configured_endpoint_urls": True,
            "request_checksum_calculation": "when_required",
            "response_checksum_validation": "when_required",
            "connector_args": {"resolver": resolver, "socket_factory": resolver.socket_for},
        }
        if self._place.endpoint_url:
            config["s3"] = {"addressing_style": "path"}
        if not key:
            config["signature_version"] = UNSIGNED
        session = AioSession()
        session.register_component("data_loader", _DESCRIPTIONS)
        return session.create_client(
            "s3",
            region_name=self._place.region or _REGION,
            endpoint_url=self._place.endpoint_url or None,
            aws_access_key_id=key,
            aws_secret_access_key=given.get("secret_access_key") or given.get("password"),
            aws_session_token=given.get("session_token") or None,
            config=AioConfig(**config),
        )

    @contextmanager
    def _in_words(self, key: str) -> Iterator[None]:
        what = f"s3://{self._bucket}/{key}" if key else f"s3://{self._bucket}"
        try:
            yield
        except ClientError as error:
            raise _answered(error, what, key) from error
        except ParamValidationError as error:
            raise ConnectorError(f"{what}: there can be no such bucket") from error
        except (BotoCoreError, aiohttp.ClientError, OSError) as error:
            words = f"{what} cannot be reached now ({type(error).__name__})"
            raise refusal_in(error) or TemporaryError(words) from error


def _tag(answer: Any) -> str:
    return str(answer.get("ETag", "")).strip('"')


def _answered(error: ClientError, what: str, key: str) -> ConnectorError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _CHANGED:
        return changed(key)
    if code in _MISSING:
        return MissingError(f"{what}: no such file, folder or bucket")
    if status >= _SERVER_ERROR or status == _TOO_MANY or code == "SlowDown":
        return TemporaryError(f"{what}: the store is busy ({status})")
    return ConnectorError(f"{what}: {_KEYS.get(code, f'the store refuses ({code or status})')}")
