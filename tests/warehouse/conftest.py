"""A warehouse on each engine, and chunks written by hand."""

import itertools
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import text

from headrace_server.model.contract import Column, ColumnType, Reference, Table
from headrace_server.model.rows import RejectedLine, RejectReason, RowBlock
from headrace_server.model.warehouse import (
    Catalog,
    ChunkKey,
    FileTally,
    KeptRow,
    LedgerEntry,
    StagedChunk,
)
from headrace_server.warehouse.engines import PostgresWarehouse, SqliteWarehouse
from headrace_server.warehouse.sql_warehouse import SqlWarehouse
from headrace_server.warehouse.staging import staging_writer

Row = Sequence[Any]

_chunk_numbers = itertools.count()


def integers_table(name: str, *columns: str, **references: str) -> Table:
    """A table of integers: its key `id`, required `columns`, nullable references by column."""
    return Table(
        name=name,
        columns=(
            Column("id", ColumnType.INTEGER),
            *(Column(column, ColumnType.INTEGER) for column in columns),
            *(Column(column, ColumnType.INTEGER, nullable=True) for column in references),
        ),
        primary_key=("id",),
        references=tuple(Reference((column,), table) for column, table in references.items()),
    )


def catalog_of(*tables: Table) -> Catalog:
    return {table.name: table for table in tables}


class Loader:
    """Stages rows and merges them into one warehouse."""

    def __init__(self, warehouse: SqlWarehouse, folder: Path, catalog: Catalog) -> None:
        self.warehouse = warehouse
        self.catalog = catalog
        self._folder = folder

    def stage(
        self,
        table: str,
        rows: Sequence[Row],
        *,
        ingestion: str = "ing",
        file_no: int = 0,
        run: int = 0,
        chunk: int = 0,
        attempt: int = 1,
        first_line: int = 1,
        rejects: Sequence[int] = (),
        replays: Sequence[str] = (),
    ) -> StagedChunk:
        """A staged chunk; `rejects` are lines."""
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"chunk-{next(_chunk_numbers)}"
        lines = range(first_line, first_line + len(rows))
        with staging_writer(self.warehouse.dialect, path, self.catalog[table]) as writer:
            if rows:
                offsets = [line * 100 for line in lines]
                writer.write(RowBlock(lines, offsets, list(zip(*rows, strict=True))))
            writer.reject([rejected(line) for line in rejects])
        return StagedChunk(
            key=ChunkKey(ingestion, file_no, run, chunk),
            attempt=attempt,
            table=self.catalog[table],
            path=path,
            first_line=first_line,
            byte_offset=first_line * 100,
            byte_length=1000,
            rows_valid=len(rows),
            rows_rejected=len(rejects),
            replayed_reject_ids=tuple(replays),
        )

    async def load(self, table: str, rows: Sequence[Row], **how: Any) -> LedgerEntry:
        """Stage and merge."""
        return await self.warehouse.merge(self.stage(table, rows, **how), self.catalog)

    async def rows(self, table: str) -> list[tuple[Any, ...]]:
        """The table's rows in order."""
        return await query(self.warehouse, f"SELECT * FROM {self._target(table)} ORDER BY 1")

    async def parked(self, table: str) -> int:
        """How many rows are parked."""
        parked = self.warehouse._words.parked(table)
        [(count,)] = await query(self.warehouse, f"SELECT count(*) FROM {parked}")
        return int(count)

    async def count(self, table: str) -> int:
        """How many rows are in the table."""
        [(count,)] = await query(self.warehouse, f"SELECT count(*) FROM {self._target(table)}")
        return int(count)

    async def parked_rows(self, table: str) -> list[tuple[Any, ...]]:
        """The target's columns of the parked rows."""
        columns = ", ".join(column.name for column in self.catalog[table].columns)
        parked = self.warehouse._words.parked(table)
        return await query(self.warehouse, f"SELECT {columns} FROM {parked}")

    async def texts(self, table: str) -> list[tuple[Any, ...]]:
        """The table's rows by key, each value as text."""
        words = self.warehouse._words
        columns = [words.column_text(c, c.name) for c in self.catalog[table].columns]
        return await query(
            self.warehouse, f"SELECT {', '.join(columns)} FROM {self._target(table)} ORDER BY 1"
        )

    async def kept(
        self,
        ingestion: str = "ing",
        *,
        rejected: bool = False,
        parked: bool = False,
        after: str | None = None,
        limit: int = 100,
    ) -> list[KeptRow]:
        """A page of rows kept aside."""
        return await self.warehouse.kept_rows(
            ingestion, rejected=rejected, parked=parked, after=after, limit=limit
        )

    async def run(self, *statements: str) -> None:
        """Run statements as a client of its own, with foreign keys enforced."""
        database = self.warehouse._engine.url.database
        if database is not None:
            with closing(sqlite3.connect(database, isolation_level=None)) as connection:
                for statement in ("PRAGMA foreign_keys = ON", *statements):
                    connection.execute(statement)
            return
        async with self.warehouse._writing() as session:
            for statement in statements:
                await session.execute(text(statement))

    def with_catalog(self, catalog: Catalog) -> "Loader":
        """Other tables in the same warehouse."""
        return Loader(self.warehouse, self._folder, catalog)

    def with_warehouse(self, warehouse: SqlWarehouse) -> "Loader":
        """The same tables in another warehouse."""
        return Loader(warehouse, self._folder, self.catalog)

    async def missing(self, table: str, ingestion: str = "ing") -> list[str | None]:
        """Tables that the parked rows wait for, by line."""
        rows = await self.warehouse.kept_rows(
            ingestion, rejected=False, parked=True, after=None, limit=1000
        )
        return [row.missing_table for row in rows if row.table == table]

    async def break_ledger(self) -> None:
        """Let the last statement of a merge fail."""
        await self._rename_in_ledger("rows_superseded", "broken")

    async def mend_ledger(self) -> None:
        await self._rename_in_ledger("broken", "rows_superseded")

    async def _rename_in_ledger(self, old: str, new: str) -> None:
        ledger = self.warehouse._words.system("ledger")
        async with self.warehouse._writing() as connection:
            await connection.execute(text(f"ALTER TABLE {ledger} RENAME COLUMN {old} TO {new}"))

    def discard(self, chunk: StagedChunk) -> None:
        """Lose the staged files."""
        shutil.rmtree(chunk.path)

    async def tally(self, ingestion: str = "ing") -> dict[int, tuple[int, int, int, int]]:
        """Read, loaded, rejected, parked by file."""
        return {tally.file_no: counts(tally) for tally in await self.warehouse.tally(ingestion)}

    def _target(self, table: str) -> str:
        return self.warehouse._words.target(table)


