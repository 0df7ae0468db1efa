"""Page tokens: where the next page of a list begins, opaque to callers."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.page import Page

T = TypeVar("T")

_INT64 = range(-(2**63), 2**63)


def encode_token(values: Sequence[str | int]) -> str:
    """Return a page token that holds the values: unpadded base64url of a JSON array."""
    text = json.dumps(list(values), ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode_token(token: str, *types: type[str] | type[int]) -> list[str | int]:
    """Return the values of a token that `encode_token` made.

    With `types`, the values must be as many and of those types. Raises InvalidFieldError for any
    other text, so that what was not made here never reaches a statement.
    """
    try:
        values = _values(token)
    except (ValueError, RecursionError) as error:
        raise invalid_token() from error
    if types and [type(value) for value in values] != list(types):
        raise invalid_token()
    return values


def position_of(token: str) -> tuple[datetime, str] | None:
    """Return the instant and the id that a page of a list by time begins after; None for the first.

    The token holds the instant as ISO 8601. Raises InvalidFieldError.
    """
    if not token:
        return None
    instant, last_id = decode_token(token, str, str)
    return _instant_of(str(instant)), str(last_id)


def _instant_of(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise invalid_token()
        return instant.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise invalid_token() from error


def page_of(rows: Sequence[T], limit: int, position: Callable[[T], Sequence[str | int]]) -> Page[T]:
    """Return the page of a query that asked for one row more than `limit`.

    `position` gives the values that the next page begins after.
    """
    if len(rows) <= limit:
        return Page(tuple(rows))
    return Page(tuple(rows[:limit]), encode_token(position(rows[limit - 1])))


def invalid_token() -> InvalidFieldError:
    """Return the error for a token whose values no list has."""
    return InvalidFieldError.of(
        "page_token", "must be a next_page_token of this list, or empty for the first page"
    )


def _values(token: str) -> list[str | int]:
    padded = token.encode("ascii") + b"=" * (-len(token) % 4)
    values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    # One spelling for each token: white space, padding and the like were not made here.
    if not isinstance(values, list) or not all(map(_is_allowed, values)):
        raise ValueError(token)
    if encode_token(values) != token:
        raise ValueError(token)
    return values


def _is_allowed(value: object) -> bool:
    # PostgreSQL takes no NUL in texts; a bool is an int to Python.
    if type(value) is int:
        return value in _INT64
    return isinstance(value, str) and "\0" not in value
