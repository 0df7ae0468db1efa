"""Values of PostgreSQL as Python has them, none of them changed by the way."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import asyncpg

from headrace_server.model.query import ValueKind

#: by the server's own names of types
KINDS = {
    "int2": ValueKind.INTEGER,
    "int4": ValueKind.INTEGER,
    "int8": ValueKind.INTEGER,
    "oid": ValueKind.INTEGER,
    "numeric": ValueKind.DECIMAL,
    "float4": ValueKind.FLOAT,
    "float8": ValueKind.FLOAT,
    "bool": ValueKind.BOOLEAN,
    "timestamptz": ValueKind.TIMESTAMP,
    "timestamp": ValueKind.DATETIME,
    "date": ValueKind.DATE,
    "time": ValueKind.TIME,
    "json": ValueKind.JSON,
    "jsonb": ValueKind.JSON,
    "uuid": ValueKind.UUID,
    "bytea": ValueKind.BYTES,
}
#: types that have no value in Python which is all theirs: the server's text says it
_AS_TEXT = (
    "interval", "timetz", "inet", "cidr", "bit", "varbit", "point", "box", "lseg", "path",
    "polygon", "line", "circle", "tid", "pg_snapshot", "pg_lsn",
)  # fmt: skip


async def prepare(connection: asyncpg.Connection) -> None:
    """Have a connection give values as this module says."""
    decoders: dict[str, Callable[[str], Any]] = {
        **dict.fromkeys(_AS_TEXT, str),
        "date": _or_text(date.fromisoformat),
        "timestamp": _or_text(datetime.fromisoformat),
        "timestamptz": _or_text(datetime.fromisoformat),
        # A float4 is the shortest number that it is printed as, not the double beside it.
        "float4": float,
    }
    for name, decode in decoders.items():
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=str, decoder=decode, format="text"
        )


def _or_text(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader that leaves what Python has not, such as infinity and years before Christ."""

    def decode(text: str) -> Any:
        try:
            return read(text)
        except ValueError:
            return text

    return decode


def plain(value: Any, kind: ValueKind) -> Any:
    """A value of a row: arrays and rows within it are lists, ranges their text."""
    if isinstance(value, list | tuple):
        return [plain(each, ValueKind.ANY) for each in value]
    if isinstance(value, bytes) and kind is ValueKind.STRING:  # PostgreSQL's type "char"
        return value.decode(errors="replace")
    if isinstance(value, asyncpg.Range):
        return _range_text(value)
    return value


def _range_text(found: asyncpg.Range) -> str:
    if found.isempty:
        return "empty"
    lower = "" if found.lower is None else found.lower
    upper = "" if found.upper is None else found.upper
    return f"{'[' if found.lower_inc else '('}{lower},{upper}{']' if found.upper_inc else ')'}"
