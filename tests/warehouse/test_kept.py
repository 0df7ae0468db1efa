"""Rows kept aside, page by page."""

from typing import TYPE_CHECKING

import pytest

from headrace_server.model.contract import Column, ColumnType, Reference, Table
from headrace_server.model.errors import NotFoundError
from headrace_server.model.rows import RejectReason

if TYPE_CHECKING:
    from warehouse.conftest import Loader, LoaderOf


async def test_pages_resume_where_they_ended(loader: "Loader") -> None:
    await loader.load("orders", [(n, n, 7) for n in range(4)], file_no=1, rejects=[9, 6, 8])
    await loader.load("items", [(n, n, 7) for n in range(3)], file_no=2, rejects=[5])
    whole = await loader.kept(rejected=True, parked=True)
    assert [
        (row.reason is RejectReason.MISSING_PARENT, row.file_no, row.line) for row in whole
    ] == [
        *((False, 1, line) for line in (6, 8, 9)),
        (False, 2, 5),
        *((True, 1, line) for line in (1, 2, 3, 4)),
        *((True, 2, line) for line in (1, 2, 3)),
    ]
    for size in (1, 2, 3, 5):
        paged, after = [], None
        while page := await loader.kept(rejected=True, parked=True, after=after, limit=size):
            paged += page
            after = page[-1].reject_id
        assert paged == whole
    assert await loader.kept(rejected=True) == whole[:4]
    assert await loader.kept(parked=True) == whole[4:]


async def test_a_page_resumes_behind_a_row_that_is_gone(loader: "Loader") -> None:
    await loader.load("orders", [(n, n, n) for n in range(4)], file_no=1)
    first = await loader.kept(parked=True, limit=2)
    await loader.load("customers", [(1, 1)])
    rest = await loader.kept(parked=True, after=first[-1].reject_id)
    assert [row.line for row in rest] == [3, 4]


async def test_a_reject_comes_back_as_it_was(loader: "Loader") -> None:
    await loader.load("customers", [], file_no=3, rejects=[4])
    [row] = await loader.kept(rejected=True)
    assert (row.file_no, row.table, row.line, row.byte_offset) == (3, "customers", 4, 400)
    assert (row.column, row.reason) == ("id", RejectReason.WRONG_TYPE)
    assert (row.message, row.raw, row.raw_truncated) == ("line 4", "{\t}\\", False)
    assert (row.missing_table, row.parked_since) == (None, None)


EVERYTHING = Table(
    "everything",
    (
        Column("k", ColumnType.UUID),
        Column("s", ColumnType.STRING, nullable=True),
        Column("i", ColumnType.INTEGER, nullable=True),
        Column("d", ColumnType.DECIMAL, nullable=True),
        Column("f", ColumnType.FLOAT, nullable=True),
        Column("b", ColumnType.BOOLEAN, nullable=True),
        Column("t", ColumnType.TIMESTAMP, nullable=True),
        Column("y", ColumnType.DATE, nullable=True),
        Column("j", ColumnType.JSON, nullable=True),
        Column("parent", ColumnType.UUID, nullable=True),
    ),
    ("k",),
    (Reference(("parent",), "parents"),),
)
KEY = "00000000-0000-4000-8000-00000000000{}"
FULL = (
    KEY.format(1), 'tab\t"é\\N', -(2**63), "-12345678901234.5", 0.1, True,
    "2026-02-28T23:59:60.5Z".replace("60", "59"), "2026-02-28", '{"a": [1.50, "\\u0000x"]}',
    KEY.format(9),
)  # fmt: skip
PLAIN = (KEY.format(2), "", 0, "7", 1.0, False, "2026-02-28T23:59:59Z", "0001-01-01", "null", None)
NULLS = (KEY.format(3), *(None,) * 8, KEY.format(9))


@pytest.fixture
def everything(loader_of: "LoaderOf") -> "Loader":
    parents = Table("parents", (Column("id", ColumnType.UUID),), ("id",))
    return loader_of({"parents": parents, "everything": EVERYTHING})


