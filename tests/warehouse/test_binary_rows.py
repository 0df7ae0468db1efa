"""Rows that PostgreSQL copies out of their file in its binary format."""

import asyncio
import threading
from collections.abc import AsyncIterator, Generator
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, text

from headrace_pgcopy import Field, Kind, RecordForm, copy_data, records
from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.errors import RefusedRowsError, StorageUnavailableError
from headrace_server.model.warehouse import BinaryRows, ChunkKey, Counted, StagedChunk
from headrace_server.warehouse.base import Turn
from headrace_server.warehouse.engines import SqliteWarehouse

if TYPE_CHECKING:
    from warehouse.conftest import FamilyLoader, Loader, OpenWarehouse

T = ColumnType
Data = Generator[bytes | memoryview, None, Counted]
DAYS = Table(
    "raw.days",
    (
        Column("day", T.DATE, nullable=True),
        Column("name", T.STRING, nullable=True, max_length=5),
        Column("n", T.INTEGER, nullable=True),
    ),
    (),
)


@pytest.fixture
async def loader(
    postgres_url: str, open_warehouse: "OpenWarehouse", family_loader: "FamilyLoader"
) -> AsyncIterator["Loader"]:
    warehouse = open_warehouse(postgres_url)
    await warehouse.prepare_import(DAYS, catalog={})
    yield family_loader(warehouse).with_catalog({DAYS.name: DAYS})
    await warehouse.close()


FORM = RecordForm((Field(Kind.DATE), Field(Kind.TEXT), Field(Kind.INT8)))


def chunk_of(
    path: Path,
    rows: int,
    *,
    chunk: int = 0,
    attempt: int = 1,
    span: tuple[int, int | None] = (0, None),
    form: RecordForm = FORM,
    columns: tuple[str, ...] = ("day", "name", "n"),
) -> StagedChunk:
    """A chunk of a file, of the bytes in the span."""
    start, end = span
    length = (path.stat().st_size if end is None else end) - start

    def data() -> Data:
        if not path.exists():
            raise StorageUnavailableError("the file is gone")
        content = BytesIO(path.read_bytes()[start : start + length])
        taken = yield from copy_data(form, content.readinto)
        return Counted(taken.rows, taken.lines)

    return StagedChunk(
        key=ChunkKey("ing", 0, 0, chunk),
        attempt=attempt,
        table=DAYS,
        path=path.parent / "nothing",
        first_line=1,
        byte_offset=start,
        byte_length=length,
        rows_valid=rows,
        rows_rejected=0,
        binary=BinaryRows(columns, data),
    )


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "days.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


async def test_a_range_of_a_file_is_copied(loader: "Loader", tmp_path: Path) -> None:
    head, rows = "day,name,n\n", '2024-02-29,"a,""\n",7\n,,\n2024-03-01,"",-1\r\n'.replace("\r", "")
    path = written(tmp_path, head + rows + "never read")
    chunk = chunk_of(path, 3, span=(len(head), len(head + rows)))
    entry = await loader.warehouse.merge(chunk, loader.catalog)
    assert (entry.rows_read, entry.rows_loaded, entry.byte_length) == (3, 3, len(rows))
    assert await loader.texts("raw.days") == [
        ("2024-02-29", 'a,"\n', "7"),
        ("2024-03-01", "", "-1"),
        (None, None, None),
    ]
    assert await loader.warehouse.merge(chunk, loader.catalog) == entry
    assert await loader.tally() == {0: (3, 3, 0, 0)}


async def test_fields_may_stand_in_another_order(loader: "Loader", tmp_path: Path) -> None:
    path = written(tmp_path, "7\t2024-02-29\n\t\n")
    form = RecordForm((Field(Kind.INT8), Field(Kind.DATE)), delimiter="\t")
    chunk = chunk_of(path, 2, form=form, columns=("n", "day"))
    await loader.warehouse.merge(chunk, loader.catalog)
    assert await loader.texts("raw.days") == [("2024-02-29", None, "7"), (None, None, None)]


