"""Staged files, written where there is neither event loop nor database."""

import sqlite3
import subprocess
import sys
from array import array
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.model.contract import Column, ColumnType, Reference, Table
from headrace_server.model.rows import RowBlock
from headrace_server.warehouse.staging import staging_writer
from headrace_server.warehouse.staging_postgres import positioned_rows
from headrace_server.warehouse.staging_sqlite import canonical

if TYPE_CHECKING:
    from warehouse.conftest import Integers, LoaderOf

NAMES = Table("names", (Column("id", ColumnType.INTEGER), Column("s", ColumnType.STRING)), ("id",))


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_chunk_appears_whole_or_not_at_all(dialect: str, tmp_path: Path) -> None:
    path = tmp_path / "chunk"

    def fail() -> None:
        with staging_writer(dialect, path, NAMES) as writer:
            writer.write(RowBlock([1], [0], [[1], ["x"]]))
            raise EOFError

    with pytest.raises(EOFError):
        fail()
    assert list(path.iterdir()) == []
    for _ in range(2):
        with staging_writer(dialect, path, NAMES) as writer:
            writer.write(RowBlock([], [], [[], []]))
            writer.write(RowBlock([1], [0], [[1], ["x"]]))
            writer.reject([])
    assert len(list(path.iterdir())) == {"sqlite": 1, "postgresql": 3}[dialect]


