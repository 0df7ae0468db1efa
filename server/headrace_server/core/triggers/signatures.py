"""Whether a call to a webhook comes from somebody who knows its secret.

Signatures are those of Standard Webhooks: over id, time and body.
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from standardwebhooks import Webhook

from headrace_server.model.trigger import WebhookAuth

#: how far the time of a message may be off, either way
TOLERANCE = timedelta(minutes=5)

_ID, _TIMESTAMP, _SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_TOKEN = "x-webhook-token"  # noqa: S105  # name of the header
_SECONDS = re.compile(r"[0-9]{1,12}")
_MOST_SIGNATURES = 10
_LONGEST_ID = 255


def proves(
    auth: WebhookAuth,
    secrets: Iterable[str],
    headers: Mapping[str, str],
    body: str,
    now: datetime,
) -> bool:
    """Whether the headers, by lower-case name, hold a proof by one of the secrets.

    How long that takes tells nothing of a secret.
    """
    if auth is WebhookAuth.TOKEN:
        given = headers.get(_TOKEN, "")
        return any(_equal(each, given) for each in secrets)
    sent_at = _sent_at(headers, now)
    message_id = headers.get(_ID, "")
    given_all = [each for each in headers.get(_SIGNATURE, "").split(" ") if each][:_MOST_SIGNATURES]
    # Without a time there is none to sign, but that takes as long.
    expected = [Webhook(each).sign(message_id, sent_at or now, body) for each in secrets]
    matches = any(_equal(one, other) for one in expected for other in given_all)
    return matches and sent_at is not None and 0 < len(message_id) <= _LONGEST_ID


def message_id_of(headers: Mapping[str, str]) -> str | None:
    """Return the id that the sender gave a message, by which it is known again; None without.

    Of one that is too long, its hash stands for it.
    """
    given = headers.get(_ID) or headers.get("idempotency-key")
    if given is None or len(given) <= _LONGEST_ID:
        return given or None
    return sha256(given.encode()).hexdigest()


def _sent_at(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Return when a message was sent; None where it does not say, or that is too far off."""
    text = headers.get(_TIMESTAMP, "")
    if not _SECONDS.fullmatch(text):
        return None
    try:
        sent_at = datetime.fromtimestamp(int(text), tz=UTC)
    except (OverflowError, ValueError):
        return None
    return sent_at if abs(now - sent_at) <= TOLERANCE else None


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
