"""Webhooks: JSON posted over HTTP, signed as Standard Webhooks says."""

import asyncio
import binascii
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
from standardwebhooks import Webhook

from headrace_server.connectors.base import ConnectorError, TemporaryError
from headrace_server.connectors.http import checked_client, refuse_bad_status, words_of

#: bytes of a key, decoded, that Standard Webhooks asks for
_KEY_BYTES = range(24, 65)


class WebhookSecretError(ValueError):
    """No key of Standard Webhooks; the message says what would be."""


class Webhooks:
    """Posts to servers, at public addresses only unless told otherwise."""

    def __init__(
        self,
        *,
        secret: str = "",
        allow_private: bool,
        timeout: float = 30.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take the key, "whsec_" and base64 (empty: nothing is signed), and the seconds of a call.

        Raises WebhookSecretError.
        """
        self._webhook = signer(secret) if secret else None
        self._timeout = timeout
        self._clock = clock
        self._client = checked_client(allow_private=allow_private, timeout=timeout)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def post(self, url: str, message_id: str, body: str) -> None:
        """Post JSON; a message has the same id however often it is sent. Raises ConnectorError.

        Words of errors name the host alone: the rest of a URL may be a secret.
        """
        sent_at = self._clock()
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(sent_at.timestamp())),
        }
        if self._webhook is not None:
            headers["webhook-signature"] = self._webhook.sign(message_id, sent_at, body)
        try:
            request = self._client.build_request("POST", url, headers=headers, content=body)
        except (httpx.InvalidURL, ValueError) as error:
            raise ConnectorError("the address is no URL") from error
        await self._send(request)

    async def _send(self, request: httpx.Request) -> None:
        host = request.url.host
        try:
            async with asyncio.timeout(self._timeout):
                # What is answered matters to nobody, and may have no end.
                response = await self._client.send(request, stream=True)
                await response.aclose()
        except httpx.HTTPError as error:
            raise words_of(error, host) from error
        except TimeoutError as error:
            raise TemporaryError(f"{host} took longer than {self._timeout:g} s") from error
        refuse_bad_status(response)


def signer(secret: str) -> Webhook:
    """Return what signs with a key. Raises WebhookSecretError, which does not quote it."""
    wrong = WebhookSecretError(
        'must be "whsec_" and 24 to 64 random bytes in base64, as Standard Webhooks has it'
    )
    text = secret.removeprefix("whsec_")
    try:
        key = binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        raise wrong from None
    if len(key) not in _KEY_BYTES:
        raise wrong
    return Webhook(key)
