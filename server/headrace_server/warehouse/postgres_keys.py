"""Keys and references that PostgreSQL's tables declare."""

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.relationship import DeclaredReference
from headrace_server.warehouse.sql import rows

_TABLE = (
    " JOIN pg_class AS c ON c.oid = {0} JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE n.nspname = :schema AND c.relname = :name"
)
_NAMES = (
    "(SELECT array_agg(CAST(a.attname AS TEXT) ORDER BY k.place)"
    " FROM unnest({1}) WITH ORDINALITY AS k(number, place)"
    " JOIN pg_attribute AS a ON a.attrelid = {0} AND a.attnum = k.number)"
)


async def unique_keys(connection: AsyncConnection, schema: str, name: str) -> list[tuple[str, ...]]:
    """The primary key, then the other keys that are unique for all rows."""
    found = await rows(
        connection,
        f"SELECT i.indisprimary, {_NAMES.format('i.indrelid', 'CAST(i.indkey AS SMALLINT[])')}"
        f" FROM pg_index AS i {_TABLE.format('i.indrelid')}"
        " AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL"
        " ORDER BY i.indisprimary DESC, i.indexrelid",
        schema=schema,
        name=name,
    )
    keys = [tuple(row[1]) for row in found]
    return keys if found and found[0][0] else [(), *keys]


async def references(
    connection: AsyncConnection, schema: str, name: str
) -> list[DeclaredReference]:
    """Foreign keys."""
    found = await rows(
        connection,
        f"SELECT {_NAMES.format('f.conrelid', 'f.conkey')}, rn.nspname, r.relname,"
        f" {_NAMES.format('f.confrelid', 'f.confkey')} FROM pg_constraint AS f"
        " JOIN pg_class AS r ON r.oid = f.confrelid JOIN pg_namespace AS rn"
        f" ON rn.oid = r.relnamespace {_TABLE.format('f.conrelid')} AND f.contype = 'f'"
        " AND f.conparentid = 0 ORDER BY f.oid",
        schema=schema,
        name=name,
    )
    return [DeclaredReference(tuple(row[0]), row[1], row[2], tuple(row[3])) for row in found]
