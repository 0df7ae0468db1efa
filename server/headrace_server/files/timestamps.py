"""Timestamps, dates and times: strict forms in, one way of writing out."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time

DATE_FORM = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME_FORM = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
DATETIME_FORM = rf"{DATE_FORM}[Tt ]{TIME_FORM}"
TIMESTAMP_FORM = rf"{DATETIME_FORM}(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?"
"""What the text looks like; whether the calendar has the day is left open."""

_TIMESTAMP = re.compile(TIMESTAMP_FORM)
_DATETIME = re.compile(DATETIME_FORM)
_DATE = re.compile(DATE_FORM)
_TIME = re.compile(TIME_FORM)
_CANONICAL_LENGTH = len("2011-01-31T00:00:00Z")


def utc_text(text: str) -> str:
    """Read an RFC 3339 timestamp, also with a space or without offset (UTC), as text in UTC.

    The text is `YYYY-MM-DDTHH:MM:SSZ`, with six digits of a second where it has a fraction. Raises
    ValueError for days that no calendar has, leap seconds, more than six digits of a second, and
    instants outside of the years 1 to 9999.
    """
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text.upper())
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise ValueError(text) from None
    return f"{moment.isoformat()}Z"


def datetime_text(text: str) -> str:
    """Read a moment of no zone, also with a space, as `YYYY-MM-DDTHH:MM:SS[.ffffff]`.

    Raises ValueError for an offset, days that no calendar has, leap seconds, and more than six
    digits of a second.
    """
    if not _DATETIME.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text.upper()).isoformat()


def time_text(text: str) -> str:
    """Read a time of day as `HH:MM:SS[.ffffff]`. Raises ValueError for any other form."""
    if not _TIME.fullmatch(text):
        raise ValueError(text)
    return time.fromisoformat(text).isoformat()


def date_text(text: str) -> str:
    """Read a calendar day, `YYYY-MM-DD`. Raises ValueError for any other form or no real day."""
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    date.fromisoformat(text)
    return text


def are_utc_texts(texts: Sequence[str]) -> bool:
    """Tell whether texts of TIMESTAMP_FORM are all as `utc_text` writes whole seconds."""
    if set(map(len, texts)) != {_CANONICAL_LENGTH}:
        return False
    joined = "".join(texts)
    marked = joined[10::20] == "T" * len(texts) and joined[19::20] == "Z" * len(texts)
    return marked and all(map(_is_date, {text[:10] for text in texts}))


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
