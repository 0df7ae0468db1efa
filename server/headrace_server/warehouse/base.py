"""What every tenant's database can do; postgres.py and sqlite.py do it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Collection,
    Sequence,
)
from dataclasses import dataclass, field
from typing import Any

from headrace_server.model.contract import Table
from headrace_server.model.observation import TableProfile
from headrace_server.model.query import QueryBatch
from headrace_server.model.relationship import Inclusion, TableFacts
from headrace_server.model.warehouse import (
    Catalog,
    ChunkKey,
    FileTally,
    KeptRow,
    LedgerEntry,
    StagedChunk,
    WarehouseTable,
)
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.marts import Marts

#: most rows of one piece of a result
QUERY_BATCH = 2000

Columns = tuple[str, str, tuple[str, ...]]
"""Schema and name of a table, and some of its columns."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The place of a chunk among those of its file that are merged at the same time."""

    #: set when those before it are committed
    come: asyncio.Event = field(default_factory=asyncio.Event)
    #: set when those before it need what it holds
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    #: sets `let_go` of the one after it
    make_way: asyncio.Event = field(default_factory=asyncio.Event)


def at_once() -> Turn:
    """Return the turn of a chunk that comes after no other."""
    turn = Turn()
    turn.come.set()
    return turn


class Warehouse(ABC):
    """A tenant's own database.

    Every method may raise StorageUnavailableError. Ours among the tables (ledger, fences, rejects,
    parked rows) are never listed.
    """

    #: what `staging_writer` needs to know: "sqlite" or "postgresql"
    dialect: str
    #: its datamarts
    marts: Marts

    @abstractmethod
    async def prepare(self, catalog: Catalog) -> None:
        """Create or alter what the catalog needs; cheap when nothing changed.

        Nullable columns are added, maximal lengths widened and NOT NULL relaxed; a table that is
        wider than declared stays so. Raises InvalidContractError, naming table and column, for
        any other change.
        """

    @abstractmethod
    async def definition(self, name: str) -> Table | None:
        """The table of that name as it stands, `s.t` or `t`; None where there is none.

        Of its columns it tells names, types and sizes, and whether they may be null. Raises
        WrongStateError where there is a table or view that none of ours made, or the name is
        reserved.
        """

    @abstractmethod
    async def prepare_import(self, table: Table, *, catalog: Catalog) -> Table:
        """Create a table of imports, or alter it to take rows as declared; returns how it stands.

        Nullable columns are added, columns that are not declared may be null from then on, and
        types grow to what takes both: whole numbers to decimals of any size, days to moments of
        no zone, what else differs to texts. Every value that is there stays exact. What is
        narrower than the table leaves it as it is: so does any number where the column is of
        floating point, and any type where it is JSON. A table of the catalog, the contracts', is
        prepared as `prepare` says. Raises InvalidContractError, naming table and column, for what
        cannot be; also where a view uses a column whose type would have to change.
        """

    @abstractmethod
    async def draft(self, table: Table, import_id: str) -> Table:
        """The table that takes the rows of an import that are to replace a prepared table's.

        It is made unless it is there, of the same columns and key; its chunks are merged like
        those of any table. When its rows have taken their place
        that is the table itself, so that replayed rows are added there. Raises WrongStateError
        where the table is not prepared, InvalidContractError where it has references, or others
        refer to it.
        """

    @abstractmethod
    async def replace(self, name: str, import_id: str, attempt: int) -> None:
        """Put the rows of an import's draft in the place of all rows of a table, in one moment.

        Whoever reads sees the rows of before or those of after. It is done once: again it changes
        nothing. Raises StaleAttemptError for an older attempt, WrongStateError where there is no
        draft, or rows that would go are referred to.
        """

    @abstractmethod
    async def drop_draft(self, import_id: str, attempt: int) -> None:
        """Drop the draft of an import that ended without it, if there is one.

        Rows in it go with it: the ledger forgets the import, which begins anew where it runs again.
        Raises StaleAttemptError where a newer attempt has begun: that goes on with the rows.
        """

    @abstractmethod
    async def drafts(self) -> list[str]:
        """The imports that have drafts."""

    @abstractmethod
    async def merge(
        self, chunk: StagedChunk, catalog: Catalog, turn: Turn | None = None
    ) -> LedgerEntry:
        """Commit a chunk in one transaction; one that the ledger has changes nothing.

        It is committed in its turn, at once where none is given, as if all of it had been done
        then; but rows of a table without a key, which hang on no others, wait for no turn. The
        catalog holds the chunk's table, all its ancestors and all its descendants; it is prepared
        first, except for a table of imports or a draft, which `prepare_import` or `draft` has
        prepared. Raises StaleAttemptError for an older attempt or a draft that is gone,
        WrongStateError where rejects to replay are no longer there, RefusedRowsError where
        binary rows must be staged instead, InvalidContractError where the table cannot take the
        rows.
        """

    @abstractmethod
    async def merge_whole(
        self,
        chunks: Sequence[StagedChunk],
        catalog: Catalog,
        confirmed: Awaitable[None],
    ) -> None:
        """Commit all chunks of a file as its binary rows, or none of them.

        They have no counts, and only the first knows its line: what is copied is counted. The table
        is one of imports or a draft, prepared and without references, that nothing was merged into
        for this ingestion. When all rows are copied `confirmed` is awaited: where it fails nothing
        has changed. Then some transactions commit, and where one of them cannot the ledger tells
        which chunks the others committed. Raises RefusedRowsError where the rows must be merged
        chunk by chunk instead, and what `merge` raises.
        """

    @abstractmethod
    async def fence(self, ingestion_id: str, attempt: int) -> None:
        """Refuse merges of older attempts from now on; returns when those under way have ended.

        Raises StaleAttemptError when a newer attempt is recorded already.
        """

    @abstractmethod
    async def committed(self, ingestion_id: str) -> list[LedgerEntry]:
        """All ledger entries of an ingestion, by file, run and chunk."""

    @abstractmethod
    async def ledger_page(
        self, ingestion_id: str, after: ChunkKey | None, limit: int
    ) -> list[LedgerEntry]:
        """The next ledger entries after a key, by file, run and chunk."""

    @abstractmethod
    async def loaded_tables(self, ingestion_id: str) -> frozenset[str]:
        """The tables that an ingestion has brought rows for, whatever became of them."""

    @abstractmethod
    async def tally(self, ingestion_id: str) -> list[FileTally]:
        """How many rows of each file stand where now, of one moment."""

    @abstractmethod
    async def kept_rows(
        self, ingestion_id: str, *, rejected: bool, parked: bool, after: str | None, limit: int
    ) -> list[KeptRow]:
        """Rows kept aside: the rejected, then the parked, each by file and line.

        `after` is the `reject_id` of the last row of the page before (that row may be gone by
        now). Raises NotFoundError where it is no such id.
        """

    @abstractmethod
    def rejects_by_id(self, ingestion_id: str, ids: Sequence[str] | None) -> AsyncIterator[KeptRow]:
        """Rejected rows to replay, by file and line; all when `ids` is None.

        Ids that are not there (any more) are left out. Raises NotFoundError for a malformed one.
        """

    @abstractmethod
    async def settlements(self) -> dict[str, str]:
        """Ingestions whose parked rows were released or superseded by another's merge.

        Gives each ingestion's token for `settle`.
        """

    @abstractmethod
    async def settle(self, ingestion_id: str, token: str) -> None:
        """Strike an ingestion off the settlements, unless it was entered anew since."""

    @abstractmethod
    async def list_tables(self) -> list[WarehouseTable]:
        """The user's tables by schema and name, without columns."""

    @abstractmethod
    async def describe_table(self, schema: str, name: str) -> WarehouseTable:
        """One table with its columns. Raises NotFoundError."""

    @abstractmethod
    async def read_rows(
        self, schema: str, name: str, limit: int, *, max_bytes: int
    ) -> list[dict[str, Any]]:
        """The first rows of a user's table, by column name.

        Raises NotFoundError, and TooLargeError where their texts have more bytes.
        """

    @abstractmethod
    async def profile(
        self, schema: str, name: str, *, most: int, keys: Collection[Sequence[str]] = ()
    ) -> TableProfile:
        """Profile a table by about `most` of its rows; the time that takes is bounded by that.

        A table that has no more is profiled as a whole, and it is told whether each of the `keys`
        (columns that shall be unique together) is unique. Raises NotFoundError.
        """

    @abstractmethod
    async def table_facts(self, schema: str, name: str, *, most: int) -> TableFacts:
        """What a table shows of its relations to others, sorted by about `most` of its rows.

        Raises NotFoundError.
        """

    @abstractmethod
    async def present(self, columns: Columns, values: Collection[int | str]) -> set[int | str]:
        """Those of the values, all numbers or all texts, that one column of a table has."""

    @abstractmethod
    async def inclusion(self, child: Columns, parent: Columns, *, as_text: bool) -> Inclusion:
        """Look up the values of some columns among those of as many others, a key.

        Values of different types are told to be equal by their texts.
        """

    @abstractmethod
    async def guarded(self, sql: str) -> GuardedQuery:
        """Read a query that a user wrote; see `guard.guarded`. Raises InvalidQueryError."""

    @abstractmethod
    def query(
        self,
        query: GuardedQuery,
        *,
        most_rows: int,
        timeout: float,
        batch: int = QUERY_BATCH,
    ) -> AsyncGenerator[QueryBatch, None]:
        """Run a query: the columns first, then rows in pieces of `batch` at most.

        It reads one moment's state, on a connection that can change nothing, and is ended in the
        database when the generator is closed. Raises QueryTimeoutError after `timeout` seconds,
        which are those of the reader too; InvalidQueryError for what the database finds wrong,
        before the first piece or, with a value that cannot be computed, later.
        """

    @abstractmethod
    async def close(self) -> None:
        """Close all connections."""
