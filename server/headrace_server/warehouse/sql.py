"""SQL that both engines understand: quoted names, conditions, statements run by their text."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


def quote(name: str) -> str:
    """A quoted identifier, fit for `text()` too."""
    return '"' + name.replace('"', '""').replace(":", "\\:") + '"'


def columns_of(names: Iterable[str], alias: str = "") -> str:
    """Quoted column names, joined by commas, each behind the alias."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(prefix + quote(name) for name in names)


def match(left: str, left_columns: Sequence[str], right: str, right_columns: Sequence[str]) -> str:
    """Condition that columns of two aliases are equal, pair by pair."""
    pairs = zip(left_columns, right_columns, strict=True)
    return " AND ".join(f"{left}.{quote(a)} = {right}.{quote(b)}" for a, b in pairs)


def all_present(alias: str, columns: Sequence[str]) -> str:
    """Condition that none of the columns is null."""
    return " AND ".join(f"{alias}.{quote(column)} IS NOT NULL" for column in columns)


async def execute(connection: AsyncConnection, statement: str, **parameters: Any) -> int:
    """Run a statement; returns the number of rows it touched."""
    result = await connection.execute(text(statement), parameters)
    return result.rowcount


async def rows(connection: AsyncConnection, statement: str, **parameters: Any) -> Sequence[Any]:
    """Run a query; returns its rows."""
    return (await connection.execute(text(statement), parameters)).fetchall()


async def exists(connection: AsyncConnection, relation: str) -> bool:
    """Whether a relation holds any row."""
    found = await rows(connection, f"SELECT 1 FROM {relation} LIMIT 1")
    return bool(found)


async def column_names(connection: AsyncConnection, relation: str) -> list[str]:
    """Names of a relation's columns."""
    return list((await connection.execute(text(f"SELECT * FROM {relation} LIMIT 0"))).keys())
