"""Rows of a whole file in the place of a table's."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from headrace_server.model.contract import Column, ColumnType, Reference, Table
from headrace_server.model.errors import InvalidContractError, StaleAttemptError, WrongStateError
from headrace_server.warehouse import drafts
from headrace_server.warehouse.sql_warehouse import SqlWarehouse

if TYPE_CHECKING:
    from warehouse.conftest import Loader, LoaderOf, OpenWarehouse

T = ColumnType
N = Column("n", T.INTEGER, nullable=True)
THINGS = Table("raw.things", (N, Column("x", T.STRING, nullable=True, max_length=5)), ())
KEYED = replace(THINGS, columns=(replace(N, nullable=False), THINGS.columns[1]), primary_key=("n",))


@pytest.fixture
def loader(loader_of: "LoaderOf") -> "Loader":
    return loader_of({THINGS.name: THINGS})


async def filled(loader: "Loader", table: Table = THINGS) -> None:
    """The table with two rows of an import of before."""
    stands = await loader.warehouse.prepare_import(table, catalog={})
    before = loader.with_catalog({stands.name: stands})
    await before.load("raw.things", [(1, "old"), (2, "old")], ingestion="before")


async def drafted(
    loader: "Loader",
    rows: list[tuple[object, ...]],
    *,
    chunk: int = 0,
    rejects: list[int] | None = None,
) -> Table:
    """A draft of the import `new` that has these rows too."""
    draft = await loader.warehouse.draft(THINGS, "new")
    await loader.with_catalog({draft.name: draft}).load(
        draft.name, rows, ingestion="new", chunk=chunk, rejects=rejects or []
    )
    return draft


async def names(loader: "Loader") -> list[tuple[str, str, int]]:
    return [(t.schema, t.name, t.rows) for t in await loader.warehouse.list_tables()]


@pytest.mark.parametrize("table", [THINGS, KEYED])
async def test_rows_take_the_place_of_others(loader: "Loader", table: Table) -> None:
    await filled(loader, table)
    draft = await drafted(loader, [(2, "new"), (3, "new")], rejects=[9])
    assert await loader.warehouse.draft(THINGS, "new") == draft
    await drafted(loader, [(4, "new")], chunk=1)
    assert await loader.warehouse.drafts() == ["new"]
    assert await names(loader) == [("raw", "things", 2)]
    assert await loader.rows("raw.things") == [(1, "old"), (2, "old")]
    for _ in range(2):
        await loader.warehouse.replace("raw.things", "new", 1)
        assert await loader.rows("raw.things") == [(2, "new"), (3, "new"), (4, "new")]
    assert await loader.warehouse.drafts() == []
    assert await names(loader) == [("raw", "things", 3)]
    assert await loader.warehouse.definition("raw.things") == table
    assert await loader.tally("new") == {0: (4, 3, 1, 0)}
    [reject] = await loader.kept("new", rejected=True)
    assert reject.table == "raw.things"
    assert await loader.warehouse.loaded_tables("new") == {"raw.things"}
    described = await loader.warehouse.describe_table("raw", "things")
    [_, last] = await loader.warehouse.committed("new")
    assert described.updated_at == last.committed_at
    assert [(c.name, c.primary_key) for c in described.columns] == [
        ("n", table is KEYED),
        ("x", False),
    ]


async def test_rejects_tell_of_the_table_while_it_is_drafted(loader: "Loader") -> None:
    await filled(loader)
    await drafted(loader, [(2, "new")], rejects=[9])
    [reject] = await loader.kept("new", rejected=True)
    assert reject.table == "raw.things"
    assert await loader.kept("new", parked=True) == []
    assert await loader.tally("new") == {0: (2, 1, 1, 0)}


async def test_what_is_replayed_later_goes_into_the_table(loader: "Loader") -> None:
    await filled(loader)
    await drafted(loader, [(2, "new")], rejects=[9])
    await loader.warehouse.replace("raw.things", "new", 1)
    assert await loader.warehouse.draft(THINGS, "new") == THINGS
    [reject] = await loader.kept("new", rejected=True)
    await loader.load(
        "raw.things", [(9, "late")], ingestion="new", run=1, attempt=2, replays=[reject.reject_id]
    )
    await loader.warehouse.replace("raw.things", "new", 2)
    assert await loader.rows("raw.things") == [(2, "new"), (9, "late")]
    assert await loader.tally("new") == {0: (2, 2, 0, 0)}


async def test_an_empty_draft_empties_the_table(loader: "Loader") -> None:
    await filled(loader)
    await loader.warehouse.draft(THINGS, "new")
    await loader.warehouse.replace("raw.things", "new", 1)
    assert await loader.rows("raw.things") == []


async def test_one_that_was_overtaken_replaces_nothing(loader: "Loader") -> None:
    await filled(loader)
    await drafted(loader, [(3, "new")])
    await loader.warehouse.fence("new", 2)
    with pytest.raises(StaleAttemptError):
        await loader.warehouse.replace("raw.things", "new", 1)
    assert await loader.count("raw.things") == 2
    await loader.warehouse.replace("raw.things", "new", 2)
    assert await loader.rows("raw.things") == [(3, "new")]


async def test_chunks_of_earlier_attempts_count(loader: "Loader") -> None:
    await filled(loader)
    await drafted(loader, [(3, "new")])
    draft = await loader.warehouse.draft(THINGS, "new")
    again = loader.with_catalog({draft.name: draft})
    entry = await again.load(draft.name, [(3, "new")], ingestion="new", attempt=2)
    assert entry.attempt == 1
    await loader.warehouse.replace("raw.things", "new", 2)
    assert await loader.rows("raw.things") == [(3, "new")]


async def test_a_draft_that_was_dropped_takes_its_chunks_along(loader: "Loader") -> None:
    await filled(loader)
    draft = await drafted(loader, [(3, "new")], rejects=[9])
    for _ in range(2):
        await loader.warehouse.drop_draft("new", 1)
        assert await loader.warehouse.drafts() == []
    assert await loader.kept("new", rejected=True, parked=True) == []
    assert await loader.tally("new") == {}
    assert await loader.warehouse.committed("new") == []
    with pytest.raises(StaleAttemptError, match="is gone"):
        await loader.with_catalog({draft.name: draft}).load(
            draft.name, [(4, "new")], ingestion="new", chunk=1
        )
    with pytest.raises(WrongStateError, match="no draft"):
        await loader.warehouse.replace("raw.things", "new", 1)
    await drafted(loader, [(4, "new")])
    assert await loader.tally("new") == {0: (1, 1, 0, 0)}
    await loader.warehouse.replace("raw.things", "new", 1)
    assert await loader.rows("raw.things") == [(4, "new")]


async def test_who_was_overtaken_drops_no_draft(loader: "Loader") -> None:
    await filled(loader)
    await drafted(loader, [(3, "new")])
    await loader.warehouse.fence("new", 2)
    with pytest.raises(StaleAttemptError, match="overtaken"):
        await loader.warehouse.drop_draft("new", 1)
    await loader.warehouse.replace("raw.things", "new", 2)
    assert await loader.rows("raw.things") == [(3, "new")]


async def test_rejects_outlive_a_draft_that_held_no_row(loader: "Loader") -> None:
    await filled(loader)
    await drafted(loader, [], rejects=[9])
    await loader.warehouse.drop_draft("new", 1)
    draft = await drafted(loader, [], chunk=1)
    assert len(await loader.kept("new", rejected=True)) == 1
    assert await loader.tally("new") == {0: (1, 0, 1, 0)}
    await loader.with_catalog({draft.name: draft}).load(
        draft.name, [(4, "new")], ingestion="new", chunk=2
    )
    await loader.warehouse.replace("raw.things", "new", 1)
    assert await loader.rows("raw.things") == [(4, "new")]


async def test_a_table_that_grew_meanwhile_is_replaced_in_its_new_shape(loader: "Loader") -> None:
    await filled(loader)
    await drafted(loader, [(3, "new"), (None, None)])
    wider = replace(
        THINGS,
        columns=(
            Column("n", T.STRING, nullable=True, max_length=30),
            THINGS.columns[1],
            Column("d", T.DATE, nullable=True),
        ),
    )
    await loader.warehouse.prepare_import(wider, catalog={})
    assert (await loader.warehouse.draft(THINGS, "new")).columns == wider.columns
    # Staged for the draft as it was.
    narrow = replace(THINGS, name=(await loader.warehouse.draft(THINGS, "new")).name)
    await loader.with_catalog({narrow.name: narrow}).load(
        narrow.name, [(5, "new")], ingestion="new", chunk=1
    )
    widest = replace(wider, columns=(*wider.columns, Column("e", T.DATE, nullable=True)))
    await loader.warehouse.prepare_import(widest, catalog={})
    await loader.warehouse.replace("raw.things", "new", 1)
    assert sorted(await loader.rows("raw.things"), key=str) == [
        ("3", "new", None, None),
        ("5", "new", None, None),
        (None, None, None, None),
    ]
    assert await loader.warehouse.definition("raw.things") == widest


async def test_only_a_table_that_is_prepared_and_stands_alone_is_replaced(
    loader: "Loader", loader_of: "LoaderOf"
) -> None:
    with pytest.raises(WrongStateError, match="prepare it first"):
        await loader.warehouse.draft(THINGS, "new")
    key = Column("id", T.INTEGER)
    family = {
        "parents": Table("parents", (key,), ("id",)),
        "alone": Table("alone", (key,), ("id",)),
    }
    family["children"] = Table("children", (key,), ("id",), (Reference(("id",), "parents"),))
    await loader.warehouse.prepare(family)
    for name in ("parents", "children"):
        with pytest.raises(InvalidContractError, match="'children' refers to 'parents'"):
            await loader.warehouse.draft(family[name], "new")
    relatives = loader_of(family)
    await relatives.load("alone", [(1,), (2,)])
    draft = await loader.warehouse.draft(family["alone"], "new")
    await loader.with_catalog({draft.name: draft}).load(draft.name, [(3,)], ingestion="new")
    await loader.warehouse.replace("alone", "new", 1)
    assert await relatives.rows("alone") == [(3,)]


@pytest.mark.parametrize("table", [THINGS, KEYED])
async def test_what_others_hung_on_the_table_lives_on(loader: "Loader", table: Table) -> None:
    await filled(loader, table)
    target = loader._target("raw.things")
    await loader.run(
        f"ALTER TABLE {target} ADD COLUMN note VARCHAR(5) DEFAULT 'mine'",
        f"CREATE VIEW seen AS SELECT n, note FROM {target}",
        f"CREATE INDEX things_by_n ON {target} (n)",
    )
    await drafted(loader, [(3, "new"), (4, "new")])
    await loader.warehouse.replace("raw.things", "new", 1)
    assert await loader.rows("seen") == [(3, "mine"), (4, "mine")]
    place = {
        "sqlite": "sqlite_schema WHERE name",
        "postgresql": "pg_indexes WHERE indexname",
    }[loader.warehouse.dialect]
    assert await query(loader.warehouse, f"SELECT 1 FROM {place} = 'things_by_n'") == [(1,)]


async def test_a_view_alone_lives_on(loader: "Loader") -> None:
    await filled(loader)
    await loader.run(f"CREATE VIEW seen AS SELECT n FROM {loader._target('raw.things')}")
    await drafted(loader, [(3, "new")])
    await loader.warehouse.replace("raw.things", "new", 1)
    assert await loader.rows("seen") == [(3,)]


async def test_one_killed_between_is_done_again(
    loader: "Loader", monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(loader)
    await drafted(loader, [(3, "new")])
    exchanged = asyncio.Event()
    add = drafts._add_replacement

    async def sleep(*_: object) -> None:
        exchanged.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(drafts, "_add_replacement", sleep)
    replacing = asyncio.create_task(loader.warehouse.replace("raw.things", "new", 1))
    await exchanged.wait()
    replacing.cancel()
    await asyncio.wait({replacing})
    assert await loader.rows("raw.things") == [(1, "old"), (2, "old")]
    monkeypatch.setattr(drafts, "_add_replacement", add)
    await loader.warehouse.replace("raw.things", "new", 1)
    assert await loader.rows("raw.things") == [(3, "new")]


@pytest.fixture
async def other(
    open_warehouse: "OpenWarehouse", loader: "Loader", database_url: str
) -> AsyncIterator["Loader"]:
    """The same tenant's warehouse as another server has it open."""
    warehouse = open_warehouse(database_url)
    yield loader.with_warehouse(warehouse)
    await warehouse.close()


