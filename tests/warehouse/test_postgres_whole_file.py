"""Files whose rows PostgreSQL copies all together, or not at all."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headrace_pgcopy import Field, Kind, OtherFormError, RecordForm, copy_data, records
from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.errors import (
    RefusedRowsError,
    StaleAttemptError,
    StorageUnavailableError,
)
from headrace_server.model.warehouse import BinaryRows, ChunkKey, Counted, StagedChunk
from headrace_server.warehouse import postgres_connections, postgres_whole_file
from headrace_server.warehouse.engines import PostgresWarehouse, SqliteWarehouse
from headrace_server.warehouse.postgres_whole_file import FURTHER_LANES
from headrace_server.warehouse.sql import rows

if TYPE_CHECKING:
    from warehouse.conftest import FamilyLoader, Loader, OpenWarehouse

Data = Generator[bytes | memoryview, None, Counted]
TABLE = Table(
    "raw.notes",
    (
        Column("id", ColumnType.INTEGER, nullable=True),
        Column("note", ColumnType.STRING, nullable=True, max_length=5),
    ),
    (),
)
KEYED = replace(
    TABLE,
    name="raw.keyed",
    columns=(replace(TABLE.columns[0], nullable=False), TABLE.columns[1]),
    primary_key=("id",),
)
FORM = RecordForm((Field(Kind.INT8), Field(Kind.TEXT)))
HALF_A_MINUTE = 30
#: chunks of two rows, some of which have several lines
CHUNKS = ['1,a\n2,"b\nb"\n', "3,c\r\n\n4,\n", "5,e\n6,f\n", "7,g\n8,h"]


#: less than sessions may be idle in their transactions
HELD_SECONDS = 8


@pytest.fixture
async def loader(
    postgres_url: str, open_warehouse: "OpenWarehouse", family_loader: "FamilyLoader"
) -> AsyncIterator["Loader"]:
    warehouse = open_warehouse(postgres_url)
    for table in (TABLE, KEYED):
        await warehouse.prepare_import(table, catalog={})
    await warehouse.fence("ing", 1)
    yield family_loader(warehouse).with_catalog({TABLE.name: TABLE, KEYED.name: KEYED})
    await warehouse.close()


def chunks_of(
    folder: Path, contents: Sequence[str], table: Table = TABLE, attempt: int = 1
) -> list[StagedChunk]:
    """The chunks of a file that begins with a header; none is counted."""
    path = folder / "notes.csv"
    path.write_bytes(("id,note\n" + "".join(contents)).encode(errors="surrogateescape"))
    chunks, offset = [], len("id,note\n")
    for number, content in enumerate(contents):
        chunks.append(
            StagedChunk(
                key=ChunkKey("ing", 0, 0, number),
                attempt=attempt,
                table=table,
                path=path,
                first_line=0 if number else 2,
                byte_offset=offset,
                byte_length=len(content),
                rows_valid=0,
                rows_rejected=0,
                binary=BinaryRows(("id", "note"), partial(data_of, path, offset, len(content))),
            )
        )
        offset += len(content)
    return chunks


def data_of(path: Path, offset: int, length: int) -> Data:
    with path.open("rb", buffering=0) as file:
        file.seek(offset)
        left = length

        def read(buffer: memoryview) -> int:
            nonlocal left
            size = file.readinto(buffer[:left])
            left -= size
            return size

        try:
            taken = yield from copy_data(FORM, read)
        except OtherFormError as error:
            raise RefusedRowsError(f"refused: {error}") from error
    return Counted(taken.rows, taken.lines)


async def merging_sessions(loader: "Loader") -> list[int]:
    """The sessions in which the import merges."""
    async with loader.warehouse._read() as connection:
        found = await rows(
            connection,
            "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'headrace\\:ing\\:%'"
            " ORDER BY pid",
        )
    return [row.pid for row in found]


async def waits_for_lock(loader: "Loader") -> None:
    """Return when anybody waits for a lock."""
    while True:
        async with loader.warehouse._read() as connection:
            if await rows(connection, "SELECT 1 FROM pg_locks WHERE NOT granted"):
                return
        await asyncio.sleep(0.01)


async def confirm() -> None:
    """All is well."""


Refuse = Callable[..., Awaitable[None]]


@pytest.fixture
def refused(loader: "Loader", tmp_path: Path) -> Refuse:
    """Merge a file that is refused, and see that nothing came of it."""

    async def merge(match: str, contents: Sequence[str], table: Table = TABLE) -> None:
        confirmed = asyncio.create_task(confirm())
        before = await loader.count(table.name)
        chunks = chunks_of(tmp_path, contents, table)
        with pytest.raises(RefusedRowsError, match=match):
            await loader.warehouse.merge_whole(chunks, loader.catalog, confirmed)
        assert await loader.count(table.name) == before
        assert await loader.warehouse.committed("ing") == []
        await confirmed

    return merge


@pytest.mark.parametrize("table", [TABLE, KEYED], ids=["plain", "keyed"])
async def test_it_is_in_the_ledger_as_if_it_had_come_chunk_by_chunk(
    loader: "Loader", tmp_path: Path, table: Table
) -> None:
    chunks = chunks_of(tmp_path, CHUNKS, table)
    await loader.warehouse.merge_whole(chunks, loader.catalog, confirm())
    entries = await loader.warehouse.committed("ing")
    assert [(e.first_line, e.byte_offset, e.byte_length, e.rows_read) for e in entries] == [
        (2, 8, 12, 2),
        (5, 20, 9, 2),
        (8, 29, 8, 2),
        (10, 37, 7, 2),
    ]
    assert {e.rows_loaded for e in entries} == {2}
    # To the ledger they are there: merged again they change nothing.
    again = [await loader.warehouse.merge(chunk, loader.catalog) for chunk in chunks]
    assert again == entries
    assert await loader.texts(table.name) == [
        ("1", "a"),
        ("2", "b\nb"),
        ("3", "c"),
        ("4", None),
        ("5", "e"),
        ("6", "f"),
        ("7", "g"),
        ("8", "h"),
    ]


@pytest.mark.parametrize("place", range(len(CHUNKS)))
@pytest.mark.parametrize(
    "row", ["x,9\n", "9\n", '9,"open\n', "9,longer than five\n", "9,\0\n", "9,\udcff\n"]
)
async def test_one_record_that_is_other_refuses_all(refused: Refuse, place: int, row: str) -> None:
    contents = [*CHUNKS]
    contents[place] += "\n" * (place == len(CHUNKS) - 1) + row
    await refused("refused", contents)


async def test_a_record_that_is_other_after_rows_that_were_refused(
    loader: "Loader", refused: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database has answered when the rest of the rows is given up."""
    monkeypatch.setattr(records, "_WINDOW_BYTES", 1000)
    await loader.run("INSERT INTO raw.keyed VALUES (1, 'old')")
    many = [f"{n},a\n" for n in range(200_000)]
    async with asyncio.timeout(HALF_A_MINUTE):
        await refused("refused", ["".join([*many, "x\n"])], KEYED)
    assert await loader.count(KEYED.name) == 1