async def test_a_large_range_goes_in_pieces(
    loader: "Loader", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_WINDOW_BYTES", 20)
    path = written(tmp_path, "".join(f"2024-02-29,é,{n}\n" for n in range(50)))
    await loader.warehouse.merge(chunk_of(path, 50), loader.catalog)
    assert [row[2] for row in await loader.rows("raw.days")] == list(range(50))


REFUSED: list[str | bytes] = [
    "2024-02-29,abcdef,1\n,,\n",
    b"2024-02-29,\xff,1\n,,\n",
    "2024-02-29,a,1\n",
    "2024-02-29,a,1\n,,\n,,\n",
]


async def test_what_is_refused_is_staged_and_merged_again(loader: "Loader", tmp_path: Path) -> None:
    for content in REFUSED:
        with pytest.raises(RefusedRowsError):
            await loader.warehouse.merge(chunk_of(written(tmp_path, content), 2), loader.catalog)
    assert await loader.count("raw.days") == 0
    assert await loader.warehouse.committed("ing") == []
    entry = await loader.load("raw.days", [("2024-02-28", "a", 1)], rejects=[2])
    assert (entry.rows_loaded, entry.rows_rejected) == (1, 1)


async def test_rules_that_users_made_refuse_rows(loader: "Loader", tmp_path: Path) -> None:
    await loader.run("ALTER TABLE raw.days ADD CHECK (n > 0)")
    with pytest.raises(RefusedRowsError, match="check constraint"):
        await loader.warehouse.merge(chunk_of(written(tmp_path, ",,0\n"), 1), loader.catalog)


async def test_a_column_that_has_grown_refuses_what_was_looked_at_before(
    loader: "Loader", tmp_path: Path
) -> None:
    grown = replace(DAYS, columns=(Column("day", T.DATETIME, nullable=True), *DAYS.columns[1:]))
    await loader.warehouse.prepare_import(grown, catalog={})
    chunk = chunk_of(written(tmp_path, "2024-02-29,a,1\n"), 1)
    with pytest.raises(RefusedRowsError, match="have changed"):
        await loader.warehouse.merge(chunk, loader.catalog)
    await loader.load("raw.days", [("2024-02-29", "a", 1)])
    assert await loader.with_catalog({DAYS.name: grown}).texts("raw.days") == [
        ("2024-02-29T00:00:00.000000", "a", "1")
    ]


async def test_a_file_that_is_gone_is_no_fault_of_its_rows(
    loader: "Loader", tmp_path: Path
) -> None:
    path = written(tmp_path, ",,\n,,\n")
    chunk = chunk_of(path, 2)
    path.unlink()
    with pytest.raises(StorageUnavailableError):
        await loader.warehouse.merge(chunk, loader.catalog)
    assert await loader.count("raw.days") == 0


async def test_the_database_going_away_is_no_fault_of_the_rows(
    loader: "Loader", tmp_path: Path
) -> None:
    await loader.run("DROP TABLE raw.days")
    with pytest.raises(Exception, match="does not exist"):
        await loader.warehouse.merge(chunk_of(written(tmp_path, ",,\n"), 1), loader.catalog)


async def test_a_chunk_waits_for_no_other(loader: "Loader", tmp_path: Path) -> None:
    path = written(tmp_path, ",a,1\n,b,2\n")
    first, second = Turn(), Turn()
    chunks = [chunk_of(path, 1, chunk=n, span=(5 * n, 5 * n + 5)) for n in range(2)]
    later = await loader.warehouse.merge(chunks[1], loader.catalog, second)
    empty = replace(chunks[1], key=ChunkKey("ing", 0, 0, 2), rows_valid=0, binary=None)
    await loader.warehouse.merge(empty, loader.catalog, second)
    assert await loader.texts("raw.days") == [(None, "b", "2")]
    earlier = await loader.warehouse.merge(chunks[0], loader.catalog, first)
    assert earlier.committed_at > later.committed_at


async def test_columns_whose_types_others_changed_take_none(
    loader: "Loader", tmp_path: Path
) -> None:
    await loader.run("ALTER TABLE raw.days ALTER n TYPE timestamp USING null")
    with pytest.raises(RefusedRowsError, match=r"n of .+ is of type timestamp"):
        await loader.warehouse.merge(chunk_of(written(tmp_path, ",a,1\n"), 1), loader.catalog)


@pytest.mark.parametrize(
    "changes",
    [
        ["ALTER TABLE raw.days ALTER name SET DEFAULT 'none'"],
        [
            "CREATE DOMAIN theirs AS varchar DEFAULT 'none'",
            "ALTER TABLE raw.days ALTER name TYPE theirs",
        ],
    ],
)
async def test_columns_that_are_left_out_are_null_and_no_default_of_others(
    loader: "Loader", tmp_path: Path, changes: list[str]
) -> None:
    form = RecordForm((Field(Kind.INT8), Field(Kind.DATE)))
    path = written(tmp_path, "7,2024-02-29\n")
    chunk = chunk_of(path, 1, form=form, columns=("n", "day"))
    await loader.run(*changes)
    with pytest.raises(RefusedRowsError, match=r"name of .+ has a default"):
        await loader.warehouse.merge(chunk, loader.catalog)
    await loader.load("raw.days", [("2024-02-29", None, 7)])
    assert await loader.texts("raw.days") == [("2024-02-29", None, "7")]
    whole = chunk_of(written(tmp_path, ",,\n"), 1, chunk=1)
    await loader.warehouse.merge(whole, loader.catalog)
    assert await loader.count("raw.days") == 2


async def test_two_chunks_are_copied_at_the_same_time(loader: "Loader", tmp_path: Path) -> None:
    """Each sends its rows when the other has begun, too."""
    path = written(tmp_path, ",a,1\n" * 4)
    both = threading.Barrier(2, timeout=30)

    def together(data: Data) -> Data:
        yield next(data)
        both.wait()
        return (yield from data)

    chunks = []
    for n in range(2):
        chunk = chunk_of(path, 2, chunk=n, span=(10 * n, 10 * n + 10))
        assert chunk.binary is not None
        data = partial(together, chunk.binary.data())
        chunks.append(replace(chunk, binary=replace(chunk.binary, data=data)))
    await loader.warehouse.fence("ing", 1)
    await asyncio.gather(*(loader.warehouse.merge(c, loader.catalog) for c in chunks))
    assert await loader.count("raw.days") == 4


async def test_two_attempts_at_one_chunk_copy_it_once(
    loader: "Loader", open_warehouse: "OpenWarehouse", postgres_url: str, tmp_path: Path
) -> None:
    other = open_warehouse(postgres_url)
    path = written(tmp_path, ",a,1\n" * 4)
    merged = await asyncio.gather(
        *(
            warehouse.merge(chunk_of(path, 4, attempt=attempt), loader.catalog)
            for warehouse, attempt in ((loader.warehouse, 1), (other, 2), (other, 2))
        ),
        return_exceptions=True,
    )
    assert merged[1] == merged[2]
    assert await loader.count("raw.days") == 4
    await other.close()


async def test_a_clean_chunk_takes_few_statements(loader: "Loader", tmp_path: Path) -> None:
    path = written(tmp_path, ",a,1\n")
    await loader.warehouse.merge(chunk_of(path, 1), loader.catalog)
    statements: list[str] = []
    engine = loader.warehouse._engine.sync_engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(" ".join(statement.split()[:2]))

    event.listen(engine, "before_cursor_execute", note)
    await loader.warehouse.merge(chunk_of(path, 1, chunk=1), loader.catalog)
    assert statements == [
        "SELECT set_config('application_name',",
        "SELECT attempt",
        "SELECT ingestion_id,",
        "SELECT d.definition",
        "INSERT INTO",
    ]


KEYED = Table("raw.keyed", (Column("id", T.INTEGER), Column("name", T.STRING)), ("id",))
KEYED_FORM = RecordForm((Field(Kind.INT8), Field(Kind.TEXT)))


def keyed_chunk(path: Path, made: Table, chunk: int = 0) -> StagedChunk:
    plain = chunk_of(path, 2, chunk=chunk, form=KEYED_FORM, columns=("id", "name"))
    return replace(plain, table=made)


async def test_rows_with_new_keys_are_copied(loader: "Loader", tmp_path: Path) -> None:
    made = await loader.warehouse.prepare_import(KEYED, catalog={})
    keyed = loader.with_catalog({made.name: made})
    path = written(tmp_path, "1,a\n2,b\n")
    entry = await keyed.warehouse.merge(keyed_chunk(path, made), keyed.catalog)
    assert (entry.rows_loaded, entry.rows_superseded) == (2, 0)
    assert await keyed.rows("raw.keyed") == [(1, "a"), (2, "b")]


@pytest.mark.parametrize("content", ["3,c\n1,again\n", "3,c\n3,again\n", "3,c\n,none\n"])
async def test_rows_with_keys_that_are_there_or_none_are_refused(
    loader: "Loader", tmp_path: Path, content: str
) -> None:
    made = await loader.warehouse.prepare_import(KEYED, catalog={})
    keyed = loader.with_catalog({made.name: made})
    await keyed.load("raw.keyed", [(1, "a")])
    chunk = keyed_chunk(written(tmp_path, content), made, 1)
    with pytest.raises(RefusedRowsError):
        await keyed.warehouse.merge(chunk, keyed.catalog)
    assert await keyed.rows("raw.keyed") == [(1, "a")]
    assert len(await keyed.warehouse.committed("ing")) == 1


async def test_rows_whose_keys_others_hold_are_refused(loader: "Loader", tmp_path: Path) -> None:
    made = await loader.warehouse.prepare_import(KEYED, catalog={})
    keyed = loader.with_catalog({made.name: made})
    chunk = keyed_chunk(written(tmp_path, "1,a\n2,b\n"), made)
    async with loader.warehouse._engine.connect() as other:
        await other.execute(text("INSERT INTO raw.keyed VALUES (2, 'theirs')"))
        with pytest.raises(RefusedRowsError):
            await keyed.warehouse.merge(chunk, keyed.catalog)
        await other.rollback()
    assert await keyed.rows("raw.keyed") == []


async def test_sqlite_takes_none(tmp_path: Path) -> None:
    warehouse = SqliteWarehouse(tmp_path / "warehouse.sqlite")
    with pytest.raises(ValueError, match="SQLite takes no rows"):
        await warehouse.merge(chunk_of(written(tmp_path, ",,\n"), 1), {DAYS.name: DAYS})
    await warehouse.close()
