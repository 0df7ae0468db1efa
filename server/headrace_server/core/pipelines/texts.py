"""The texts of a step's settings: where templates may stand, and what they become."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from headrace_server.core.pipelines.templates import BadTemplateError, fill
from headrace_server.core.pipelines.values import filled
from headrace_server.model.errors import InvalidFieldError

T = TypeVar("T")

#: fields whose texts are SQL
_SQL_FIELDS = frozenset({"query"})


def texts_of(value: Any, field: str) -> Iterator[tuple[str, str]]:
    """Yield each text of settings, with the path of its field."""
    if isinstance(value, str):
        yield field, value
    elif is_dataclass(value):
        for each in fields(value):
            yield from texts_of(getattr(value, each.name), f"{field}.{each.name}")
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from texts_of(each, f"{field}.{key}")
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from texts_of(each, f"{field}[{place}]")


def with_values(settings: T, values: Mapping[str, Any], field: str) -> T:
    """Return settings with the templates of their texts filled.

    Texts within JSON keep the type of a lone `{{ x }}`. Raises InvalidFieldError.
    """
    if isinstance(settings, Enum) or not is_dataclass(settings) or isinstance(settings, type):
        return settings
    changed = {
        each.name: _with_values(getattr(settings, each.name), values, f"{field}.{each.name}")
        for each in fields(settings)
    }
    made: T = replace(settings, **changed)
    return made


def _with_values(value: Any, values: Mapping[str, Any], field: str) -> Any:
    try:
        if isinstance(value, str):
            return fill(value, values, sql=field.rpartition(".")[2] in _SQL_FIELDS)
        if isinstance(value, Mapping):
            return filled(value, values)
    except BadTemplateError as error:
        raise InvalidFieldError.of(field, str(error)) from error
    if isinstance(value, list | tuple):
        return tuple(
            _with_values(each, values, f"{field}[{place}]") for place, each in enumerate(value)
        )
    return with_values(value, values, field)
