"""The words of PostgreSQL: names, types, tables."""

from hashlib import sha256

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Column, ColumnType
from headrace_server.model.warehouse import Catalog
from headrace_server.warehouse.candidates import Candidates
from headrace_server.warehouse.dialect import Change, Dialect
from headrace_server.warehouse.sql import columns_of, execute, quote, rows
from headrace_server.warehouse.widening import is_stored_alike, is_text, is_unbounded

_TYPES = {
    ColumnType.STRING: "TEXT",
    ColumnType.UUID: "UUID",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.FLOAT: "DOUBLE PRECISION",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.TIMESTAMP: "TIMESTAMPTZ",
    ColumnType.DATE: "DATE",
    ColumnType.JSON: "JSON",
    ColumnType.DATETIME: "TIMESTAMP",
    ColumnType.TIME: "TIME",
}
#: forms of the texts of days and times, as SQLite keeps them
_FORMS = {
    ColumnType.DATE: "YYYY-MM-DD",
    ColumnType.DATETIME: 'YYYY-MM-DD"T"HH24\\:MI\\:SS.US',
    ColumnType.TIME: "HH24\\:MI\\:SS.US",
}
#: key of the advisory lock on the definitions of a database
_DEFINITIONS_LOCK = 0x68656164
_OURS = ("headrace", "headrace_parked", "headrace_gates", "headrace_drafts", "headrace_marts")
#: SQLSTATE classes of what is not supported, not allowed, or too much for a table
_REFUSALS = ("0A", "42", "54")


#: bytes of PostgreSQL's longest name
LONGEST_NAME = 63


class PostgresWords(Dialect):
    """Names, types and tables; ours stand in schemas of their own."""

    name = "postgresql"
    numbered = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    instant = "TIMESTAMPTZ"

    def is_transient(self, error: DBAPIError) -> bool:
        """Deadlocks, serialization failures, and two merges that park or enter the same at once."""
        return getattr(error.orig, "sqlstate", None) in ("40001", "40P01", "23505")

    def why_refused(self, error: DBAPIError) -> str | None:
        """Such as a view that uses a column whose type shall change."""
        cause = error.orig and error.orig.__cause__
        if str(getattr(cause, "sqlstate", ""))[:2] not in _REFUSALS:
            return None
        return str(cause).replace("\n", "; ")

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

    def draft(self, import_id: str) -> str:
        """In a schema for drafts only."""
        return f"headrace_drafts.{import_id}"

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
        if column.type is ColumnType.STRING and not is_text(column):
            return f"VARCHAR({column.max_length})"
        if column.type is ColumnType.DECIMAL:
            bounds = f"({column.precision}, {column.scale})"
            return "NUMERIC" if is_unbounded(column) else f"NUMERIC{bounds}"
        return _TYPES[column.type]

    def column_text(self, column: Column, expression: str) -> str:
        """As SQLite keeps it."""
        if column.type is ColumnType.TIMESTAMP:
            form = 'YYYY-MM-DD"T"HH24\\:MI\\:SS.US"Z"'
            return f"to_char({expression} AT TIME ZONE 'UTC', '{form}')"
        if column.type in _FORMS:
            return f"to_char({expression}, '{_FORMS[column.type]}')"
        if is_unbounded(column):
            return f"CAST(trim_scale({expression}) AS TEXT)"
        return f"CAST({expression} AS TEXT)"

    def converted(self, column: Column, wider: Column, expression: str) -> str:
        """A cast, where one is needed."""
        if is_stored_alike(column, wider):
            return expression
        if wider.type is ColumnType.STRING:
            return self.column_text(column, expression)
        return f"CAST({expression} AS {self.column_type(wider)})"

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
        if candidates.unique or not candidates.table.primary_key:
            return query
        key = columns_of(candidates.table.primary_key, "c")
        latest = f"SELECT DISTINCT ON ({key}) "
        return f"{latest}{query.removeprefix('SELECT ')}, c.{candidates.number} DESC"

    # schema

    async def lock_definitions(self, connection: AsyncConnection) -> None:
        """By an advisory lock."""
        await execute(connection, f"SELECT pg_advisory_xact_lock({_DEFINITIONS_LOCK})")

    async def create_own_schemas(self, connection: AsyncConnection) -> None:
        """By their names."""
        for schema in _OURS:
            await execute(connection, f"CREATE SCHEMA IF NOT EXISTS {schema}")

    async def create_schema(self, connection: AsyncConnection, table: str) -> None:
        """By its name."""
        schema, _ = schema_and_name(table)
        await execute(connection, f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")

    async def is_taken(self, connection: AsyncConnection, table: str) -> bool:
        """Looks through relations of every kind."""
        schema, name = schema_and_name(table)
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
                name = quote(column.name)
                altered = f"ALTER TABLE {target} ALTER COLUMN {name}"
                value = self.converted(change.before.column(column.name), column, name)
                # Without an expression longer texts need no new rows.
                using = f" USING {value}" if value != name else ""
                await execute(connection, f"{altered} TYPE {self.column_type(column)}{using}")
                if column.nullable and column.name not in table.primary_key:
                    await execute(connection, f"{altered} DROP NOT NULL")


def _short(name: str) -> str:
    """A name of at most 63 bytes, still its own."""
    return name if len(name.encode()) <= LONGEST_NAME else sha256(name.encode()).hexdigest()[:60]


def schema_and_name(table: str) -> tuple[str, str]:
    """`s.t` is table `t` in schema `s`; without a point it is in `public`."""
    schema, point, name = table.rpartition(".")
    return (schema, name) if point else ("public", name)
