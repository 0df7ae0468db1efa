"""Rows of a draft in the place of a table's, on PostgreSQL.

A draft takes the table's place as a whole where nothing tells the two apart, and nobody may see it
half: a transaction whose snapshot is older than the draft's last row would find it half empty. Else
its rows are written into the table, and each snapshot has its own.
"""

from datetime import datetime

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Table
from headrace_server.model.errors import WrongStateError
from headrace_server.warehouse.candidates import Candidates
from headrace_server.warehouse.postgres_words import PostgresWords, schema_and_name
from headrace_server.warehouse.sql import columns_of, execute, match, quote, rows

#: milliseconds that the table is waited for: whoever comes to read it waits behind
_PATIENCE_MS = 200
#: SQLSTATE of a lock that was waited for too long
_NOT_IN_TIME = "55P03"

#: what there is to a table but its name, its rows and its rights
_TRAITS = """
SELECT c.relkind, c.relpersistence, c.relowner, c.relam, c.reltablespace, c.relreplident,
  c.relispartition, c.relrowsecurity, c.relhasrules, c.relhastriggers, c.relhassubclass,
  c.reloptions,
  (SELECT array_agg(concat_ws(' ', a.attnum, quote_ident(a.attname), a.atttypid, a.atttypmod,
      a.attnotnull, a.atthasdef, a.attidentity, a.attgenerated, a.attcollation, a.attstorage,
      a.attcompression, a.attstattarget, a.attacl, a.attoptions) ORDER BY a.attnum)
    FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0),
  (SELECT array_agg(concat_ws(' ', d.classid, d.deptype, d.refclassid, d.refobjsubid)
      ORDER BY d.classid, d.deptype, d.refclassid, d.refobjsubid)
    FROM pg_depend AS d WHERE d.refobjid IN (c.oid, c.reltype)
      AND d.refclassid IN (CAST('pg_class' AS regclass), CAST('pg_type' AS regclass))),
  (SELECT array_agg(concat_ws(' ', k.contype, k.conkey) ORDER BY k.contype, k.conkey)
    FROM pg_constraint AS k WHERE k.conrelid = c.oid),
  EXISTS (SELECT 1 FROM pg_description AS d WHERE d.objoid = c.oid),
  EXISTS (SELECT 1 FROM pg_seclabel AS l WHERE l.objoid = c.oid),
  (SELECT array_agg(a.privilege_type ORDER BY 1)
    FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
    WHERE a.grantee = c.relowner),
  EXISTS (SELECT 1 FROM aclexplode(c.relacl) AS a WHERE a.grantor <> c.relowner)
FROM pg_class AS c WHERE c.oid = CAST(:table AS regclass)
"""
#: statements that give the rights on one table to whoever has them on another
_GRANTS = """
SELECT format('GRANT %s ON TABLE %s TO %s%s', a.privilege_type, CAST(:draft AS text),
  coalesce(quote_ident(r.rolname), 'PUBLIC'),
  CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_class AS c CROSS JOIN aclexplode(c.relacl) AS a LEFT JOIN pg_roles AS r ON r.oid = a.grantee
WHERE c.oid = CAST(:table AS regclass) AND a.grantee <> c.relowner
"""
#: constraints of a draft, and what those of the table are called
_CONSTRAINTS = """
SELECT d.conname, t.conname FROM pg_constraint AS d JOIN pg_constraint AS t
  ON t.contype = d.contype AND t.conkey = d.conkey
WHERE d.conrelid = CAST(:draft AS regclass) AND t.conrelid = CAST(:table AS regclass)
"""
#: merges see by each statement what was committed before it
_IN_THE_WAY = """
SELECT 1 FROM pg_publication UNION ALL SELECT 1 FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_type = 'client backend' AND backend_xmin IS NOT NULL
  AND application_name NOT LIKE 'headrace\\:%'
  AND (xact_start IS NULL OR xact_start < :moment) LIMIT 1
"""


async def exchange(
    connection: AsyncConnection, words: PostgresWords, table: Table, draft: str
) -> None:
    """See `Dialect.exchange`. Nobody writes into the draft any more."""
    target, source = words.target(table.name), words.target(draft)
    [(moment,)] = await rows(connection, "SELECT clock_timestamp()")
    if await _lock_if_alike(connection, target, source, moment):
        await put_in_place(connection, table.name, draft, target, source)
        return
    await exchange_rows(connection, words, table, source)
    await execute(connection, f"DROP TABLE {source}")


async def _lock_if_alike(
    connection: AsyncConnection, target: str, source: str, moment: datetime
) -> bool:
    """Keep everybody from the table if the draft may take its place; tells whether."""
    locking = await connection.begin_nested()
    try:
        await execute(connection, f"SET LOCAL lock_timeout = '{_PATIENCE_MS}ms'")
        await execute(connection, f"LOCK TABLE {target} IN ACCESS EXCLUSIVE MODE")
        await execute(connection, "SET LOCAL lock_timeout TO DEFAULT")
        alike = await _are_alike(connection, target, source, moment)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _NOT_IN_TIME:
            raise
        alike = False
    await (locking.commit() if alike else locking.rollback())
    return alike


async def _are_alike(
    connection: AsyncConnection, target: str, source: str, moment: datetime
) -> bool:
    ours = await rows(connection, _TRAITS, table=_plain(source))
    theirs = await rows(connection, _TRAITS, table=_plain(target))
    if ours != theirs:
        return False
    return not await rows(connection, _IN_THE_WAY, moment=moment)


def _plain(quoted: str) -> str:
    """A quoted name as a value: nothing in it need be kept from `text()`."""
    return quoted.replace("\\:", ":")


async def put_in_place(
    connection: AsyncConnection, name: str, draft: str, target: str, source: str
) -> None:
    """Drop the table; the draft takes its name, its rights and the names of its constraints."""
    given = {"table": _plain(target), "draft": _plain(source)}
    grants = await rows(connection, _GRANTS, **given)
    constraints = await rows(connection, _CONSTRAINTS, **given)
    for (grant,) in grants:
        await connection.exec_driver_sql(grant)
    (schema, own), (drafts, _) = schema_and_name(name), schema_and_name(draft)
    renamed = f"{quote(drafts)}.{quote(own)}"
    await execute(connection, f"DROP TABLE {target}")
    await execute(connection, f"ALTER TABLE {source} RENAME TO {quote(own)}")
    await execute(connection, f"ALTER TABLE {renamed} SET SCHEMA {quote(schema)}")
    for was, shall in constraints:
        renaming = f"RENAME CONSTRAINT {quote(was)} TO {quote(shall)}"
        await execute(connection, f"ALTER TABLE {target} {renaming}")


async def exchange_rows(
    connection: AsyncConnection, words: PostgresWords, table: Table, source: str
) -> None:
    """All that hangs on the table stays, and so do rows of the same keys that are referred to."""
    target, key = words.target(table.name), table.primary_key
    try:
        if not key:
            names = columns_of(column.name for column in table.columns)
            await execute(connection, f"DELETE FROM {target}")
            filling = f"INSERT INTO {target} ({names}) SELECT {names} FROM {source}"
            await execute(connection, filling)
            return
        stays = f"EXISTS (SELECT 1 FROM {source} AS c WHERE {match('t', key, 'c', key)})"
        await execute(connection, f"DELETE FROM {target} AS t WHERE NOT {stays}")
        await execute(connection, words.upsert(Candidates(table, source, "ctid", ""), "TRUE"))
    except IntegrityError as error:
        raise WrongStateError(
            f"the rows of {table.name!r} cannot be replaced: {error.orig}"
        ) from error
