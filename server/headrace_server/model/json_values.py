"""What values of JSON may hold, so that every database stores them and every message shows them."""

from math import isfinite

#: bits of a whole number at most: what shows it holds numbers as floats do
_MOST_BITS = 128


def trouble_with(value: object) -> str | None:
    """Say what of a value of JSON cannot be stored or shown; None where all of it can."""
    if isinstance(value, dict):
        return next(filter(None, map(trouble_with, (*value, *value.values()))), None)
    if isinstance(value, list):
        return next(filter(None, map(trouble_with, value)), None)
    return _of_text(value) if isinstance(value, str) else _of_number(value)


def _of_text(text: str) -> str | None:
    if "\0" in text:
        return "a text with a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "a text with half of a surrogate pair"
    return None


def _of_number(value: object) -> str | None:
    large = (isinstance(value, float) and not isfinite(value)) or (
        isinstance(value, int) and value.bit_length() > _MOST_BITS
    )
    return "a number that is too large" if large else None
