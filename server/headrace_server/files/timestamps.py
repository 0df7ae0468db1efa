"""Timestamps and dates: strict forms in, UTC text out."""

import re
from datetime import UTC, date, datetime

_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,6})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CANONICAL_LENGTH = len("2011-01-31T00:00:00Z")


def utc_text(text: str) -> str:
    """Read an RFC 3339 timestamp, also with a space or without offset (UTC), as text in UTC.

    The text is `YYYY-MM-DDTHH:MM:SSZ`, with six digits of a second where it has a fraction. Raises
    ValueError for days that no calendar has, leap seconds, more than six digits of a second, and
    instants outside of the years 1 to 9999.
    """
    text = text.upper()
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    if len(text) == _CANONICAL_LENGTH and text[10] == "T":
        return text
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise ValueError(text) from None
    return f"{moment.isoformat()}Z"


def date_text(text: str) -> str:
    """Read a calendar day, `YYYY-MM-DD`. Raises ValueError for any other form or no real day."""
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    date.fromisoformat(text)
    return text
