"""How PostgreSQL merges."""

from collections.abc import Collection, Sequence

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Reference, Table
from headrace_server.model.errors import RefusedRowsError
from headrace_server.model.warehouse import (
    Catalog,
    Counted,
    StagedChunk,
    WarehouseColumn,
)
from headrace_server.warehouse import postgres_catalog, postgres_exchange
from headrace_server.warehouse.candidates import BYTE_OFFSET, LINE, Candidates, Gate
from headrace_server.warehouse.postgres_copy import copy, copy_binary, require_all
from headrace_server.warehouse.postgres_words import PostgresWords, schema_and_name
from headrace_server.warehouse.sampling import Sample
from headrace_server.warehouse.sql import all_present, columns_of, execute, match, quote, rows
from headrace_server.warehouse.staging_postgres import (
    REJECTS_FILE,
    ROWS_FILE,
    positioned_rows,
    referred_file,
)

_log = structlog.get_logger()

#: lock modes that exclude the other kind and go along with their own
_GATE_MODES = {
    Gate.PARK: "SHARE",
    Gate.RELEASE: "ROW EXCLUSIVE",
    Gate.PARK_AND_RELEASE: "SHARE ROW EXCLUSIVE",
}
#: milliseconds that copying in waits for a key that another transaction writes
_HELD_KEY_MS = 500