async def test_a_parked_row_is_told_exactly(everything: "Loader") -> None:
    entry = await everything.load("everything", [FULL, PLAIN, NULLS])
    full, nulls = await everything.kept(parked=True)
    assert full.raw == (
        '{"k": "00000000-0000-4000-8000-000000000001", "s": "tab\\t\\"é\\\\N",'
        ' "i": -9223372036854775808, "d": -12345678901234.5000, "f": 0.1, "b": true,'
        ' "t": "2026-02-28T23:59:59.500000Z", "y": "2026-02-28",'
        ' "j": {"a": [1.50, "\\u0000x"]}, "parent": "00000000-0000-4000-8000-000000000009"}'
    )
    assert nulls.raw.count("null") == 8
    assert (full.column, full.reason) == ("parent", RejectReason.MISSING_PARENT)
    assert (full.missing_table, full.missing_column) == ("parents", "id")
    assert full.missing_value == KEY.format(9)
    assert "is not in parents" in full.message
    assert full.parked_since is not None
    assert abs((full.parked_since - entry.committed_at).total_seconds()) < 60


async def test_every_type_is_kept_exactly(everything: "Loader") -> None:
    await everything.load("everything", [FULL, PLAIN, NULLS])
    await everything.load("parents", [(KEY.format(9),)], chunk=1)
    texts = await everything.texts("everything")
    assert texts == [
        (
            KEY.format(1), 'tab\t"é\\N', "-9223372036854775808", "-12345678901234.5000", "0.1",
            "true", "2026-02-28T23:59:59.500000Z", "2026-02-28", '{"a": [1.50, "\\u0000x"]}',
            KEY.format(9),
        ),
        (
            KEY.format(2), "", "0", "7.0000", texts[1][4], "false",
            "2026-02-28T23:59:59.000000Z", "0001-01-01", "null", None,
        ),
        (KEY.format(3), *(None,) * 8, KEY.format(9)),
    ]  # fmt: skip
    assert float(str(texts[1][4])) == 1.0


async def test_equal_keys_are_equal_however_written(loader_of: "LoaderOf") -> None:
    prices = Table(
        "prices",
        (Column("at", ColumnType.TIMESTAMP), Column("d", ColumnType.DECIMAL)),
        ("at", "d"),
    )
    loader = loader_of({"prices": prices})
    await loader.load("prices", [("2026-01-01T00:00:00Z", "-0.0"), ("2026-01-01T00:00:00Z", "1.5")])
    again = [("2026-01-01T00:00:00.000000Z", "0"), ("2026-01-01T00:00:00.000Z", "+01.50")]
    await loader.load("prices", again, chunk=1)
    assert await loader.count("prices") == 2


async def test_rejects_to_replay_are_read_by_id(loader: "Loader") -> None:
    await loader.load("customers", [], rejects=list(range(1, 2502)))
    every = [row async for row in loader.warehouse.rejects_by_id("ing", None)]
    assert [row.line for row in every] == list(range(1, 2502))
    ids = [every[2000].reject_id, every[5].reject_id, "r-0-1-999999"]
    some = [row.line async for row in loader.warehouse.rejects_by_id("ing", ids)]
    assert some == [6, 2001]
    others = [row async for row in loader.warehouse.rejects_by_id("other", ids)]
    assert others == []


@pytest.mark.parametrize(
    "reject_id", ["", "r-1-1", "x-1-1-1", "r-1-1-1;", "r-1-1-9999999999999999999"]
)
async def test_an_id_that_cannot_be_is_not_found(loader: "Loader", reject_id: str) -> None:
    with pytest.raises(NotFoundError):
        await loader.kept(rejected=True, after=reject_id)
    with pytest.raises(NotFoundError):
        [row async for row in loader.warehouse.rejects_by_id("ing", [reject_id])]


async def test_a_parked_row_is_no_reject_to_replay(loader: "Loader") -> None:
    await loader.load("orders", [(1, 1, 1)])
    [parked] = await loader.kept(parked=True)
    with pytest.raises(NotFoundError):
        [row async for row in loader.warehouse.rejects_by_id("ing", [parked.reject_id])]
