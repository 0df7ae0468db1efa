"""Whether values of some columns are found among those of others."""

import json
from collections.abc import Collection, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.relationship import Inclusion
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.sql import all_present, columns_of, quote, rows

#: schema, table and columns
Columns = tuple[str, str, tuple[str, ...]]


async def present(
    connection: AsyncConnection,
    dialect: Dialect,
    columns: Columns,
    values: Collection[int] | Collection[str],
) -> set[int] | set[str]:
    """Those of the values that a column has; see `Warehouse.present`."""
    schema, table, (name,) = columns
    whole = all(isinstance(value, int) for value in values)
    column = f"p.{quote(name)}" if whole else f"CAST(p.{quote(name)} AS TEXT)"
    asked = dialect.numbers(":asked") if whole else _texts(dialect, ":asked")
    found = await rows(
        connection,
        f"SELECT DISTINCT {column} FROM {dialect.target(f'{schema}.{table}')} AS p"
        f" WHERE {column} IN ({asked})",
        asked=json.dumps(list(values)),
    )
    return {int(row[0]) for row in found} if whole else {str(row[0]) for row in found}


def _texts(dialect: Dialect, parameter: str) -> str:
    """Query of the texts in a parameter that holds a JSON array."""
    if dialect.name == "sqlite":
        return f"SELECT value FROM json_each({parameter})"
    return f"SELECT value FROM json_array_elements_text(CAST({parameter} AS JSON))"


async def inclusion(
    connection: AsyncConnection, dialect: Dialect, child: Columns, parent: Columns
) -> Inclusion:
    """Look for the values of columns, as many of each side; see `Warehouse.inclusion`."""
    schema, table, names = child
    parent_schema, parent_table, keys = parent
    parts = [f"v{place}" for place in range(len(names))]
    same = " AND ".join(
        _equal(f"g.{part}", f"p.{quote(key)}") for part, key in zip(parts, keys, strict=True)
    )
    values = ", ".join(
        f"c.{quote(name)} AS {part}" for name, part in zip(names, parts, strict=True)
    )
    [found] = await rows(
        connection,
        "SELECT count(*), coalesce(sum(m), 0), coalesce(sum(n), 0), coalesce(sum(n * m), 0)"
        f" FROM (SELECT g.n, CASE WHEN p.{quote(keys[0])} IS NULL THEN 1 ELSE 0 END AS m"
        f" FROM (SELECT {values}, count(*) AS n FROM {dialect.target(f'{schema}.{table}')} AS c"
        f" WHERE {all_present('c', names)} GROUP BY {columns_of(names, 'c')}) AS g"
        f" LEFT JOIN (SELECT DISTINCT {columns_of(keys)}"
        f" FROM {dialect.target(f'{parent_schema}.{parent_table}')}) AS p ON {same}) AS looked_up",
    )
    return Inclusion(*map(int, found))


def _equal(left: str, right: str) -> str:
    return f"{left} = {right}"


__all__: Sequence[str] = ("Columns", "inclusion", "present")
