"""The role as which users' queries run on PostgreSQL: it may read their tables, nothing else."""

from hashlib import sha256

import asyncpg
import structlog

from headrace_server.warehouse.guarding.quotes import quoted

_log = structlog.get_logger()

#: tables, views and schemas of the user's that a role may not read
_FIND_UNREADABLE = (
    "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n"
    " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')"
    " AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'"
    " AND n.nspname NOT LIKE 'headrace%'"
    " AND NOT (has_schema_privilege($1, n.oid, 'USAGE')"
    " AND has_table_privilege($1, c.oid, 'SELECT'))"
)
#: key of the advisory lock on making the role
_MAKING = 0x68656472


class ReaderRole:
    """One database's role, made when it is first asked for, where we may make roles."""

    def __init__(self) -> None:
        self._name: str | None = None
        self._known = False

    async def name(self, connection: asyncpg.Connection) -> str | None:
        """Its name; None where it cannot be, and all that keeps queries in is their transaction."""
        if not self._known:
            self._name = await _made(connection)
            self._known = True
            if self._name is None:
                _log.warning(
                    "warehouse.no_reader_role",
                    hint="grant CREATEROLE to the server's role, so that queries run as a role "
                    "that may read the tenant's tables only",
                )
        return self._name

    async def grant(self, connection: asyncpg.Connection, role: str) -> bool:
        """Let the role read tables that came since; returns whether there were any."""
        granted = False
        for row in await connection.fetch(_FIND_UNREADABLE, role):
            schema, table = quoted(row[0], '"'), quoted(row[1], '"')
            try:
                await connection.execute(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
                await connection.execute(f"GRANT SELECT ON {schema}.{table} TO {role}")
                granted = True
            except asyncpg.PostgresError:
                # Another's, or gone again: the query says so if it reads it.
                continue
        return granted


async def _made(connection: asyncpg.Connection) -> str | None:
    database = await connection.fetchval("SELECT current_database()")
    role = f"headrace_reader_{sha256(database.encode()).hexdigest()[:24]}"
    await connection.execute(f"SELECT pg_advisory_lock({_MAKING})")
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} NOLOGIN")
        # Who makes a role is its member, but may not act as it by that alone.
        await connection.execute(f"GRANT {role} TO CURRENT_USER")
    except asyncpg.InsufficientPrivilegeError:
        return None
    finally:
        await connection.execute(f"SELECT pg_advisory_unlock({_MAKING})")
    return role