async def test_a_cut_within_a_record_refuses_all(refused: Refuse) -> None:
    await refused("refused", ['1,"a\n', '2,b"\n', "3,c\n"])


@pytest.mark.parametrize("far", [False, True])
async def test_a_key_that_comes_twice_refuses_all(refused: Refuse, far: bool) -> None:
    await refused(
        "duplicate key|others hold", [*CHUNKS[:3], "7,g\n1,b\n" if far else "7,g\n7,b\n"], KEYED
    )


async def test_a_key_that_is_there_refuses_all(
    loader: "Loader", tmp_path: Path, refused: Refuse
) -> None:
    await loader.run("INSERT INTO raw.keyed VALUES (8, 'old')")
    await refused("duplicate key", CHUNKS, KEYED)


async def test_whoever_waits_to_change_the_table_holds_up_nobody(
    loader: "Loader", tmp_path: Path
) -> None:
    """The further lanes come when another session waits for the first to end."""
    warehouse = loader.warehouse
    assert isinstance(warehouse, PostgresWarehouse)
    begun, going_on = threading.Event(), threading.Event()

    def slowly(data: Data) -> Data:
        yield next(data)
        begun.set()
        going_on.wait(HELD_SECONDS)
        return (yield from data)

    first, *others = chunks_of(tmp_path, CHUNKS)
    assert first.binary is not None
    binary = replace(first.binary, data=partial(slowly, first.binary.data()))
    chunks = [replace(first, binary=binary), *others]
    async with asyncio.timeout(HELD_SECONDS):
        for _ in range(FURTHER_LANES):
            await warehouse._lanes.further.acquire()
        merging = asyncio.create_task(warehouse.merge_whole(chunks, loader.catalog, confirm()))
        await asyncio.to_thread(begun.wait)
        change = asyncio.create_task(loader.run("ALTER TABLE raw.notes ADD theirs int"))
        await waits_for_lock(loader)
        for _ in range(FURTHER_LANES):
            warehouse._lanes.further.release()
        await asyncio.sleep(0.2)
        going_on.set()
        await asyncio.gather(merging, change)
    assert await loader.count(TABLE.name) == 8


