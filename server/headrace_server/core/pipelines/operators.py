"""What templates may compute: numbers of a bounded size, and texts put together."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from headrace_server.model.json_values import trouble_with

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


def applied(sign: str, left: Any, right: Any, longest: int) -> Any:
    """Return what an operator makes of two values. Raises ValueError, ZeroDivisionError."""
    if _is_number(left) and _is_number(right):
        result = OPERATORS[sign](left, right)
        if trouble_with(result) is not None:
            raise ValueError(f"{sign} makes a number that is too large")
        return result
    if sign == "+" and isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > longest:
            raise ValueError(f"+ makes a text of more than {longest} characters")
        return left + right
    raise ValueError(f"{sign} takes two numbers" + (", or two texts" if sign == "+" else ""))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
