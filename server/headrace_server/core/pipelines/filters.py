"""The filters of templates: `{{ name | filter }}`."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from functools import wraps
from math import isfinite
from pathlib import PurePosixPath
from typing import Any

from jinja2.filters import do_default

from headrace_server.model.json_values import trouble_with

#: characters of what a filter takes, and of what it makes
LONGEST = 1_000_000
_PLAIN = re.compile(r"[A-Za-z0-9_.:@+-]*")
_LONGEST_FORMAT = 100


class Sql(str):
    """SQL that a filter wrote."""

    __slots__ = ()


def shown(value: Any) -> str:
    """Return a value as a text shows it: null is nothing, days and moments are ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict | list):
        return _to_json(value)
    return str(value)


def is_plain(value: Any) -> bool:
    """Whether a value can be inserted into SQL as it is, bare or between quotes, and be a value."""
    if isinstance(value, str):
        return _PLAIN.fullmatch(value) is not None and "--" not in value
    return isinstance(value, bool | int | date) or (isinstance(value, float) and isfinite(value))


def _sql(value: Any) -> Sql:
    """Write a value as a literal; a list as one in parentheses."""
    if isinstance(value, list):
        return Sql(f"({', '.join(map(_sql, value))})") if value else Sql("(NULL)")
    if value is None:
        return Sql("NULL")
    if isinstance(value, bool):
        return Sql("TRUE" if value else "FALSE")
    if isinstance(value, int | float) and isfinite(value):
        return Sql(value)
    return Sql("'" + shown(value).replace("'", "''") + "'")


def _sql_name(value: Any) -> Sql:
    """Write a name between double quotes; dots part the names of schema and table."""
    names = shown(value).split(".")
    return Sql(".".join('"' + name.replace('"', '""') + '"' for name in names))


def _strftime(value: Any, form: str = "%Y-%m-%d") -> str:
    """Write a day or a moment in the form of strftime."""
    if len(form) > _LONGEST_FORMAT:
        raise ValueError(f"a form of strftime has at most {_LONGEST_FORMAT} characters")
    return _moment(value).strftime(form)


def _add_days(value: Any, days: int) -> date:
    """Return the day, or the moment, so many days later."""
    return _moment(value) + timedelta(days=days)


def _moment(value: Any) -> date:
    """Read a day or a moment, also as a text. Raises ValueError."""
    if isinstance(value, date):
        return value
    text = shown(value)
    return (
        datetime.fromisoformat(text) if len(text) > len("2024-06-30") else date.fromisoformat(text)
    )


def size_of(value: Any) -> int:
    """About how many characters a value has as a text."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(size_of, (*value, *value.values())), 1)
    return sum(map(size_of, value), 1) if isinstance(value, list) else 1


def _to_json(value: Any) -> str:
    if size_of(value) > LONGEST:
        raise ValueError(f"a text would have more than {LONGEST} characters")
    return json.dumps(value, ensure_ascii=False, default=shown)


def _join(value: Any, separator: str = "") -> str:
    texts = [shown(each) for each in value]
    length = sum(map(len, texts)) + len(separator) * len(texts)
    if length > LONGEST:
        raise ValueError(f"join makes a text of more than {LONGEST} characters")
    return separator.join(texts)


def _round(value: Any, digits: int = 0) -> float:
    return round(float(value), digits)


def _bounded(name: str, made: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that makes nothing large, however often filters follow one another."""

    @wraps(made)
    def apply(value: Any, *more: Any, **named: Any) -> Any:
        if size_of(value) > LONGEST:
            raise ValueError(f"{name} takes at most {LONGEST} characters")
        result = made(value, *more, **named)
        if size_of(result) > LONGEST:
            raise ValueError(f"{name} makes a text of more than {LONGEST} characters")
        if isinstance(result, int | float) and trouble_with(result) is not None:
            raise ValueError(f"{name} makes a number that is too large")
        return result

    return apply


_FILTERS: Mapping[str, Callable[..., Any]] = {
    "add_days": _add_days,
    "basename": lambda value: PurePosixPath(shown(value)).name,
    "default": do_default,
    "first": lambda value: value[0],
    "float": float,
    "int": int,
    "join": _join,
    "last": lambda value: value[-1],
    "length": len,
    "lower": lambda value: shown(value).lower(),
    "round": _round,
    "sql": _sql,
    "sql_name": _sql_name,
    "stem": lambda value: PurePosixPath(shown(value)).stem,
    "strftime": _strftime,
    "string": shown,
    "tojson": _to_json,
    "trim": lambda value: shown(value).strip(),
    "upper": lambda value: shown(value).upper(),
}

#: by the name that templates use
FILTERS = {name: _bounded(name, made) for name, made in _FILTERS.items()}