def test_writing_is_light_to_import() -> None:
    code = (
        "import sys; import headrace_server.warehouse.staging;"
        "print([m for m in ('sqlalchemy', 'asyncpg', 'asyncio', 'structlog') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


async def test_copy_text_is_escaped(tmp_path: Path) -> None:
    columns = (Column("i", ColumnType.INTEGER), Column("s", ColumnType.STRING, nullable=True))
    with staging_writer("postgresql", tmp_path, Table("t", columns, ("i",))) as writer:
        writer.write(RowBlock([1, 2, 3], [0, 5, 9], [[10, 11, 12], ["a\tb\nc\rd\\", r"\N", None]]))
    written = (tmp_path / "rows.copy").read_bytes()
    assert written == b"10\ta\\tb\\nc\\rd\\\\\n11\t\\\\N\n12\t\\N\n"
    joined = b"".join([lines async for lines in positioned_rows(tmp_path)])
    assert joined.splitlines()[1] == b"11\t\\\\N\t2\t5"


def test_rows_are_sorted_and_what_they_refer_to_stands_once(tmp_path: Path) -> None:
    columns = tuple(Column(name, ColumnType.INTEGER, nullable=True) for name in "iabc")
    references = (Reference(("a",), "one"), Reference(("b", "c"), "two"))
    table = Table("t", columns, ("i",), references)
    with staging_writer("postgresql", tmp_path, table) as writer:
        writer.write(RowBlock([1, 2], [0, 9], [[10, 9], [7, None], [1, 1], [2, None]]))
        writer.write(RowBlock([3], [18], [[8], [7], [1], [2]]))
    rows = [line.split()[0] for line in (tmp_path / "rows.copy").read_text().splitlines()]
    assert rows == ["8", "9", "10"]
    positions = array("q", (tmp_path / "positions").read_bytes())
    assert positions.tolist() == [3, 2, 1, 18, 9, 0]
    assert (tmp_path / "referred-0.copy").read_text() == "7\n"
    assert (tmp_path / "referred-1.copy").read_text() == "1\t2\n"


ugly = st.sampled_from('\\\t\n\r"N.:')
letters = st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")
words = st.text(letters | ugly, max_size=8)


async def test_any_text_goes_in_and_comes_out(loader_of: "LoaderOf") -> None:
    texts = list(_examples(words))
    loader = loader_of({"names": NAMES})
    await loader.load("names", list(enumerate(texts)))
    assert await loader.rows("names") == list(enumerate(texts))


def _examples(strategy: st.SearchStrategy[str]) -> list[str]:
    found: list[str] = ["", "\\.", "\\N", "\\\\", "\t", "\r\n", '"', "\ufeff", "é\U0001f600"]

    @given(strategy)
    def collect(text: str) -> None:
        found.append(text)

    collect()
    return found


@pytest.mark.parametrize(
    ("texts", "kept"),
    [
        (["1.5", "-2.25", "0.1"], ["1.5000", "-2.2500", "0.1000"]),
        (["1.23456"], ["1.2346"]),
        (["12345678901234.5678"], ["12345678901234.5678"]),
        (["7", "-0", "-0.00", "+1.5", "007.5", ".5", "5."], None),
        (["1.50000", None], ["1.5000", None]),
        (["1.50", None, "-2.25"], ["1.5000", None, "-2.2500"]),
        ([None], [None]),
        ([], []),
    ],
)
def test_decimals_have_one_text(texts: list[str | None], kept: list[str | None] | None) -> None:
    column = Column("d", ColumnType.DECIMAL, precision=18, scale=4)
    expected = kept or ["7.0000", "0.0000", "0.0000", "1.5000", "7.5000", "0.5000", "5.0000"]
    assert list(canonical(column, texts)) == (expected if texts else [])


@given(st.lists(st.from_regex(r"[+-]?[0-9]{1,3}\.[0-9]{1,2}", fullmatch=True), min_size=1))
def test_a_decimal_has_one_text_whatever_stands_beside_it(texts: list[str]) -> None:
    column = Column("d", ColumnType.DECIMAL, precision=18, scale=4)
    values = [Decimal(text) + 0 for text in texts]  # + 0: there is one zero
    assert list(canonical(column, texts)) == [f"{value:.4f}" for value in values]


def test_decimals_without_a_fraction_have_no_point() -> None:
    column = Column("d", ColumnType.DECIMAL, precision=38, scale=0)
    texts = ["7", "-0", "1.0", "9" * 38]
    assert list(canonical(column, texts)) == ["7", "0", "1", "9" * 38]


@pytest.mark.parametrize(
    ("texts", "kept"),
    [
        (["1.5", "-2.25", "100", None], ["1.5", "-2.25", "100", None]),
        (["1.50", "0.0", "100.", "-0"], ["1.5", "0", "100", "0"]),
        (["-0.50", "+7", ".5", "007.10"], ["-0.5", "7", "0.5", "7.1"]),
        (["9" * 100 + ".10"], ["9" * 100 + ".1"]),
        (["0", "10", "0.001"], ["0", "10", "0.001"]),
    ],
)
def test_decimals_of_any_size_have_no_needless_zeros(
    texts: list[str | None], kept: list[str | None]
) -> None:
    column = Column("d", ColumnType.DECIMAL, precision=0)
    assert list(canonical(column, texts)) == kept


@given(st.lists(st.from_regex(r"[+-]?[0-9]{1,3}(\.[0-9]{0,3})?", fullmatch=True), min_size=1))
def test_equal_decimals_of_any_size_are_equal_texts(texts: list[str]) -> None:
    column = Column("d", ColumnType.DECIMAL, precision=0)
    kept = [str(text) for text in canonical(column, texts)]
    assert list(map(Decimal, kept)) == list(map(Decimal, texts))
    assert len(set(kept)) == len(set(map(Decimal, texts)))


@pytest.mark.parametrize(
    ("kind", "before"), [(ColumnType.DATETIME, "2026-01-02T"), (ColumnType.TIME, "")]
)
def test_times_of_no_zone_have_one_text(kind: ColumnType, before: str) -> None:
    column = Column("t", kind, nullable=True)
    assert canonical(column, [before + "03:04:05"] * 2) == [before + "03:04:05.000000"] * 2
    times = [before + time for time in ("03:04:05", "03:04:05.6", "03:04:05.123456")]
    assert canonical(column, [*times, None]) == [
        *(before + time for time in ("03:04:05.000000", "03:04:05.600000", "03:04:05.123456")),
        None,
    ]


def test_moments_have_one_text() -> None:
    column = Column("t", ColumnType.TIMESTAMP, nullable=True)
    assert canonical(column, ["2026-01-02T03:04:05Z"] * 2) == ["2026-01-02T03:04:05.000000Z"] * 2
    moments = ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.123456Z"]
    assert canonical(column, [*moments, None]) == [
        "2026-01-02T03:04:05.000000Z",
        "2026-01-02T03:04:05.600000Z",
        "2026-01-02T03:04:05.123456Z",
        None,
    ]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_rows_without_a_key_stay_in_their_order(dialect: str, tmp_path: Path) -> None:
    table = Table("names", NAMES.columns, ())
    with staging_writer(dialect, tmp_path, table) as writer:
        writer.write(RowBlock([1, 2, 3], [0, 4, 8], [[5, 4, 5], ["a", "b", "a"]]))
        writer.write(RowBlock([4], [12], [[1], ["c"]]))
    if dialect == "postgresql":
        assert (tmp_path / "rows.copy").read_text() == "5\ta\n4\tb\n5\ta\n1\tc\n"
        positions = array("q", (tmp_path / "positions").read_bytes())
        assert positions.tolist() == [1, 2, 3, 4, 0, 4, 8, 12]
        return
    with closing(sqlite3.connect(tmp_path / "staged.sqlite")) as connection:
        rows = connection.execute("SELECT id, s FROM rows ORDER BY rowid").fetchall()
    assert rows == [(5, "a"), (4, "b"), (5, "a"), (1, "c")]


def test_sqlite_stages_the_latest_of_each_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for most in (1, 1_000_000):  # with and without having seen every key
        monkeypatch.setattr("headrace_server.warehouse.staging_sqlite._MOST_KEYS", most)
        path = tmp_path / str(most)
        with staging_writer("sqlite", path, NAMES) as writer:
            writer.write(RowBlock([1, 2, 3], [0, 0, 0], [[5, 4, 5], ["a", "b", "c"]]))
            writer.write(RowBlock([4, 5], [0, 0], [[6, 4], ["d", "e"]]))
        with closing(sqlite3.connect(path / "staged.sqlite")) as connection:
            rows = connection.execute("SELECT id, s FROM rows ORDER BY rowid").fetchall()
        assert rows == [(5, "c"), (6, "d"), (4, "e")]


async def test_a_chunk_without_rows_or_rejects_is_merged(
    loader_of: "LoaderOf", integers: "Integers"
) -> None:
    loader = loader_of({"t": integers("t")})
    entry = await loader.load("t", [])
    assert (entry.rows_read, entry.rows_loaded) == (0, 0)