class PostgresDialect(PostgresWords):
    """PostgreSQL 15 and later."""

    def __init__(self) -> None:
        self._may_skip_triggers: bool | None = None

    # merging

    async def begin_merge(self, connection: AsyncConnection, tables: Sequence[str]) -> None:
        """Room to sort, and no per-row checks of what is checked set-based, where we may."""
        await execute(connection, "SET LOCAL work_mem = '64MB'")
        await execute(connection, "SET LOCAL jit = off")
        if await self._skips_triggers(connection) and not await self._have_triggers(
            connection, tables
        ):
            await execute(connection, "SET LOCAL session_replication_role = replica")

    async def _skips_triggers(self, connection: AsyncConnection) -> bool:
        if self._may_skip_triggers is None:
            [(allowed,)] = await rows(
                connection, "SELECT has_parameter_privilege('session_replication_role', 'SET')"
            )
            self._may_skip_triggers = bool(allowed)
            _log.info("warehouse.reference_checks", set_based_only=self._may_skip_triggers)
        return self._may_skip_triggers

    async def _have_triggers(self, connection: AsyncConnection, tables: Sequence[str]) -> bool:
        """Whether users put triggers of their own on any of the tables."""
        names = [schema_and_name(table) for table in tables]
        found = await rows(
            connection,
            "SELECT n.nspname, c.relname FROM pg_trigger AS t JOIN pg_class AS c"
            " ON c.oid = t.tgrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE NOT t.tgisinternal",
        )
        return any((row.nspname, row.relname) in names for row in found)

    async def load_rows(
        self, connection: AsyncConnection, chunk: StagedChunk, missing: str
    ) -> Candidates:
        """COPY into a temporary table: no WAL, no buffers shared with others."""
        table, name = chunk.table, "chunk_rows"
        columns = [f"{quote(column.name)} {self.column_type(column)}" for column in table.columns]
        definition = f"({', '.join(columns)}, {LINE} BIGINT, {BYTE_OFFSET} BIGINT)"
        await execute(connection, self.create_scratch(name, definition))
        require_all(chunk, await copy(connection, positioned_rows(chunk.path), name))
        if referring := {column for ref in table.references for column in ref.columns}:
            await execute(connection, f"ANALYZE {self.scratch(name)} ({columns_of(referring)})")
        return Candidates(table, self.scratch(name), LINE, missing, unique=not table.primary_key)

    async def load_rejects(self, connection: AsyncConnection, chunk: StagedChunk) -> str:
        """COPY, as for rows."""
        definition = (
            '(line BIGINT, byte_offset BIGINT, "column" TEXT, reason TEXT, message TEXT,'
            " raw TEXT, raw_truncated BOOLEAN)"
        )
        await execute(connection, self.create_scratch("chunk_rejects", definition))
        await copy(connection, chunk.path / REJECTS_FILE, "chunk_rejects")
        return self.scratch("chunk_rejects")

    async def hold_all_parents(
        self, connection: AsyncConnection, chunk: StagedChunk, catalog: Catalog
    ) -> bool:
        """By the distinct keys, which are few beside the rows."""
        for position, reference in enumerate(chunk.table.references):
            parent, name = catalog[reference.table], f"referred_{position}"
            types = {c.name: self.column_type(c) for c in chunk.table.columns}
            pairs = zip(parent.primary_key, reference.columns, strict=True)
            keys = [f"{quote(key)} {types[column]}" for key, column in pairs]
            await execute(connection, self.create_scratch(name, f"({', '.join(keys)})"))
            named = await copy(connection, chunk.path / referred_file(position), name)
            [(held,)] = await rows(
                connection,
                f"SELECT count(*) FROM (SELECT 1 FROM {self.target(parent.name)} AS p"
                f" JOIN {self.scratch(name)} AS c"
                f" ON {match('p', parent.primary_key, 'c', parent.primary_key)}"
                " FOR KEY SHARE OF p) AS held",
            )
            if held != named:
                return False
        return True

    async def copy_in(self, connection: AsyncConnection, chunk: StagedChunk) -> bool:
        """COPY, which takes 0.6 of the time of COPY and INSERT."""
        try:
            async with connection.begin_nested():
                # Whoever holds one of the keys may wait for this very merge.
                await execute(connection, f"SET LOCAL lock_timeout = '{_HELD_KEY_MS}ms'")
                await _copy_rows(connection, chunk)
                await execute(connection, "SET LOCAL lock_timeout TO DEFAULT")
        except DBAPIError as error:
            if not isinstance(error, IntegrityError) and not _is_lock_timeout(error):
                raise
            return False
        return True

    async def append(self, connection: AsyncConnection, chunk: StagedChunk) -> int:
        """COPY: no key can be in the way."""
        return await _copy_rows(connection, chunk)

    async def copy_binary(self, connection: AsyncConnection, chunk: StagedChunk) -> Counted:
        """Put all binary rows of a chunk into their table, however many they are.

        Raises RefusedRowsError where they must be staged instead, also for a key that is there
        already, and for whatever another transaction holds for long.
        """
        if chunk.binary is None:
            raise ValueError(f"{chunk.key} has no binary rows")
        schema, name = schema_and_name(chunk.table.name)
        # Keys, the table itself, what users' triggers write: the holder may wait for this very copy
        # to end, where no database sees it.
        await execute(connection, f"SET LOCAL lock_timeout = '{_HELD_KEY_MS}ms'")
        try:
            copied = await copy_binary(connection, chunk, chunk.binary, schema, name)
        except DBAPIError as error:
            if not _is_lock_timeout(error):
                raise
            raise RefusedRowsError(f"others hold what {chunk.key} needs") from error
        # What is put off until the commit may wait.
        await execute(connection, "SET LOCAL lock_timeout TO DEFAULT")
        return copied

    async def drop_superseded(self, connection: AsyncConnection, candidates: Candidates) -> None:
        """By position, so that one scan and one sort do it."""
        key = columns_of(candidates.table.primary_key)
        ranked = (
            f"SELECT ctid AS place, row_number() OVER (PARTITION BY {key}"
            f" ORDER BY {candidates.number} DESC) AS rank FROM {candidates.relation}"
        )
        await execute(
            connection,
            f"DELETE FROM {candidates.relation} AS c USING ({ranked}) AS r"
            " WHERE c.ctid = r.place AND r.rank > 1",
        )

    async def hold_parents(
        self,
        connection: AsyncConnection,
        candidates: Candidates,
        reference: Reference,
        parent: Table,
        scratch: str,
    ) -> str:
        """KEY SHARE on the parents, as the foreign key's trigger takes it row by row."""
        referred = (
            f"SELECT {columns_of(reference.columns, 'c')} FROM {candidates.relation} AS c"
            f" WHERE {all_present('c', reference.columns)}"
        )
        query = (
            f"SELECT {columns_of(parent.primary_key, 'p')} FROM {self.target(parent.name)} AS p"
            f" WHERE ({columns_of(parent.primary_key, 'p')}) IN ({referred}) FOR KEY SHARE OF p"
        )
        await execute(connection, self.create_scratch(scratch, f"AS {query}"))
        return self.scratch(scratch)

    async def insert(
        self,
        connection: AsyncConnection,
        candidates: Candidates,
        condition: str,
        *,
        keys_are_new: bool,
    ) -> int:
        """Plainly first, which takes 0.6 of the time; the first key that is there ends that."""
        if not keys_are_new:
            return await execute(connection, self.upsert(candidates, condition))
        try:
            async with connection.begin_nested():
                return await execute(connection, self.plain_insert(candidates, condition))
        except IntegrityError:
            return await execute(connection, self.upsert(candidates, condition))

    async def lock_gate(self, connection: AsyncConnection, table: str, gate: Gate) -> None:
        """Table locks: unlike advisory ones they let a kind go along with itself."""
        await execute(
            connection, f"LOCK TABLE headrace_gates.{quote(table)} IN {_GATE_MODES[gate]} MODE"
        )

    async def spread(
        self, connection: AsyncConnection, statement: str, relations: Sequence[str]
    ) -> None:
        """Without hash and merge joins, which would read everything once for each step."""
        await execute(connection, f"ANALYZE {', '.join(relations)}")
        for join in ("enable_hashjoin", "enable_mergejoin"):
            await execute(connection, f"SET LOCAL {join} = off")
        await execute(connection, statement)
        for join in ("enable_hashjoin", "enable_mergejoin"):
            await execute(connection, f"SET LOCAL {join} = on")

    async def delete_parked(
        self, connection: AsyncConnection, table: str, condition: str
    ) -> set[str]:
        """In one statement, so that what it reports is what it deleted."""
        found = await rows(
            connection,
            f"WITH gone AS (DELETE FROM {self.parked(table)} AS p WHERE {condition}"
            ' RETURNING p."headrace.ingestion_id") SELECT DISTINCT * FROM gone',
        )
        return {row[0] for row in found}

    async def end_merge(self, connection: AsyncConnection, scratch: Sequence[str]) -> None:
        """The commit drops them."""

    async def exchange(self, connection: AsyncConnection, table: Table, draft: str) -> None:
        """See `postgres_exchange`."""
        await postgres_exchange.exchange(connection, self, table, draft)

    # description

    async def tables(self, connection: AsyncConnection) -> list[tuple[str, str, int | None]]:
        """From the catalogs of the database."""
        return await postgres_catalog.tables(connection)

    async def has_table(self, connection: AsyncConnection, schema: str, name: str) -> bool:
        """From the catalogs of the database."""
        return await postgres_catalog.has_table(connection, schema, name)

    async def columns(
        self, connection: AsyncConnection, schema: str, name: str
    ) -> tuple[WarehouseColumn, ...]:
        """From the catalogs of the database."""
        return await postgres_catalog.columns(connection, schema, name)

    async def sample(
        self,
        connection: AsyncConnection,
        schema: str,
        name: str,
        columns: Collection[str],
        most: int,
    ) -> Sample:
        """Whole pages."""
        target = self.target(f"{schema}.{name}")
        return await postgres_catalog.sample(connection, schema, name, target, most)


async def _copy_rows(connection: AsyncConnection, chunk: StagedChunk) -> int:
    """Rows of a chunk copied into their table, all of them."""
    schema, name = schema_and_name(chunk.table.name)
    if chunk.binary is not None:
        copied = await copy_binary(connection, chunk, chunk.binary, schema, name)
        if copied.rows != chunk.rows_valid:
            raise RefusedRowsError(f"{chunk.key} is {copied.rows} rows, not {chunk.rows_valid}")
        return copied.rows
    columns = [column.name for column in chunk.table.columns]
    source = chunk.path / ROWS_FILE
    return require_all(chunk, await copy(connection, source, name, schema=schema, columns=columns))


def _is_lock_timeout(error: DBAPIError) -> bool:
    return isinstance(error.orig, asyncpg.LockNotAvailableError)
