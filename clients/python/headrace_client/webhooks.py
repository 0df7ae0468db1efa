"""Proofs of webhooks: signatures as https://www.standardwebhooks.com says, and tokens."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

#: what a secret begins with that signs
SIGNING_PREFIX = "whsec_"


def signed_headers(secret: str, message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers that prove that a message comes from who knows the secret.

    `secret` is "whsec_" and base64; a receiver takes a message of one id once, and only a few
    minutes around its aware `sent_at`. Raises ValueError for what is no such secret or no id.
    """
    _check("message id", message_id)
    seconds = str(int(sent_at.timestamp()))
    content = b".".join((message_id.encode(), seconds.encode(), body))
    digest = hmac.digest(_key(secret), content, hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def token_headers(token: str, message_id: str) -> dict[str, str]:
    """Return the headers that prove the same by the secret itself. Raises ValueError likewise."""
    _check("message id", message_id)
    _check("secret", token)
    return {"webhook-id": message_id, "x-webhook-token": token}


def _key(secret: str) -> bytes:
    text = secret.removeprefix(SIGNING_PREFIX)
    try:
        key = binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        key = b""
    if not key:
        raise ValueError(f'the secret must be "{SIGNING_PREFIX}" and base64')
    return key


def _check(what: str, text: str) -> None:
    """Raise ValueError for what no header can hold."""
    if not (text and text.isascii() and text.isprintable()):
        raise ValueError(f"the {what} must be letters, digits and other printable ASCII")
