"""The words of SQLite."""

from collections.abc import Collection, Sequence
from sqlite3 import SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_IOERR, SQLITE_READONLY

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Column, ColumnType, Reference, Table
from headrace_server.model.warehouse import Catalog, StagedChunk, WarehouseColumn
from headrace_server.warehouse import sqlite_sampling, sqlite_tables
from headrace_server.warehouse.candidates import LINE, Candidates, Gate
from headrace_server.warehouse.dialect import Change, Dialect
from headrace_server.warehouse.sampling import Sample
from headrace_server.warehouse.schema import create_table
from headrace_server.warehouse.sql import columns_of, execute, quote, rows
from headrace_server.warehouse.widening import is_text, is_unbounded

#: declared types; their affinity keeps every text exact
_TYPES = {
    ColumnType.UUID: "UUID_TEXT",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.FLOAT: "DOUBLE",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.TIMESTAMP: "TIMESTAMP_TEXT",
    ColumnType.DATE: "DATE_TEXT",
    ColumnType.JSON: "JSON_TEXT",
    ColumnType.DATETIME: "DATETIME_TEXT",
    ColumnType.TIME: "TIME_TEXT",
}
#: tables, and views that are datamarts, whose names are neither ours nor SQLite's
_USERS = (
    "FROM sqlite_schema WHERE (type = 'table' OR type = 'view' AND name IN (SELECT"
    " CASE schema_name WHEN 'public' THEN '' ELSE schema_name || '.' END || table_name"
    ' FROM "headrace.marts"))'
    " AND name NOT LIKE 'headrace.%' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
)


