"""What PostgreSQL's own catalogs tell of the user's tables."""

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.warehouse import WarehouseColumn
from headrace_server.warehouse.sampling import Sample
from headrace_server.warehouse.sql import rows

#: rows that take a tenth of a second or two to count
_MOST_COUNTED = 2_000_000
#: pages that a sample has at least
_LEAST_PAGES = 20
#: where nobody counted
_USUAL_ROWS_PER_PAGE = 60
#: tables, materialized views that have rows, and views that are datamarts, outside the system's
#: schemas and ours
_USERS = (
    "FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE (c.relkind IN ('r', 'p', 'm') OR c.relkind = 'v' AND EXISTS (SELECT 1"
    " FROM headrace.marts AS m WHERE m.schema_name = n.nspname AND m.table_name = c.relname))"
    " AND c.relispopulated AND n.nspname NOT LIKE 'pg\\_%'"
    " AND n.nspname NOT IN ('information_schema', 'headrace', 'headrace_parked', 'headrace_gates',"
    " 'headrace_drafts', 'headrace_marts')"
)


async def tables(connection: AsyncConnection) -> list[tuple[str, str, int | None]]:
    """Tables, materialized views and datamarts outside the system's schemas and ours."""
    found = await rows(
        connection,
        f"SELECT n.nspname, c.relname, pg_total_relation_size(c.oid) {_USERS} ORDER BY 1, 2",
    )
    return [(row[0], row[1], row[2]) for row in found]


async def has_table(connection: AsyncConnection, schema: str, name: str) -> bool:
    """Whether `tables` lists one."""
    condition = "n.nspname = :schema AND c.relname = :name"
    found = await rows(connection, f"SELECT 1 {_USERS} AND {condition}", schema=schema, name=name)
    return bool(found)


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


async def sample(
    connection: AsyncConnection, schema: str, name: str, target: str, most: int
) -> Sample:
    """Whole pages of a table; how many rows a page has is known where it was analysed."""
    pages, per_page = await _pages(connection, schema, name)
    # Of very few pages the number of rows says nothing.
    share = max(most / max(1.0, pages * per_page), _LEAST_PAGES / max(1, pages))
    if share >= 1:
        return Sample(f"{target} AS s")
    part = f"{target} AS s TABLESAMPLE SYSTEM ({100 * share:.6f}) REPEATABLE (0)"
    page = "(CAST(CAST(s.ctid AS text) AS point))[0]"
    counted = await _counted(connection, target)
    return Sample(part, whole=False, place=page, places=pages, rows=counted)


async def _counted(connection: AsyncConnection, target: str) -> int | None:
    """The rows of a table that has not too many to count them in a moment."""
    [(count,)] = await rows(
        connection, f"SELECT count(*) FROM (SELECT 1 FROM {target} LIMIT {_MOST_COUNTED}) AS c"
    )
    return int(count) if count < _MOST_COUNTED else None


async def _pages(connection: AsyncConnection, schema: str, name: str) -> tuple[int, float]:
    """How many pages a table has now, and about how many rows a page."""
    [(found, per_page)] = await rows(
        connection,
        "SELECT coalesce("
        "(SELECT sum(pg_relation_size(p.relid)) FROM pg_partition_tree(c.oid) AS p),"
        " pg_relation_size(c.oid))\\:\\:bigint / current_setting('block_size')\\:\\:int,"
        " CASE WHEN c.relpages > 0 AND c.reltuples > 0 THEN c.reltuples / c.relpages END"
        " FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = :schema AND c.relname = :name",
        schema=schema,
        name=name,
    )
    return int(found), float(per_page or _USUAL_ROWS_PER_PAGE)
