"""Days, times and moments as delimited text writes them, as rows carry them."""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from functools import lru_cache, partial

from headrace_server.files.timestamps import date_text, datetime_text, time_text, utc_text

Normalised = Callable[[str], str]
"""Takes a text and returns how rows carry it; raises ValueError for any other form."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAMES = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
#: strptime's directives that days are sniffed with, and the form of each
_DIRECTIVES = {
    "%d": r"(?P<d>[0-9]{1,2})",
    "%m": r"(?P<m>[0-9]{1,2})",
    "%Y": r"(?P<Y>[0-9]{4})",
    "%y": r"(?P<y>[0-9]{2})",
    "%b": rf"(?P<b>(?i:{_MONTH_NAMES}))",
    "%H": r"(?P<H>[0-9]{1,2})",
    "%M": r"(?P<M>[0-9]{2})",
    "%S": r"(?P<S>[0-9]{2})",
    "%f": r"(?P<f>[0-9]{1,6})",
}
#: of two digits, years from here on are of the last century, as POSIX says
_LAST_CENTURY_FROM = 69
_CLOCK = re.compile(
    r"(?P<hours>[0-9]{1,2}):(?P<minutes>[0-9]{2})"
    r"(?::(?P<seconds>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6})0{0,3})?)?"
    r"(?P<offset>[Zz]| ?[+-][0-9]{2}:?[0-9]{2}| UTC)?"
)
_DAY_LENGTH = len("2011-01-31")


def day_reader(date_format: str) -> Normalised:
    """Return the reader of days: in ISO's form, or in that of strptime's directives.

    A time of day is no part of a day, unless it is midnight.
    """
    return partial(_day_by_format, date_format=date_format) if date_format else date_text


def datetime_reader(date_format: str) -> Normalised:
    """Return the reader of moments without zone; a day is its midnight."""
    if date_format:
        return lambda text: _by_format(text, date_format).isoformat()
    return lambda text: datetime_text(_iso(text))


def timestamp_reader(date_format: str) -> Normalised:
    """Return the reader of instants; one without offset is of UTC."""
    if date_format:
        return lambda text: utc_text(_by_format(text, date_format).isoformat())
    return lambda text: utc_text(_iso(text))


def time_reader(_date_format: str) -> Normalised:
    """Return the reader of times of day."""
    return lambda text: time_text(_clock(text))


def _iso(text: str) -> str:
    """Write a moment of ISO 8601, or one near it, in the strict form."""
    day, mark, clock = text[:_DAY_LENGTH], text[_DAY_LENGTH : _DAY_LENGTH + 1], text[11:]
    if not mark:
        return f"{date_text(day)}T00:00:00"
    if mark not in "Tt ":
        raise ValueError(text)
    return f"{day}T{_clock(clock)}"


def _clock(text: str) -> str:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(text)
    fraction = f".{found['fraction']}" if found["fraction"] else ""
    offset = (found["offset"] or "").strip().upper()
    if offset in {"Z", "UTC"}:
        offset = "Z"
    elif offset:
        offset = f"{offset[:3]}:{offset[-2:]}"
    seconds = found["seconds"] or "00"
    return f"{found['hours']:0>2}:{found['minutes']}:{seconds}{fraction}{offset}"


def _day_by_format(text: str, date_format: str) -> str:
    moment = _by_format(text, date_format)
    if moment.time() != time.min:
        raise ValueError(text)
    return moment.date().isoformat()


def _by_format(text: str, date_format: str) -> datetime:
    found = _form_of(date_format).fullmatch(text)
    if found is None:
        raise ValueError(text)
    parts = found.groupdict()
    day = date(_year(parts), _month(parts), int(parts["d"]))
    hours, minutes, seconds = (int(parts.get(each) or 0) for each in "HMS")
    microseconds = int((parts.get("f") or "0").ljust(6, "0"))
    return datetime.combine(day, time(hours, minutes, seconds, microseconds))


def _year(parts: dict[str, str]) -> int:
    if "Y" in parts:
        return int(parts["Y"])
    year = int(parts["y"])
    return year + (1900 if year >= _LAST_CENTURY_FROM else 2000)


def _month(parts: dict[str, str]) -> int:
    return int(parts["m"]) if "m" in parts else _MONTHS.index(parts["b"][:3].lower()) + 1


@lru_cache(maxsize=256)
def _form_of(date_format: str) -> re.Pattern[str]:
    pieces = re.split(r"(%[a-zA-Z])", date_format)
    return re.compile("".join(_DIRECTIVES.get(piece) or re.escape(piece) for piece in pieces))
