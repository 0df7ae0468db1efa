"""What every tenant's database can do; postgres.py and sqlite.py do it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from headrace_server.model.observation import TableProfile
from headrace_server.model.warehouse import (
    Catalog,
    ChunkKey,
    FileTally,
    KeptRow,
    LedgerEntry,
    StagedChunk,
    WarehouseTable,
)


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

    @abstractmethod
    async def prepare(self, catalog: Catalog) -> None:
        """Create or alter what the catalog needs; cheap when nothing changed.

        Nullable columns are added, maximal lengths widened and NOT NULL relaxed; a table that is
        wider than declared stays so. Raises InvalidContractError, naming table and column, for
        any other change.
        """

    @abstractmethod
    async def merge(
        self, chunk: StagedChunk, catalog: Catalog, turn: Turn | None = None
    ) -> LedgerEntry:
        """Commit a chunk in one transaction; one that the ledger has changes nothing.

        It is committed in its turn, at once where none is given, as if all of it had been done
        then. The catalog holds the chunk's table, all its ancestors and all its descendants; it is
        prepared first. Raises StaleAttemptError for an older attempt,
        WrongStateError where rejects to replay are no longer there.
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
    async def close(self) -> None:
        """Close all connections."""
