"""Whether values of some columns are found among those of others."""

import json
from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.relationship import Inclusion
from headrace_server.warehouse.base import Columns
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.sql import all_present, quote, rows
from headrace_server.warehouse.wide_reading import make_room


async def present(
    connection: AsyncConnection,
    dialect: Dialect,
    columns: Columns,
    values: Collection[int | str],
) -> set[int | str]:
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
    connection: AsyncConnection, dialect: Dialect, child: Columns, parent: Columns, *, as_text: bool
) -> Inclusion:
    """Look for the values of columns among those of a key; see `Warehouse.inclusion`."""
    await make_room(connection, dialect)
    places = range(len(child[2]))
    same = " AND ".join(f"g.v{place} = p.v{place}" for place in places)
    each = ", ".join(f"v{place}" for place in places)
    [found] = await rows(
        connection,
        "SELECT count(*), coalesce(sum(m), 0), coalesce(sum(n), 0) FROM"
        " (SELECT g.n, CASE WHEN p.v0 IS NULL THEN 1 ELSE 0 END AS m"
        f" FROM (SELECT {each}, count(*) AS n FROM {_values(dialect, child, as_text)} AS c"
        f" GROUP BY {each}) AS g"
        # Made distinct the key is kept apart, and SQLite makes an index of it.
        f" LEFT JOIN (SELECT DISTINCT {each} FROM {_values(dialect, parent, as_text)} AS k) AS p"
        f" ON {same}) AS looked_up",
    )
    return Inclusion(*map(int, found))


def _values(dialect: Dialect, columns: Columns, as_text: bool) -> str:
    """Relation of the values of columns, where each of a row is present."""
    schema, table, names = columns
    values = ", ".join(
        f"CAST(t.{quote(name)} AS TEXT) AS v{place}" if as_text else f"t.{quote(name)} AS v{place}"
        for place, name in enumerate(names)
    )
    target = dialect.target(f"{schema}.{table}")
    return f"(SELECT {values} FROM {target} AS t WHERE {all_present('t', names)})"