BUMP = """
    CREATE TABLE raw.bumps (n INTEGER);
    INSERT INTO raw.bumps VALUES (0);
    CREATE FUNCTION raw.bump() RETURNS TRIGGER LANGUAGE plpgsql AS
    $$ BEGIN UPDATE raw.bumps SET n = n + 1; PERFORM pg_sleep(0.03); RETURN NEW; END $$;
"""
#: so many that each of three transactions has some
MANY = [f"{n},a\n" for n in range(60)]


async def script(loader: "Loader", statements: str) -> None:
    for statement in filter(str.strip, re.split(r";\n", statements)):
        await loader.run(statement)


async def test_a_row_that_triggers_of_all_write_refuses_all(
    loader: "Loader", refused: Refuse
) -> None:
    """One transaction holds it until all rows are copied, and another waits for it to copy one."""
    trigger = "AFTER INSERT ON raw.notes FOR EACH ROW EXECUTE FUNCTION raw.bump()"
    await script(loader, f"{BUMP}CREATE TRIGGER bump {trigger}")
    async with asyncio.timeout(5):
        await refused("others hold", MANY)


async def test_a_value_that_others_would_have_once_refuses_all(
    loader: "Loader", refused: Refuse
) -> None:
    await loader.run("CREATE UNIQUE INDEX ON raw.notes (id)")
    async with asyncio.timeout(5):
        await refused("duplicate key|others hold", [*MANY[:30], *MANY[:30]])


async def test_what_triggers_put_off_until_the_commit_may_wait(
    loader: "Loader", tmp_path: Path
) -> None:
    trigger = (
        "AFTER INSERT ON raw.notes DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION raw.bump()"
    )
    await script(loader, f"{BUMP}CREATE CONSTRAINT TRIGGER bump {trigger}")
    await loader.warehouse.merge_whole(chunks_of(tmp_path, MANY), loader.catalog, confirm())
    assert await loader.rows("raw.bumps") == [(60,)]


async def test_whoever_waits_for_others_is_not_taken_for_asleep(
    loader: "Loader", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_whole_file, "_AWAKE_SECONDS", 0.1)
    timeout = "idle_in_transaction_session_timeout"
    monkeypatch.setitem(postgres_connections._SETTINGS, timeout, "500ms")

    async def hesitate() -> None:
        await asyncio.sleep(1)

    await loader.warehouse.close()
    await loader.warehouse.merge_whole(chunks_of(tmp_path, MANY), loader.catalog, hesitate())
    assert await loader.count(TABLE.name) == len(MANY)


async def test_where_a_session_has_ended_before_all_is_confirmed_nothing_is_committed(
    loader: "Loader", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_whole_file, "_AWAKE_SECONDS", 0.1)

    async def end_a_session() -> None:
        first, *_ = await merging_sessions(loader)
        await loader.run(f"SELECT pg_terminate_backend({first})")
        await asyncio.sleep(0.5)

    with pytest.raises(StorageUnavailableError):
        await loader.warehouse.merge_whole(
            chunks_of(tmp_path, MANY), loader.catalog, end_a_session()
        )
    assert await loader.count(TABLE.name) == 0


async def test_others_find_a_connection_while_many_files_are_copied(
    loader: "Loader", tmp_path: Path
) -> None:
    over = asyncio.Event()

    async def hesitate() -> None:
        await over.wait()

    async def merge(number: int) -> None:
        (folder := tmp_path / str(number)).mkdir()
        chunks = [
            replace(each, key=replace(each.key, ingestion_id=f"ing{number}"))
            for each in chunks_of(folder, CHUNKS)
        ]
        await loader.warehouse.merge_whole(chunks, loader.catalog, hesitate())

    merging = [asyncio.create_task(merge(number)) for number in range(10)]
    await asyncio.sleep(0.5)
    async with asyncio.timeout(5):
        assert await loader.count(TABLE.name) == 0
        assert await loader.warehouse.committed("ing0") == []
    over.set()
    await asyncio.gather(*merging)
    assert await loader.count(TABLE.name) == 10 * 8


async def test_columns_whose_types_others_changed_refuse_all(
    loader: "Loader", refused: Refuse
) -> None:
    await loader.run("ALTER TABLE raw.notes ALTER note TYPE json USING note::json")
    await refused("json", CHUNKS)


async def test_a_table_that_an_import_widened_refuses_all(
    loader: "Loader", refused: Refuse
) -> None:
    number = replace(TABLE.columns[0], type=ColumnType.DECIMAL, precision=0, scale=0)
    wider = replace(TABLE, columns=(number, TABLE.columns[1]))
    await loader.warehouse.prepare_import(wider, catalog={})
    await refused("have changed", CHUNKS)


