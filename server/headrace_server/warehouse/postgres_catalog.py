"""What PostgreSQL's own catalogs tell of the user's tables."""

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.warehouse import WarehouseColumn
from headrace_server.warehouse.dialect import rows


async def tables(connection: AsyncConnection) -> list[tuple[str, str, int | None]]:
    """Tables and materialized views outside the system's schemas and ours."""
    found = await rows(
        connection,
        "SELECT n.nspname, c.relname, pg_total_relation_size(c.oid) FROM pg_class AS c"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT LIKE 'pg\\_%'"
        " AND n.nspname NOT IN ('information_schema', 'headrace', 'headrace_parked',"
        " 'headrace_gates') ORDER BY 1, 2",
    )
    return [(row[0], row[1], row[2]) for row in found]


async def columns(
    connection: AsyncConnection, schema: str, name: str
) -> tuple[WarehouseColumn, ...]:
    """From the catalogs of the database."""
    found = await rows(
        connection,
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,"
        " EXISTS (SELECT 1 FROM pg_index AS i WHERE i.indrelid = a.attrelid"
        " AND i.indisprimary AND a.attnum = ANY(i.indkey)),"
        " (SELECT f.confrelid\\:\\:regclass\\:\\:text || '.' || r.attname"
        " FROM pg_constraint AS f JOIN pg_attribute AS r ON r.attrelid = f.confrelid"
        " AND r.attnum = f.confkey[array_position(f.conkey, a.attnum)]"
        " WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND a.attnum = ANY(f.conkey)"
        " ORDER BY f.oid LIMIT 1)"
        " FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = :schema"
        " AND c.relname = :name AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        schema=schema,
        name=name,
    )
    return tuple(WarehouseColumn(*row) for row in found)
