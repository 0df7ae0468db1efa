"""Keys and references that SQLite's tables declare."""

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.relationship import DeclaredReference
from headrace_server.warehouse.sql import rows


async def unique_keys(connection: AsyncConnection, schema: str, name: str) -> list[tuple[str, ...]]:
    """The primary key, then the other keys that are unique for all rows."""
    table = _table(schema, name)
    primary = await rows(
        connection, "SELECT name FROM pragma_table_info(:name) WHERE pk > 0 ORDER BY pk", name=table
    )
    others = await rows(
        connection,
        "SELECT i.name, c.name FROM pragma_index_list(:name) AS i, pragma_index_info(i.name) AS c"
        " WHERE i.\"unique\" AND NOT i.partial AND i.origin <> 'pk' ORDER BY i.seq, c.seqno",
        name=table,
    )
    found = [tuple(row[0] for row in primary)]
    found += [tuple(c[1] for c in group) for _, group in groupby(others, lambda row: row[0])]
    return found


async def references(
    connection: AsyncConnection, schema: str, name: str
) -> list[DeclaredReference]:
    """Foreign keys; one that names no columns refers to the primary key."""
    found = await rows(
        connection,
        'SELECT id, "table", "from", "to" FROM pragma_foreign_key_list(:name) ORDER BY id, seq',
        name=_table(schema, name),
    )
    declared = []
    for _, group in groupby(found, lambda row: row[0]):
        parts = list(group)
        to_schema, _, to_table = parts[0][1].rpartition(".")
        to_columns: Sequence[str | None] = [part[3] for part in parts]
        if None in to_columns:
            to_columns = (await unique_keys(connection, to_schema or "public", to_table))[0]
        declared.append(
            DeclaredReference(
                tuple(part[2] for part in parts),
                to_schema or "public",
                to_table,
                tuple(str(column) for column in to_columns),
            )
        )
    return declared


def _table(schema: str, name: str) -> str:
    return name if schema == "public" else f"{schema}.{name}"
