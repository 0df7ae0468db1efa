"""The warehouse over SQLAlchemy; what differs by engine is its dialect's matter."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Collection,
    Sequence,
)
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.errors import NotFoundError, TooLargeError
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
from headrace_server.warehouse import bookkeeping, inclusion, kept
from headrace_server.warehouse.base import QUERY_BATCH, Columns, Turn, at_once
from headrace_server.warehouse.column_facts import table_facts
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.merge import LateTurnError, Merge
from headrace_server.warehouse.profiles import profile_table
from headrace_server.warehouse.reading import Reading
from headrace_server.warehouse.sql import rows
from headrace_server.warehouse.sql_imports import SqlImports

_log = structlog.get_logger()

#: rejects read at once for a replay
_PAGE = 100
#: rows of a table read at once: each may be 16 MiB
_ROWS_AT_ONCE = 64


class SqlWarehouse(SqlImports):
    """What both engines share."""

    #: where the queries of users run
    _reader: Reading

    async def merge(
        self, chunk: StagedChunk, catalog: Catalog, turn: Turn | None = None
    ) -> LedgerEntry:
        """See `Warehouse.merge`."""
        imported = await self._is_imported(chunk.table)
        if not imported:
            await self.prepare(catalog)
        turn = turn or at_once()
        try:
            return await self._merge(chunk, catalog, turn, imported=imported)
        except LateTurnError:
            await turn.come.wait()
            return await self._merge(chunk, catalog, turn, imported=imported)

    async def _merge(
        self, chunk: StagedChunk, catalog: Catalog, turn: Turn, *, imported: bool
    ) -> LedgerEntry:
        async def merge() -> LedgerEntry:
            async with self._write(chunk) as connection:
                merge = Merge(connection, self._words, chunk, catalog, turn)
                return await merge.run(imported=imported)

        return await self._trying_again(merge, chunk=str(chunk.key))

    async def fence(self, ingestion_id: str, attempt: int) -> None:
        """See `Warehouse.fence`."""
        await self._prepare_bookkeeping()
        async with self._write() as connection:
            await bookkeeping.raise_fence(connection, self._words, ingestion_id, attempt)

    async def committed(self, ingestion_id: str) -> list[LedgerEntry]:
        """See `Warehouse.committed`."""
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            return await bookkeeping.entries(connection, self._words, ingestion_id, None, None)

    async def ledger_page(
        self, ingestion_id: str, after: ChunkKey | None, limit: int
    ) -> list[LedgerEntry]:
        """See `Warehouse.ledger_page`."""
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            return await bookkeeping.entries(connection, self._words, ingestion_id, after, limit)

    async def loaded_tables(self, ingestion_id: str) -> frozenset[str]:
        """See `Warehouse.loaded_tables`."""
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            return await bookkeeping.loaded_tables(connection, self._words, ingestion_id)

    async def tally(self, ingestion_id: str) -> list[FileTally]:
        """See `Warehouse.tally`."""
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            return await kept.tally(connection, self._words, ingestion_id)

    async def kept_rows(
        self, ingestion_id: str, *, rejected: bool, parked: bool, after: str | None, limit: int
    ) -> list[KeptRow]:
        """See `Warehouse.kept_rows`."""
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            return await kept.kept_rows(
                connection,
                self._words,
                ingestion_id,
                rejected=rejected,
                parked=parked,
                after=after,
                limit=limit,
            )

    async def rejects_by_id(
        self, ingestion_id: str, ids: Sequence[str] | None
    ) -> AsyncIterator[KeptRow]:
        """See `Warehouse.rejects_by_id`; no transaction stays open between pages."""
        await self._prepare_bookkeeping()
        numbers = None if ids is None else [kept.number_of(reject_id) for reject_id in ids]
        after: str | None = None
        while True:
            async with self._read() as connection:
                page = await kept.rejected_rows(
                    connection, self._words, ingestion_id, after, _PAGE, numbers
                )
            for row in page:
                yield row
            if len(page) < _PAGE:
                return
            after = page[-1].reject_id

    async def settlements(self) -> dict[str, str]:
        """See `Warehouse.settlements`."""
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            return await bookkeeping.read_settlements(connection, self._words)

    async def settle(self, ingestion_id: str, token: str) -> None:
        """See `Warehouse.settle`."""
        await self._prepare_bookkeeping()
        async with self._write() as connection:
            await bookkeeping.delete_settlement(connection, self._words, ingestion_id, token)

    async def list_tables(self) -> list[WarehouseTable]:
        """See `Warehouse.list_tables`."""
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            return [
                await self._table(connection, schema, name, size)
                for schema, name, size in await self._words.tables(connection)
            ]

    async def describe_table(self, schema: str, name: str) -> WarehouseTable:
        """See `Warehouse.describe_table`."""
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            for found_schema, found_name, size in await self._words.tables(connection):
                if (found_schema, found_name) == (schema, name):
                    columns = await self._words.columns(connection, schema, name)
                    table = await self._table(connection, schema, name, size)
                    return replace(table, columns=columns)
        raise NotFoundError("table", f"{schema}.{name}")

    async def read_rows(
        self, schema: str, name: str, limit: int, *, max_bytes: int
    ) -> list[dict[str, Any]]:
        """See `Warehouse.read_rows`."""
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            tables = await self._words.tables(connection)
            if not any((found, table) == (schema, name) for found, table, _ in tables):
                raise NotFoundError("table", f"{schema}.{name}")
            target = self._words.target(f"{schema}.{name}")
            statement = text(f"SELECT * FROM {target} LIMIT :limit")
            options = {"yield_per": _ROWS_AT_ONCE}
            found: list[dict[str, Any]] = []
            size = 0
            async with connection.stream(
                statement, {"limit": limit}, execution_options=options
            ) as streamed:
                async for row in streamed.mappings():
                    found.append(dict(row))
                    size += sum(len(value) for value in row.values() if isinstance(value, str))
                    if size > max_bytes:
                        raise TooLargeError("the table is too large", limit=str(max_bytes))
            return found

    async def profile(
        self, schema: str, name: str, *, most: int, keys: Collection[Sequence[str]] = ()
    ) -> TableProfile:
        """See `Warehouse.profile`."""
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            return await profile_table(connection, self._words, schema, name, most=most, keys=keys)

    async def table_facts(self, schema: str, name: str, *, most: int) -> TableFacts:
        """See `Warehouse.table_facts`."""
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            return await table_facts(connection, self._words, schema, name, most=most)

    async def present(self, columns: Columns, values: Collection[int | str]) -> set[int | str]:
        """See `Warehouse.present`."""
        async with self._read() as connection:
            return await inclusion.present(connection, self._words, columns, values)

    async def inclusion(self, child: Columns, parent: Columns, *, as_text: bool) -> Inclusion:
        """See `Warehouse.inclusion`."""
        async with self._read() as connection:
            words = self._words
            return await inclusion.inclusion(connection, words, child, parent, as_text=as_text)

    async def _table(
        self, connection: AsyncConnection, schema: str, name: str, size: int | None
    ) -> WarehouseTable:
        table = name if schema == "public" else f"{schema}.{name}"
        target = self._words.target(f"{schema}.{name}")
        [(count,)] = await rows(connection, f"SELECT count(*) FROM {target}")
        updated_at = await bookkeeping.last_arrival(connection, self._words, table)
        return WarehouseTable(schema, name, int(count), size, updated_at)

    async def guarded(self, sql: str) -> GuardedQuery:
        """See `Warehouse.guarded`."""
        await self._prepare_bookkeeping()
        own = await self._reader.user_functions()
        return await asyncio.to_thread(_guarded, sql, self.dialect, own)

    async def query(
        self,
        query: GuardedQuery,
        *,
        most_rows: int,
        timeout: float,  # noqa: ASYNC109  # the database is to know it
        batch: int = QUERY_BATCH,
    ) -> AsyncGenerator[QueryBatch, None]:
        """See `Warehouse.query`."""
        await self._prepare_bookkeeping()
        pieces = self._reader.query(query, most_rows=most_rows, timeout=timeout, batch=batch)
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece

    async def close(self) -> None:
        """See `Warehouse.close`."""
        await self._engine.dispose()


def _guarded(sql: str, dialect: str, own_functions: Collection[str]) -> GuardedQuery:
    # Its library is large: only a process that is asked something loads it.
    from headrace_server.warehouse.guard import guarded  # noqa: PLC0415

    return guarded(sql, dialect, own_functions=own_functions)
