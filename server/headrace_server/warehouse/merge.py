"""One chunk into its table, in one transaction; see `Warehouse.merge`."""

import asyncio
import time
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Table, in_dependency_order
from headrace_server.model.errors import RefusedRowsError
from headrace_server.model.warehouse import Catalog, LedgerEntry, StagedChunk
from headrace_server.warehouse import parking
from headrace_server.warehouse.base import Turn
from headrace_server.warehouse.bookkeeping import (
    add_entry,
    add_settlements,
    find_entry,
    raise_fence,
)
from headrace_server.warehouse.candidates import Candidates, Gate
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.import_tables import hold_standing, is_as_staged
from headrace_server.warehouse.references import find_missing, refers_to_itself
from headrace_server.warehouse.replayed import exchange_rejects
from headrace_server.warehouse.schema import invalid
from headrace_server.warehouse.sql import execute, exists, rows

#: seconds that an open transaction waits for the chunk before it. What that one waits for may,
#: by way of others, wait for this one's locks, and the database sees no circle that leads past it.
_PATIENCE_SECONDS = 5


class LateTurnError(Exception):
    """What was done before the turn must be done again when it has come."""


class Merge:
    """The work of one transaction."""

    def __init__(
        self,
        connection: AsyncConnection,
        dialect: Dialect,
        chunk: StagedChunk,
        catalog: Catalog,
        turn: Turn,
    ) -> None:
        self._connection = connection
        self._dialect = dialect
        self._chunk = chunk
        self._catalog = catalog
        self._turn = turn
        self._scratch: list[str] = []
        self._arrivals: dict[str, list[Candidates]] = defaultdict(list)
        self._was_copied_in = False
        self._keys_are_new = True
        self._disturbed: set[str] = set()
        self._staged_rejects = ""
        #: the table as it stands, where imports made it
        self._into: Table | None = None

    async def run(self, *, imported: bool = False) -> LedgerEntry:
        """Do it, unless the ledger has it; `imported` says that imports made the table.

        Raises as `Warehouse.merge`, and LateTurnError.
        """
        started = time.monotonic()
        chunk, connection, dialect = self._chunk, self._connection, self._dialect
        key = chunk.key
        await raise_fence(connection, dialect, key.ingestion_id, chunk.attempt)
        if (entry := await find_entry(connection, dialect, key)) is not None:
            return entry
        named = chunk.table.name
        if imported:
            found = await hold_standing(connection, dialect, chunk.table)
            self._into, named = found.table, found.draft_of or named
        if chunk.table.primary_key:
            await dialect.begin_merge(connection, list(self._catalog))
        # Copied before anything is locked: a process that falls asleep in it holds up nobody.
        if chunk.rows_rejected:
            self._staged_rejects = await dialect.load_rejects(connection, chunk)
        if chunk.rows_valid:
            loaded, parked = await self._merge_rows()
        else:
            if chunk.table.primary_key:
                await self._await_turn()
            loaded = parked = 0
        for table in in_dependency_order(self._catalog.values()):
            if self._bring_parents(table):
                await self._release(table)
        replayed = await exchange_rejects(connection, dialect, chunk, named, self._staged_rejects)
        self._disturbed.discard(key.ingestion_id)
        await add_settlements(connection, dialect, list(self._disturbed))
        entry = self._entry(loaded, parked, started)
        await add_entry(connection, dialect, entry, chunk.table.name, replayed)
        await dialect.end_merge(connection, self._scratch)
        return entry

    def _bring_parents(self, table: Table) -> bool:
        """Whether rows of the table may have waited for what was merged."""
        arrived = {*self._arrivals, *([self._chunk.table.name] if self._was_copied_in else [])}
        return any(reference.table in arrived for reference in table.references)

    def _entry(self, merged: int, parked: int, started: float) -> LedgerEntry:
        chunk = self._chunk
        return LedgerEntry(
            key=chunk.key,
            attempt=chunk.attempt,
            first_line=chunk.first_line,
            byte_offset=chunk.byte_offset,
            byte_length=chunk.byte_length,
            rows_read=chunk.rows_valid + chunk.rows_rejected,
            rows_loaded=chunk.rows_valid - parked,
            rows_rejected=chunk.rows_rejected,
            rows_parked=parked,
            rows_superseded=chunk.rows_valid - parked - merged,
            latency_ms=round((time.monotonic() - started) * 1000),
            committed_at=datetime.now(UTC),
        )

    async def _merge_rows(self) -> tuple[int, int]:
        """Rows merged and rows parked of the chunk."""
        connection, dialect, table = self._connection, self._dialect, self._chunk.table
        if not table.primary_key:
            return await self._append(), 0
        if await self._copy_in():
            return self._chunk.rows_valid, 0
        if self._chunk.binary is not None:
            raise RefusedRowsError(f"rows of {self._chunk.key} have keys that are there")
        candidates = await self._load_rows()
        if refers_to_itself(table):
            # The chunks before it bring parents.
            await self._await_turn()
            await dialect.lock_gate(connection, table.name, Gate.PARK_AND_RELEASE)
        if refers_to_itself(table) or len(table.primary_key) == len(table.columns):
            candidates = await self._without_superseded(candidates)
        incomplete = await self._find_missing(candidates)
        await self._await_turn()
        # Those after it may have copied in what it is about to write.
        self._turn.make_way.set()
        if incomplete:
            candidates = await self._without_superseded(candidates)
            if not refers_to_itself(table):
                # A parent may have been committed before the gate was ours: look again.
                await dialect.lock_gate(connection, table.name, Gate.PARK)
            await execute(connection, f"DELETE FROM {candidates.missing}")
            incomplete = await self._find_missing(candidates)
        if table.references:
            self._disturbed |= await parking.supersede(connection, dialect, candidates)
        parked = await self._park(candidates) if incomplete else 0
        merged = await self._upsert(candidates)
        if incomplete and refers_to_itself(table):
            closed = await self._close_circles(candidates)
            return merged + closed, parked - closed
        return merged, parked

    async def _append(self) -> int:
        """Add rows that nothing tells apart: they wait for none, and none waits for them."""
        name = self._chunk.table.name
        try:
            if self._is_as_staged():
                return await self._dialect.append(self._connection, self._chunk)
            if self._chunk.binary is not None:
                raise RefusedRowsError(f"the columns of {name!r} have changed")
            return await self._upsert(await self._load_rows())
        except IntegrityError as error:
            raise invalid(name, "", f"others' rule of the table refuses: {error.orig}") from error

    def _is_as_staged(self) -> bool:
        return self._into is None or is_as_staged(self._chunk.table, self._into)

    async def _copy_in(self) -> bool:
        """Put the rows straight into their table, unless there is more to it; tells whether."""
        connection, dialect, chunk = self._connection, self._dialect, self._chunk
        if refers_to_itself(chunk.table) or not self._is_as_staged() or await self._has_parked():
            return False
        if not await dialect.hold_all_parents(connection, chunk, self._catalog):
            return False
        self._was_copied_in = await dialect.copy_in(connection, chunk)
        self._keys_are_new = self._was_copied_in
        if self._was_copied_in:
            await self._await_turn()
            if await self._has_parked():
                raise LateTurnError
        return self._was_copied_in

    async def _has_parked(self) -> bool:
        """Whether rows of the table are parked, which newer ones of their keys supersede."""
        table = self._chunk.table
        return bool(table.references) and await exists(
            self._connection, self._dialect.parked(table.name)
        )

    async def _load_rows(self) -> Candidates:
        missing = await self._create_missing("chunk_missing")
        candidates = await self._dialect.load_rows(self._connection, self._chunk, missing)
        return replace(candidates, into=self._into)

    async def _await_turn(self) -> None:
        turn = self._turn
        if not turn.come.is_set():
            signals = [asyncio.create_task(event.wait()) for event in (turn.come, turn.let_go)]
            try:
                await asyncio.wait(
                    signals, timeout=_PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                for signal in signals:
                    signal.cancel()
        if not turn.come.is_set():
            raise LateTurnError

    async def _create_missing(self, name: str) -> str:
        self._scratch.append(name)
        await execute(
            self._connection,
            self._dialect.create_scratch(name, "(number BIGINT PRIMARY KEY, reference INTEGER)"),
        )
        return self._dialect.scratch(name)

    async def _without_superseded(self, candidates: Candidates) -> Candidates:
        if candidates.unique:
            return candidates
        await self._dialect.drop_superseded(self._connection, candidates)
        return replace(candidates, unique=True)

    async def _find_missing(self, candidates: Candidates) -> bool:
        return await find_missing(
            self._connection, self._dialect, candidates, self._catalog, self._name
        )

    def _name(self, stem: str) -> str:
        self._scratch.append(f"{stem}_{len(self._scratch)}")
        return self._scratch[-1]

    async def _park(self, candidates: Candidates) -> int:
        since = datetime.now(UTC).isoformat()
        return await parking.park(self._connection, self._dialect, candidates, self._chunk, since)

    async def _upsert(self, candidates: Candidates) -> int:
        """Merge the complete candidates; returns how many keys."""
        table = candidates.table
        self._arrivals[table.name].append(candidates)
        complete = candidates.complete if table.references else "TRUE"
        written = await self._dialect.insert(
            self._connection, candidates, complete, keys_are_new=self._keys_are_new
        )
        if len(table.columns) > len(table.primary_key):
            return written
        [(count,)] = await rows(
            self._connection, f"SELECT count(*) FROM {candidates.relation} AS c WHERE {complete}"
        )
        return int(count)

    async def _release(self, table: Table) -> None:
        """Merge the parked rows of a table that wait for nothing more."""
        connection, dialect = self._connection, self._dialect
        await dialect.lock_gate(connection, table.name, Gate.RELEASE)
        if not await exists(connection, dialect.parked(table.name)):
            return
        if self._was_copied_in and not self._arrivals[self._chunk.table.name]:
            self._arrivals[self._chunk.table.name].append(await self._load_rows())
        name = self._name("released")
        table = await parking.as_parked(connection, dialect, table)
        waiting = await parking.gather_waiting(connection, dialect, table, self._arrivals, name)
        if waiting is not None:
            await self._merge_parked(waiting, name)

    async def _close_circles(self, candidates: Candidates) -> int:
        """Merge rows that were parked for each other; returns how many of the chunk's."""
        name = self._name("circle")
        circle = await parking.gather_ancestors(self._connection, self._dialect, candidates, name)
        if circle is None:
            return 0
        await self._merge_parked(circle, name)
        return await parking.count_released(self._connection, candidates, circle)

    async def _merge_parked(self, candidates: Candidates, name: str) -> None:
        await self._create_missing(f"{name}_missing")
        await self._find_missing(candidates)
        await self._upsert(candidates)
        self._disturbed |= await parking.settle_released(
            self._connection, self._dialect, candidates
        )