class SqliteDialect(Dialect):
    """SQLite 3.37 and later; ours have names that begin with `headrace.`.

    A merge holds the write lock from its first statement, so nothing else needs locking.
    """

    name = "sqlite"
    numbered = "INTEGER PRIMARY KEY AUTOINCREMENT"
    instant = "TIMESTAMP_TEXT"

    def is_transient(self, error: DBAPIError) -> bool:
        """Never: one writer at a time, and waiting for the lock is SQLite's own matter."""
        return False

    def is_unavailable(self, error: DBAPIError) -> bool:
        """A full disk, a file that cannot be read or written, a lock not got in time."""
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        return code in (SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_IOERR, SQLITE_READONLY)

    # names

    def target(self, table: str) -> str:
        """The name as it is, with its schema where it has one."""
        return quote(_plain(table))

    def parked(self, table: str) -> str:
        """Beside the user's tables."""
        return quote(f"headrace.parked.{table}")

    def draft(self, import_id: str) -> str:
        """Beside the user's tables."""
        return f"headrace.drafts.{import_id}"

    def system(self, name: str) -> str:
        """Beside the user's tables."""
        return quote(f"headrace.{name}")

    def scratch(self, name: str) -> str:
        """In the connection's temporary database."""
        return f"temp.{quote(f'headrace.{name}')}"

    def create_scratch(self, name: str, definition: str) -> str:
        """Dropped by `end_merge`, or by the roll-back."""
        return f"CREATE TABLE {self.scratch(name)} {definition}"

    def create_index(self, table: str, name: str, columns: str) -> str:
        """An index belongs to its table's database."""
        temporary = table.startswith("temp.")
        index = ("temp." if temporary else "") + quote(f"headrace.{name}")
        return f"CREATE INDEX IF NOT EXISTS {index} ON {table.removeprefix('temp.')} ({columns})"

    # expressions and clauses

    def column_type(self, column: Column) -> str:
        """A name that tells people and tools what the text is."""
        if column.type is ColumnType.STRING:
            return "TEXT" if is_text(column) else f"VARCHAR({column.max_length})"
        if column.type is ColumnType.DECIMAL:
            bounds = f"({column.precision}, {column.scale})"
            return "DECIMAL_TEXT" if is_unbounded(column) else f"DECIMAL_TEXT{bounds}"
        return _TYPES[column.type]

    def column_text(self, column: Column, expression: str) -> str:
        """As it is kept, but for booleans and floating point."""
        if column.type is ColumnType.BOOLEAN:
            return f"CASE {expression} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"
        if column.type is ColumnType.FLOAT:
            return f"{sqlite_tables.FLOAT_TEXT}({expression})"
        return f"CAST({expression} AS TEXT)"

    def converted(self, column: Column, wider: Column, expression: str) -> str:
        """By its text."""
        return sqlite_tables.converted(column, wider, expression, self.column_text)

    def numbers(self, parameter: str) -> str:
        """One row for each element."""
        return f"SELECT value FROM json_each({parameter})"

    def moment(self, parameter: str) -> str:
        """The text itself."""
        return parameter

    def locking(self, strength: str, alias: str) -> str:
        """Nothing: the write lock is held."""
        return ""

    # schema

    async def lock_definitions(self, connection: AsyncConnection) -> None:
        """Nothing: the write lock is held."""

    async def create_own_schemas(self, connection: AsyncConnection) -> None:
        """Nothing: a schema is a part of the name."""

    async def create_schema(self, connection: AsyncConnection, table: str) -> None:
        """Nothing: a schema is a part of the name."""

    async def is_taken(self, connection: AsyncConnection, table: str) -> bool:
        """Looks through tables and views."""
        name = _plain(table)
        statement = "SELECT 1 FROM sqlite_schema WHERE name = :name COLLATE NOCASE"
        return bool(await rows(connection, statement, name=name))

    def gate(self, table: str) -> list[str]:
        """Nothing: the write lock is held."""
        return []

    async def alter(self, connection: AsyncConnection, change: Change, catalog: Catalog) -> None:
        """Adds columns in place; anything else needs the table written anew."""
        table, target = change.after, self.target(change.after.name)
        added = [f"{quote(c.name)} {self.column_type(c)}" for c in change.added]
        if table.references:
            await sqlite_tables.add_columns(connection, self.parked(table.name), added)
        if not change.widened:
            await sqlite_tables.add_columns(connection, target, added)
            return
        await sqlite_tables.require_ours(connection, change.before, _plain(table.name))
        anew, before = quote("headrace.draft"), change.before.columns
        await execute(connection, create_table(self, table, catalog, name=anew))
        values = [
            self.converted(column, table.column(column.name), quote(column.name))
            for column in before
        ]
        await execute(
            connection,
            f"INSERT INTO {anew} ({columns_of(column.name for column in before)})"
            f" SELECT {', '.join(values)} FROM {target}",
        )
        await sqlite_tables.put_in_place(connection, anew, target, _plain(table.name))

    async def exchange(self, connection: AsyncConnection, table: Table, draft: str) -> None:
        """By its name, unless users gave the table columns of their own."""
        name, target, source = _plain(table.name), self.target(table.name), self.target(draft)
        same = await sqlite_tables.layout(connection, name) == await sqlite_tables.layout(
            connection, draft
        )
        if same:
            await sqlite_tables.put_in_place(connection, source, target, name)
            return
        columns = [column.name for column in table.columns]
        await sqlite_tables.replace_rows(connection, source, target, columns)

    # merging

    async def begin_merge(self, connection: AsyncConnection, tables: Sequence[str]) -> None:
        """Nothing: foreign keys are off where references are checked set-based."""

    async def load_rows(
        self, connection: AsyncConnection, chunk: StagedChunk, missing: str
    ) -> Candidates:
        """The staged database was attached before the transaction began."""
        return Candidates(chunk.table, "staged.rows", LINE, missing)

    async def load_rejects(self, connection: AsyncConnection, chunk: StagedChunk) -> str:
        """The staged database was attached before the transaction began."""
        return "staged.rejects"

    async def drop_superseded(self, connection: AsyncConnection, candidates: Candidates) -> None:
        """Nothing: each key is staged once."""

    async def hold_parents(
        self,
        connection: AsyncConnection,
        candidates: Candidates,
        reference: Reference,
        parent: Table,
        scratch: str,
    ) -> str:
        """The parent's table itself: nobody else can change it now."""
        return self.target(parent.name)

    async def lock_gate(self, connection: AsyncConnection, table: str, gate: Gate) -> None:
        """Nothing: the write lock is held."""

    async def spread(
        self, connection: AsyncConnection, statement: str, relations: Sequence[str]
    ) -> None:
        """Follows the index by itself."""
        await execute(connection, statement)

    async def delete_parked(
        self, connection: AsyncConnection, table: str, condition: str
    ) -> set[str]:
        """Reads, then deletes; nothing comes between."""
        parked = self.parked(table)
        found = await rows(
            connection,
            f'SELECT DISTINCT p."headrace.ingestion_id" FROM {parked} AS p WHERE {condition}',
        )
        if found:
            await execute(connection, f"DELETE FROM {parked} AS p WHERE {condition}")
        return {row[0] for row in found}

    async def end_merge(self, connection: AsyncConnection, scratch: Sequence[str]) -> None:
        """Drops them one by one."""
        for name in scratch:
            await execute(connection, f"DROP TABLE IF EXISTS {self.scratch(name)}")

    # description

    async def tables(self, connection: AsyncConnection) -> list[tuple[str, str, int | None]]:
        """Tables whose names are not ours."""
        found = await rows(
            connection,
            f"SELECT name {_USERS}",
        )
        sizes = await self._sizes(connection)
        return sorted((*_schema_and_name(row.name), sizes.get(row.name)) for row in found)

    async def _sizes(self, connection: AsyncConnection) -> dict[str, int]:
        """Bytes by table, indexes included, where SQLite was built to tell."""
        available = await rows(connection, "SELECT 1 FROM pragma_module_list WHERE name = 'dbstat'")
        if not available:
            return {}
        found = await rows(
            connection,
            "SELECT s.tbl_name AS name, sum(d.pgsize) AS size FROM dbstat AS d"
            " JOIN sqlite_schema AS s ON s.name = d.name WHERE d.aggregate GROUP BY s.tbl_name",
        )
        return {row.name: row.size for row in found}

    async def has_table(self, connection: AsyncConnection, schema: str, name: str) -> bool:
        """Names that differ in case only are those of one table, which is addressed as it is."""
        table = name if schema == "public" else f"{schema}.{name}"
        return bool(await rows(connection, f"SELECT 1 {_USERS} AND name = :name", name=table))

    async def columns(
        self, connection: AsyncConnection, schema: str, name: str
    ) -> tuple[WarehouseColumn, ...]:
        """From the table's pragmas."""
        table = name if schema == "public" else f"{schema}.{name}"
        found = await rows(
            connection,
            'SELECT t.name, t.type, NOT t."notnull", t.pk > 0,'
            ' (SELECT f."table" || \'.\' || f."to" FROM pragma_foreign_key_list(:name) AS f'
            ' WHERE f."from" = t.name ORDER BY f.id DESC LIMIT 1)'
            " FROM pragma_table_info(:name) AS t ORDER BY t.cid",
            name=table,
        )
        return tuple(
            WarehouseColumn(row[0], row[1], bool(row[2]), bool(row[3]), row[4]) for row in found
        )

    async def sample(
        self,
        connection: AsyncConnection,
        schema: str,
        name: str,
        columns: Collection[str],
        most: int,
    ) -> Sample:
        """Runs of rows that lie together."""
        table = name if schema == "public" else f"{schema}.{name}"
        target = self.target(f"{schema}.{name}")
        return await sqlite_sampling.sample(connection, table, target, columns, most)


def _plain(table: str) -> str:
    return table.removeprefix("public.")


def _schema_and_name(table: str) -> tuple[str, str]:
    schema, point, name = table.rpartition(".")
    return (schema, name) if point else ("public", name)
