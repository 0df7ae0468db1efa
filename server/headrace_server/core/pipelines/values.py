"""The values that a run is given, as its pipeline declares them."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

from headrace_server.core.pipelines.templates import BadTemplateError, fill_value
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.nesting import MAX_DEPTH, is_deeper
from headrace_server.model.pipeline import NOTIFICATION_EMAIL, Parameter, ParameterType

#: characters of one value at most, as a text
LONGEST_VALUE = 64_000
_LONGEST_ADDRESS = 320
_TRUTH = {"true": True, "false": False}


def resolved(
    parameters: tuple[Parameter, ...], given: Mapping[str, Any], names: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    """Return the values of all parameters, and the address told when the run ends.

    Texts that are given, and those of defaults, are templates over `names`. Raises
    InvalidFieldError that names the parameter.
    """
    declared = {parameter.name: parameter for parameter in parameters}
    address = _address(given.get(NOTIFICATION_EMAIL), names)
    for name in given:
        if name not in declared and name != NOTIFICATION_EMAIL:
            known = ", ".join([*declared, NOTIFICATION_EMAIL])
            raise _wrong(name, f"the pipeline has no such parameter, only {known}")
    return {name: _value(parameter, given, names) for name, parameter in declared.items()}, address


def _value(parameter: Parameter, given: Mapping[str, Any], names: Mapping[str, Any]) -> Any:
    value = given.get(parameter.name)
    if value is None:
        value = parameter.default
    if value is None:
        if parameter.required:
            raise _wrong(parameter.name, "the pipeline requires it")
        return None
    try:
        return read_value(parameter.type, filled(value, names))
    except (BadTemplateError, ValueError) as error:
        raise _wrong(parameter.name, str(error)) from error


def filled(value: Any, names: Mapping[str, Any]) -> Any:
    """Return a JSON value with the templates in its texts filled. Raises BadTemplateError."""
    if isinstance(value, str):
        return fill_value(value, names)
    if isinstance(value, Mapping):
        return {key: filled(each, names) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [filled(each, names) for each in value]
    return value


def read_value(type_: ParameterType, value: Any) -> Any:
    """Return a value as JSON holds one of the type. Raises ValueError."""
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        raise ValueError(f"must have at most {LONGEST_VALUE} characters")
    return _READERS[type_](value)


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError("must be a text")


def _integer(value: Any) -> int:
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, int) and not isinstance(value, bool) and abs(number) < 2**63:
        return number
    raise ValueError("must be a whole number")


def _number(value: Any) -> float:
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    if isinstance(number, int | float) and not isinstance(value, bool) and isfinite(number):
        return number
    raise ValueError("must be a number")


def _boolean(value: Any) -> bool:
    found = _TRUTH.get(value.lower()) if isinstance(value, str) else value
    if isinstance(found, bool):
        return found
    raise ValueError("must be true or false")


def _date(value: Any) -> str:
    try:
        return date.fromisoformat(_string(value)).isoformat()
    except ValueError as error:
        raise ValueError("must be a day such as 2024-06-30") from error


def _timestamp(value: Any) -> str:
    try:
        moment = datetime.fromisoformat(_string(value))
    except ValueError as error:
        raise ValueError("must be a moment such as 2024-06-30T02:00:00Z") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _json(value: Any) -> Any:
    if is_deeper(value, MAX_DEPTH):
        raise ValueError(f"must not be nested deeper than {MAX_DEPTH} levels")
    return value


_READERS: Mapping[ParameterType, Callable[[Any], Any]] = {
    ParameterType.STRING: _string,
    ParameterType.INTEGER: _integer,
    ParameterType.NUMBER: _number,
    ParameterType.BOOLEAN: _boolean,
    ParameterType.DATE: _date,
    ParameterType.TIMESTAMP: _timestamp,
    ParameterType.JSON: _json,
}


def usable(parameters: tuple[Parameter, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a run as templates use them: days and moments are such."""
    types = {parameter.name: parameter.type for parameter in parameters}
    return {name: _usable(types.get(name), value) for name, value in values.items()}


def _usable(type_: ParameterType | None, value: Any) -> Any:
    if value is None:
        return None
    if type_ is ParameterType.DATE:
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if type_ is ParameterType.TIMESTAMP else value


def _address(value: Any, names: Mapping[str, Any]) -> str:
    if value is None or value == "":
        return ""
    try:
        address = filled(value, names)
    except BadTemplateError as error:
        raise _wrong(NOTIFICATION_EMAIL, str(error)) from error
    if not isinstance(address, str) or not _is_address(address):
        raise _wrong(NOTIFICATION_EMAIL, "must be a mail address such as team@example.com")
    return address


def _is_address(text: str) -> bool:
    name, at, domain = text.rpartition("@")
    plain = text.isprintable() and " " not in text
    return bool(name and at and domain) and plain and len(text) <= _LONGEST_ADDRESS


def _wrong(name: str, what: str) -> InvalidFieldError:
    return InvalidFieldError.of(f"parameters.{name}", what)