async def test_a_table_that_lost_a_column_refuses_all(loader: "Loader", tmp_path: Path) -> None:
    more = replace(TABLE, columns=(*TABLE.columns, Column("new", ColumnType.DATE, nullable=True)))
    chunks, confirmed = chunks_of(tmp_path, CHUNKS, more), asyncio.create_task(confirm())
    with pytest.raises(RefusedRowsError, match="no such column"):
        await loader.warehouse.merge_whole(chunks, loader.catalog, confirmed)
    await confirmed


async def test_nothing_is_committed_that_was_not_confirmed(
    loader: "Loader", tmp_path: Path
) -> None:
    async def deny() -> None:
        raise StaleAttemptError("another attempt has begun")

    with pytest.raises(StaleAttemptError, match="another attempt"):
        await loader.warehouse.merge_whole(chunks_of(tmp_path, CHUNKS), loader.catalog, deny())
    assert await loader.count(TABLE.name) == 0
    assert await loader.warehouse.committed("ing") == []


async def test_nothing_is_committed_that_is_given_up(loader: "Loader", tmp_path: Path) -> None:
    reached = asyncio.Event()

    async def hesitate() -> None:
        reached.set()
        await asyncio.Event().wait()

    chunks = chunks_of(tmp_path, CHUNKS)
    merging = asyncio.create_task(loader.warehouse.merge_whole(chunks, loader.catalog, hesitate()))
    await reached.wait()
    merging.cancel()
    await asyncio.wait({merging})
    assert merging.cancelled()
    assert await loader.count(TABLE.name) == 0


async def test_an_attempt_that_was_overtaken_merges_nothing(
    loader: "Loader", tmp_path: Path
) -> None:
    await loader.warehouse.fence("ing", 2)
    confirmed = asyncio.create_task(confirm())
    with pytest.raises(StaleAttemptError):
        await loader.warehouse.merge_whole(chunks_of(tmp_path, CHUNKS), loader.catalog, confirmed)
    assert await loader.count(TABLE.name) == 0


async def test_a_newer_attempt_waits_for_the_end(loader: "Loader", tmp_path: Path) -> None:
    reached, going_on = asyncio.Event(), asyncio.Event()

    async def hesitate() -> None:
        reached.set()
        await going_on.wait()

    chunks = chunks_of(tmp_path, CHUNKS)
    merging = asyncio.create_task(loader.warehouse.merge_whole(chunks, loader.catalog, hesitate()))
    await reached.wait()
    fencing = asyncio.create_task(loader.warehouse.fence("ing", 2))
    await asyncio.wait({fencing}, timeout=0.2)
    assert not fencing.done()
    going_on.set()
    await asyncio.gather(merging, fencing)
    assert len(await loader.warehouse.committed("ing")) == len(CHUNKS)


async def test_one_connection_is_enough(postgres_url: str, tmp_path: Path) -> None:
    """Files of which each waits for connections that another holds would all wait for ever."""
    warehouse = PostgresWarehouse(postgres_url, pool_size=1)
    table = await warehouse.prepare_import(TABLE, catalog={})
    await warehouse.fence("ing", 1)
    chunks = chunks_of(tmp_path, CHUNKS, table)
    await warehouse.merge_whole(chunks, {table.name: table}, confirm())
    assert len(await warehouse.committed("ing")) == len(CHUNKS)
    await warehouse.close()


async def test_where_a_commit_fails_the_ledger_tells_what_is_there(
    loader: "Loader", tmp_path: Path
) -> None:
    """Each of three transactions has a chunk at least; one of their sessions ends."""

    async def end_a_session() -> None:
        first, *others = await merging_sessions(loader)
        await loader.run(f"SELECT pg_terminate_backend({first})")
        while await merging_sessions(loader) != others:
            await asyncio.sleep(0.01)

    chunks = chunks_of(tmp_path, MANY)
    with pytest.raises(StorageUnavailableError):
        await loader.warehouse.merge_whole(chunks, loader.catalog, end_a_session())
    there = {entry.key.chunk for entry in await loader.warehouse.committed("ing")}
    assert 0 < len(there) < len(MANY)
    assert await loader.count(TABLE.name) == len(there)
    for chunk in chunks:
        counted = replace(chunk, rows_valid=1, first_line=2 + chunk.key.chunk)
        await loader.warehouse.merge(counted, loader.catalog)
    assert sorted(await loader.rows(TABLE.name)) == [(n, "a") for n in range(60)]


async def test_sqlite_takes_none(tmp_path: Path) -> None:
    warehouse = SqliteWarehouse(tmp_path / "warehouse.db")
    table = await warehouse.prepare_import(TABLE, catalog={})
    chunks = [replace(each, table=table) for each in chunks_of(tmp_path, CHUNKS)]
    confirmed = asyncio.create_task(confirm())
    with pytest.raises(ValueError, match="stage them"):
        await warehouse.merge_whole(chunks, {table.name: table}, confirmed)
    await warehouse.close()