def counts(tally: FileTally) -> tuple[int, int, int, int]:
    return (tally.rows_read, tally.rows_loaded, tally.rows_rejected, tally.rows_parked)


def rejected(line: int) -> RejectedLine:
    return RejectedLine(line, line * 100, "id", RejectReason.WRONG_TYPE, f"line {line}", "{\t}\\")


async def query(warehouse: SqlWarehouse, statement: str) -> list[tuple[Any, ...]]:
    async with warehouse._reading() as connection:
        return [tuple(row) for row in (await connection.execute(text(statement))).fetchall()]


def open_url(url: str) -> SqlWarehouse:
    if url.startswith("sqlite:"):
        return SqliteWarehouse(Path(url.removeprefix("sqlite:///")))
    return PostgresWarehouse(url)


@pytest.fixture
async def warehouse(database_url: str) -> AsyncIterator[SqlWarehouse]:
    opened = open_url(database_url)
    yield opened
    await opened.close()


def family() -> Catalog:
    """Three generations."""
    return catalog_of(
        integers_table("customers", "age"),
        integers_table("orders", "total", customer="customers"),
        integers_table("items", "quantity", order_id="orders"),
    )


LoaderOf = Callable[[Catalog], Loader]


class Integers(Protocol):
    """See `integers_table`."""

    def __call__(self, name: str, *columns: str, **references: str) -> Table: ...


@pytest.fixture
def integers() -> Integers:
    return integers_table


@pytest.fixture
def loader_of(warehouse: SqlWarehouse, tmp_path: Path) -> LoaderOf:
    """Makes loaders of tables of one's own."""
    return lambda catalog: Loader(warehouse, tmp_path / "staged", catalog)


@pytest.fixture
def loader(loader_of: LoaderOf) -> Loader:
    """Loads customers (id, age), orders (id, total, customer), items (id, quantity, order_id)."""
    return loader_of(family())


OpenWarehouse = Callable[[str], SqlWarehouse]


@pytest.fixture
def open_warehouse() -> OpenWarehouse:
    """Opens the warehouse at a URL; the test closes it."""
    return open_url


FamilyLoader = Callable[[SqlWarehouse], Loader]


@pytest.fixture
def family_loader(tmp_path: Path) -> FamilyLoader:
    """Makes a loader like `loader` into a warehouse of one's own."""
    return lambda warehouse: Loader(warehouse, tmp_path / "staged", family())