@pytest.mark.parametrize("table", [THINGS, KEYED])
async def test_whoever_reads_sees_all_of_before_or_all_of_after(
    loader: "Loader", other: "Loader", table: Table
) -> None:
    await filled(loader, table)
    done = False

    async def keep_reading() -> int:
        times = 0
        while not done:
            rows = await other.warehouse.read_rows("raw", "things", 100, max_bytes=10_000)
            found = {row["x"] for row in rows}
            assert (len(found), len(rows)) == (1, 50)
            assert (await other.warehouse.describe_table("raw", "things")).rows == 50
            times += 1
        return times

    async def replaced(turn: int) -> None:
        name = f"turn{turn}"
        draft = await loader.warehouse.draft(THINGS, name)
        into = loader.with_catalog({draft.name: draft})
        for half in range(2):
            rows = [(n, name) for n in range(25 * half, 25 * half + 25)]
            await into.load(draft.name, rows, ingestion=name, chunk=half)
        await loader.warehouse.replace("raw.things", name, 1)

    await replaced(0)
    reading = asyncio.create_task(keep_reading())
    for turn in range(1, 5):
        await replaced(turn)
    done = True
    assert await reading > 0


async def test_appending_and_replacing_at_once(loader: "Loader", other: "Loader") -> None:
    await filled(loader)
    for n in range(3):
        draft = await loader.warehouse.draft(THINGS, f"new{n}")
        await loader.with_catalog({draft.name: draft}).load(
            draft.name, [(3, "new")], ingestion=f"new{n}"
        )
        await asyncio.gather(
            loader.warehouse.replace("raw.things", f"new{n}", 1),
            other.warehouse.replace("raw.things", f"new{n}", 1),
            other.load("raw.things", [(7, "more")], ingestion=f"more{n}"),
        )
        rows = await loader.rows("raw.things")
        assert rows in ([(3, "new")], [(3, "new"), (7, "more")])


async def test_postgres_replaces_no_row_that_is_referred_to(
    loader: "Loader", request: pytest.FixtureRequest
) -> None:
    if loader.warehouse.dialect != "postgresql":
        return
    await filled(loader, KEYED)
    await loader.run(
        "CREATE TABLE hung (n BIGINT REFERENCES raw.things)", "INSERT INTO hung VALUES (2)"
    )
    await drafted(loader, [(3, "new")])
    with pytest.raises(WrongStateError, match="foreign key"):
        await loader.warehouse.replace("raw.things", "new", 1)
    await drafted(loader, [(2, "new")], chunk=1)
    await loader.warehouse.replace("raw.things", "new", 1)
    assert await loader.rows("raw.things") == [(2, "new"), (3, "new")]
    with pytest.raises(DBAPIError):
        await loader.run("DELETE FROM raw.things")
    await loader.warehouse.close()


async def query(warehouse: SqlWarehouse, statement: str) -> list[tuple[object, ...]]:
    async with warehouse._reading() as connection:
        return [tuple(row) for row in (await connection.execute(text(statement))).fetchall()]
