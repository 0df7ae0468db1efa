"""What differs between the engines, as far as SQL text and locks go."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Column, Reference, Table
from headrace_server.model.warehouse import Catalog, StagedChunk, WarehouseColumn
from headrace_server.warehouse.candidates import Candidates, Gate
from headrace_server.warehouse.sampling import Sample
from headrace_server.warehouse.sql import columns_of, execute, quote


@dataclass(frozen=True, slots=True)
class Change:
    """What a later version of a contract asks of a table that is there."""

    #: the table as it is
    before: Table
    #: the table as it shall be; columns no longer declared stay at their places
    after: Table
    #: columns that are new
    added: tuple[Column, ...]
    #: columns that take longer texts, longer numbers or nulls now
    widened: tuple[Column, ...]


class Dialect(ABC):
    """One engine's words."""

    #: "sqlite" or "postgresql"
    name: str
    #: type of a row number that rises by itself, with its constraint
    numbered: str
    #: type of a moment in our tables
    instant: str

    @abstractmethod
    def is_transient(self, error: DBAPIError) -> bool:
        """Whether the same transaction may well succeed when tried again."""

    def why_refused(self, error: DBAPIError) -> str | None:
        """Why the database refuses to make or change a table as it is asked; None for all else."""
        return None

    @abstractmethod
    def is_unavailable(self, error: DBAPIError) -> bool:
        """Whether the database, its disk or the way to it is at fault."""

    # names

    @abstractmethod
    def target(self, table: str) -> str:
        """The user's table."""

    @abstractmethod
    def parked(self, table: str) -> str:
        """The table of parked rows of a user's table."""

    @abstractmethod
    def draft(self, import_id: str) -> str:
        """Name of the table, among the user's, of rows that an import brings to replace others."""

    @abstractmethod
    def system(self, name: str) -> str:
        """A table of our bookkeeping."""

    @abstractmethod
    def scratch(self, name: str) -> str:
        """A temporary table of this transaction."""

    @abstractmethod
    def create_scratch(self, name: str, definition: str) -> str:
        """Statement that creates one, from `(columns)` or `AS query`."""

    @abstractmethod
    def create_index(self, table: str, name: str, columns: str) -> str:
        """Statement that indexes one of our tables, unless it is indexed; the name is its own."""

    # expressions and clauses

    @abstractmethod
    def column_type(self, column: Column) -> str:
        """The SQL type of a column."""

    @abstractmethod
    def column_text(self, column: Column, expression: str) -> str:
        """Expression of a value's text: the same on both engines."""

    @abstractmethod
    def converted(self, column: Column, wider: Column, expression: str) -> str:
        """Expression of a column's value as a column keeps it that is wider; see `widest`."""

    @abstractmethod
    def numbers(self, parameter: str) -> str:
        """Query of the integers in a parameter that holds a JSON array."""

    @abstractmethod
    def moment(self, parameter: str) -> str:
        """Expression of a moment given in ISO 8601."""

    @abstractmethod
    def locking(self, strength: str, alias: str) -> str:
        """The row locking clause, where the engine locks rows."""

    def by_key(self, candidates: Candidates, columns: str, condition: str) -> str:
        """Query of candidates (alias `c`) in the order of their key, the latest of each key.

        Those without a key come in the order of their numbers, all of them.
        """
        key = columns_of(candidates.table.primary_key, "c") or f"c.{candidates.number}"
        return f"SELECT {columns} FROM {candidates.relation} AS c WHERE {condition} ORDER BY {key}"

    # schema

    @abstractmethod
    async def lock_definitions(self, connection: AsyncConnection) -> None:
        """Keep others from making and changing tables until the transaction ends."""

    @abstractmethod
    async def create_own_schemas(self, connection: AsyncConnection) -> None:
        """Make room for our own tables, unless it is there."""

    @abstractmethod
    async def create_schema(self, connection: AsyncConnection, table: str) -> None:
        """Make the schema of a table, unless it is there."""

    @abstractmethod
    async def is_taken(self, connection: AsyncConnection, table: str) -> bool:
        """Whether a table or view of that name is there."""

    @abstractmethod
    def gate(self, table: str) -> list[str]:
        """Statements that create what `lock_gate` locks."""

    @abstractmethod
    async def alter(self, connection: AsyncConnection, change: Change, catalog: Catalog) -> None:
        """Change a table and its parked rows' table."""

    @abstractmethod
    async def exchange(self, connection: AsyncConnection, table: Table, draft: str) -> None:
        """Put the rows of a draft of the same shape in the place of a table's; drop the draft.

        Whoever reads sees all rows of before or all of after. What others hung on the table stays:
        views, indexes, rights. Raises WrongStateError where rows that go are referred to.
        """

    # merging

    @abstractmethod
    async def begin_merge(self, connection: AsyncConnection, tables: Sequence[str]) -> None:
        """Settings of a transaction that may write to these tables."""

    @abstractmethod
    async def load_rows(
        self, connection: AsyncConnection, chunk: StagedChunk, missing: str
    ) -> Candidates:
        """Make a chunk's rows readable."""

    @abstractmethod
    async def load_rejects(self, connection: AsyncConnection, chunk: StagedChunk) -> str:
        """Make a chunk's rejects readable; returns their relation."""

    @abstractmethod
    async def drop_superseded(self, connection: AsyncConnection, candidates: Candidates) -> None:
        """Keep the latest line of each key."""

    @abstractmethod
    async def hold_parents(
        self,
        connection: AsyncConnection,
        candidates: Candidates,
        reference: Reference,
        parent: Table,
        scratch: str,
    ) -> str:
        """Keep the parents that candidates refer to from being deleted.

        Returns the relation that holds their keys: the one truth about parents from then on.
        """

    async def hold_all_parents(
        self,
        connection: AsyncConnection,
        chunk: StagedChunk,
        catalog: Catalog,
    ) -> bool:
        """Hold the parents that a chunk's rows name, before the rows themselves are readable.

        False where some are missing, or where the engine gains nothing by it.
        """
        return False

    async def copy_in(self, connection: AsyncConnection, chunk: StagedChunk) -> bool:
        """Put all rows of a chunk into their table, or none.

        False where a key is there already, or another transaction is about to write it. Raises
        RefusedRowsError as `append`.
        """
        return False

    async def append(self, connection: AsyncConnection, chunk: StagedChunk) -> int:
        """Add the rows of a chunk whose table has no key; returns how many.

        Raises RefusedRowsError where binary rows must be staged instead.
        """
        candidates = await self.load_rows(connection, chunk, missing="")
        return await execute(connection, self.plain_insert(candidates, "TRUE"))

    async def insert(
        self,
        connection: AsyncConnection,
        candidates: Candidates,
        condition: str,
        *,
        keys_are_new: bool,
    ) -> int:
        """Upsert the candidates (alias `c`) that meet the condition; returns how many were written.

        Rows that are there already count, unless all their columns are key. `keys_are_new` says
        what is likely.
        """
        return await execute(connection, self.upsert(candidates, condition))

    def upsert(self, candidates: Candidates, condition: str) -> str:
        """Statement that inserts, or updates where there is a key, in the order of the key."""
        table = candidates.table
        if not table.primary_key:
            return self.plain_insert(candidates, condition)
        values = [c.name for c in table.columns if c.name not in table.primary_key]
        updates = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in values)
        return (
            f"{self.plain_insert(candidates, condition)}"
            f" ON CONFLICT ({columns_of(table.primary_key)})"
            f" DO {f'UPDATE SET {updates}' if values else 'NOTHING'}"
        )

    def plain_insert(self, candidates: Candidates, condition: str) -> str:
        """Statement that inserts in the order of the key."""
        columns = candidates.table.columns
        values = [f"c.{quote(column.name)}" for column in columns]
        if candidates.into:
            wider = map(candidates.into.column, (column.name for column in columns))
            values = list(map(self.converted, columns, wider, values))
        return (
            f"INSERT INTO {self.target(candidates.table.name)}"
            f" ({columns_of(column.name for column in columns)})"
            f" {self.by_key(candidates, ', '.join(values), condition)}"
        )

    @abstractmethod
    async def lock_gate(self, connection: AsyncConnection, table: str, gate: Gate) -> None:
        """Wait until no other merge stands to the table's parked rows the opposite way.

        Parking and releasing exclude each other; each goes along with its own kind.
        """

    @abstractmethod
    async def spread(
        self, connection: AsyncConnection, statement: str, relations: Sequence[str]
    ) -> None:
        """Run a recursive statement that follows indexes of the relations step by step."""

    @abstractmethod
    async def delete_parked(
        self, connection: AsyncConnection, table: str, condition: str
    ) -> set[str]:
        """Delete parked rows (alias `p`); returns the ingestions they came from."""

    @abstractmethod
    async def end_merge(self, connection: AsyncConnection, scratch: Sequence[str]) -> None:
        """Drop the scratch tables, where the commit does not."""

    # description

    @abstractmethod
    async def tables(self, connection: AsyncConnection) -> list[tuple[str, str, int | None]]:
        """Schema, name and bytes on disk of each of the user's tables."""

    @abstractmethod
    async def has_table(self, connection: AsyncConnection, schema: str, name: str) -> bool:
        """Whether the user has a table of exactly this name; neither ours nor the engine's."""

    @abstractmethod
    async def columns(
        self, connection: AsyncConnection, schema: str, name: str
    ) -> tuple[WarehouseColumn, ...]:
        """The columns of a table; none where it is not there."""

    @abstractmethod
    async def sample(
        self,
        connection: AsyncConnection,
        schema: str,
        name: str,
        columns: Collection[str],
        most: int,
    ) -> Sample:
        """A part of a table of about so many rows; the whole one where that has no more.

        It is the same part each time, as long as the table stays as it is.
        """
