"""The words of PostgreSQL."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Column, ColumnType, Reference, Table
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.warehouse import Catalog, StagedChunk, WarehouseColumn
from headrace_server.warehouse.dialect import (
    BYTE_OFFSET,
    LINE,
    Candidates,
    Dialect,
    Gate,
    all_present,
    columns_of,
    execute,
    quote,
    rows,
)
from headrace_server.warehouse.schema import Change
from headrace_server.warehouse.staging_postgres import REJECTS_FILE, ROWS_FILE

_log = structlog.get_logger()

_TYPES = {
    ColumnType.UUID: "UUID",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.FLOAT: "DOUBLE PRECISION",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.TIMESTAMP: "TIMESTAMPTZ",
    ColumnType.DATE: "DATE",
    ColumnType.JSON: "JSON",
}
#: lock modes that exclude the other kind and go along with their own
_GATE_MODES = {
    Gate.PARK: "SHARE",
    Gate.RELEASE: "ROW EXCLUSIVE",
    Gate.PARK_AND_RELEASE: "SHARE ROW EXCLUSIVE",
}
#: key of the advisory lock on the definitions of a database
_DEFINITIONS_LOCK = 0x68656164
_OURS = ("headrace", "headrace_parked", "headrace_gates")


#: bytes of PostgreSQL's longest name
LONGEST_NAME = 63


class PostgresDialect(Dialect):
    """PostgreSQL 15 and later; ours stand in schemas of their own."""

    name = "postgresql"
    numbered = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    instant = "TIMESTAMPTZ"

    def __init__(self) -> None:
        self._may_skip_triggers: bool | None = None

    def is_transient(self, error: DBAPIError) -> bool:
        """Deadlocks, serialization failures, and two merges that park or enter the same at once."""
        return getattr(error.orig, "sqlstate", None) in ("40001", "40P01", "23505")

    def is_unavailable(self, error: DBAPIError) -> bool:
        """Lost connections and the classes of missing resources and interventions."""
        sqlstate = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or sqlstate[:2] in ("08", "53", "57", "58")

    # names

    def target(self, table: str) -> str:
        """In the schema that the name says, else in `public`."""
        schema, name = schema_and_name(table)
        return f"{quote(schema)}.{quote(name)}"

    def parked(self, table: str) -> str:
        """In a schema for parked rows only: names have room for their 63 bytes."""
        return f"headrace_parked.{quote(table)}"

    def system(self, name: str) -> str:
        """In the schema `headrace`."""
        return f"headrace.{quote(name)}"

    def scratch(self, name: str) -> str:
        """In the session's temporary schema."""
        return f"pg_temp.{quote(name)}"

    def create_scratch(self, name: str, definition: str) -> str:
        """Gone at the commit."""
        if definition.startswith("AS "):
            return f"CREATE TEMPORARY TABLE {quote(name)} ON COMMIT DROP {definition}"
        return f"CREATE TEMPORARY TABLE {quote(name)} {definition} ON COMMIT DROP"

    def create_index(self, table: str, name: str, columns: str) -> str:
        """Indexes live in their table's schema; long names are cut by their own hash."""
        return f"CREATE INDEX IF NOT EXISTS {quote(_short(name))} ON {table} ({columns})"

    # expressions and clauses

    def column_type(self, column: Column) -> str:
        """The type that holds exactly what the contract allows."""
        if column.type is ColumnType.STRING:
            return f"VARCHAR({column.max_length})"
        if column.type is ColumnType.DECIMAL:
            return f"NUMERIC({column.precision}, {column.scale})"
        return _TYPES[column.type]

    def column_text(self, column: Column, expression: str) -> str:
        """As SQLite keeps it."""
        if column.type is ColumnType.TIMESTAMP:
            form = 'YYYY-MM-DD"T"HH24\\:MI\\:SS.US"Z"'
            return f"to_char({expression} AT TIME ZONE 'UTC', '{form}')"
        return f"CAST({expression} AS TEXT)"

    def numbers(self, parameter: str) -> str:
        """One row for each element."""
        array = f"json_array_elements_text(CAST({parameter} AS JSON))"
        return f"SELECT CAST(value AS BIGINT) FROM {array}"

    def moment(self, parameter: str) -> str:
        """From the text."""
        return f"CAST(CAST({parameter} AS TEXT) AS TIMESTAMPTZ)"

    def locking(self, strength: str, alias: str) -> str:
        """FOR ... OF."""
        return f"FOR {strength} OF {alias}"

    def by_key(self, candidates: Candidates, columns: str, condition: str) -> str:
        """DISTINCT ON costs nothing beside the sort that the order needs anyway."""
        query = super().by_key(candidates, columns, condition)
        if candidates.unique:
            return query
        key = columns_of(candidates.table.primary_key, "c")
        latest = f"SELECT DISTINCT ON ({key}) "
        return f"{latest}{query.removeprefix('SELECT ')}, c.{candidates.number} DESC"

    # schema

    async def prepare_bookkeeping(self, connection: AsyncConnection) -> None:
        """An advisory lock; our schemas."""
        await execute(connection, f"SELECT pg_advisory_xact_lock({_DEFINITIONS_LOCK})")
        for schema in _OURS:
            await execute(connection, f"CREATE SCHEMA IF NOT EXISTS {schema}")

    async def is_taken(self, connection: AsyncConnection, table: str) -> bool:
        """Looks through relations of every kind."""
        schema, name = schema_and_name(table)
        await execute(connection, f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
        found = await rows(
            connection,
            "SELECT 1 FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE n.nspname = :schema AND c.relname = :name",
            schema=schema,
            name=name,
        )
        return bool(found)

    def gate(self, table: str) -> list[str]:
        """An empty table, only there to be locked: its lock modes are what a gate needs."""
        return [f"CREATE TABLE headrace_gates.{quote(table)} ()"]

    async def alter(self, connection: AsyncConnection, change: Change, catalog: Catalog) -> None:
        """In place."""
        table = change.after
        targets = [self.target(table.name)]
        if table.references:
            targets.append(self.parked(table.name))
        for target in targets:
            for column in change.added:
                added = f"{quote(column.name)} {self.column_type(column)}"
                await execute(connection, f"ALTER TABLE {target} ADD COLUMN {added}")
            for column in change.widened:
                altered = f"ALTER TABLE {target} ALTER COLUMN {quote(column.name)}"
                await execute(connection, f"{altered} TYPE {self.column_type(column)}")
                if column.nullable and column.name not in table.primary_key:
                    await execute(connection, f"{altered} DROP NOT NULL")

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
        except OSError as error:
            raise StorageUnavailableError(f"the staged chunk cannot be read: {error}") from error
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
        self, connection: AsyncConnection, schema: str, name: str
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


def _short(name: str) -> str:
    """A name of at most 63 bytes, still its own."""
    return name if len(name.encode()) <= LONGEST_NAME else sha256(name.encode()).hexdigest()[:60]


def schema_and_name(table: str) -> tuple[str, str]:
    """`s.t` is table `t` in schema `s`; without a point it is in `public`."""
    schema, point, name = table.rpartition(".")
    return (schema, name) if point else ("public", name)
