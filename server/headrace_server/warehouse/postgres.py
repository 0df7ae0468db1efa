"""How PostgreSQL merges."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Reference, Table
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.warehouse import StagedChunk, WarehouseColumn
from headrace_server.warehouse import postgres_catalog
from headrace_server.warehouse.dialect import (
    BYTE_OFFSET,
    LINE,
    Candidates,
    Gate,
    all_present,
    columns_of,
    execute,
    quote,
    rows,
)
from headrace_server.warehouse.postgres_words import PostgresWords, schema_and_name
from headrace_server.warehouse.staging_postgres import REJECTS_FILE, ROWS_FILE

_log = structlog.get_logger()

#: what a COPY past SQLAlchemy may meet that is not the rows' fault
_UNAVAILABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
)
#: lock modes that exclude the other kind and go along with their own
_GATE_MODES = {
    Gate.PARK: "SHARE",
    Gate.RELEASE: "ROW EXCLUSIVE",
    Gate.PARK_AND_RELEASE: "SHARE ROW EXCLUSIVE",
}


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
        copied = await self._copy(connection, chunk.path / ROWS_FILE, name)
        if copied != chunk.rows_valid:
            raise StorageUnavailableError(
                f"{copied} of {chunk.rows_valid} staged rows of {chunk.key} are there"
            )
        if referring := {column for ref in table.references for column in ref.columns}:
            await execute(connection, f"ANALYZE {self.scratch(name)} ({columns_of(referring)})")
        return Candidates(table, self.scratch(name), LINE, missing, unique=False)

    async def load_rejects(self, connection: AsyncConnection, chunk: StagedChunk) -> str:
        """COPY, as for rows."""
        definition = (
            '(line BIGINT, byte_offset BIGINT, "column" TEXT, reason TEXT, message TEXT,'
            " raw TEXT, raw_truncated BOOLEAN)"
        )
        await execute(connection, self.create_scratch("chunk_rejects", definition))
        await self._copy(connection, chunk.path / REJECTS_FILE, "chunk_rejects")
        return self.scratch("chunk_rejects")

    async def _copy(self, connection: AsyncConnection, source: Any, name: str) -> int:
        """Rows copied from a file into a scratch table."""
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        try:
            status: str = await driver.copy_to_table(name, schema_name="pg_temp", source=source)
        except _UNAVAILABLE as error:
            raise StorageUnavailableError(f"the staged chunk cannot be copied: {error}") from error
        return int(status.removeprefix("COPY "))

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
        self, connection: AsyncConnection, candidates: Candidates, condition: str
    ) -> int:
        """Plainly first, which takes 0.6 of the time; the first key that is there ends that."""
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

    # description

    async def tables(self, connection: AsyncConnection) -> list[tuple[str, str, int | None]]:
        """From the catalogs of the database."""
        return await postgres_catalog.tables(connection)

    async def columns(
        self, connection: AsyncConnection, schema: str, name: str
    ) -> tuple[WarehouseColumn, ...]:
        """From the catalogs of the database."""
        return await postgres_catalog.columns(connection, schema, name)
