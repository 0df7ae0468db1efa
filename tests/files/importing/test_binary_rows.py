"""Ranges whose rows PostgreSQL may take in its binary format."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from imported_files import parse

from headrace_server.files.chunks import ChunkRange
from headrace_server.files.formats import Compression
from headrace_server.files.importing.binary_rows import binary_form, binary_rows
from headrace_server.files.importing.plan import FilePlan, PlannedColumn
from headrace_server.files.importing.records import cut_at_lines, plan_records
from headrace_server.model.contract import Table
from headrace_server.model.errors import RefusedRowsError, StorageUnavailableError
from headrace_server.model.warehouse import Counted

TYPES = {
    "i": "BIGINT",
    "d": "NUMERIC",
    "p": "NUMERIC(6,2)",
    "f": "DOUBLE PRECISION",
    "b": "BOOLEAN",
    "day": "DATE",
    "at": "TIMESTAMP",
    "tz": "TIMESTAMP WITH TIME ZONE",
    "t": "TIME",
    "u": "UUID",
    "s": "VARCHAR(5)",
    "j": "JSONB",
}


def plan_of(names: str, **changes: object) -> FilePlan:
    columns = tuple(
        PlannedColumn(name, place, name, TYPES[name]) for place, name in enumerate(names.split())
    )
    known = {"encoding": "utf-8", "delimiter": ",", "quote": '"', **changes}
    return FilePlan("csv", Compression.NONE, columns, **known)  # type: ignore[arg-type]


def count(tmp_path: Path, data: bytes, plan: FilePlan) -> int | None:
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    form = binary_form(Table("t", plan.table_columns(), ()), plan)
    counted = [each.binary_rows for each in plan_records(path, plan, 1 << 30, form=form)]
    return None if None in counted else sum(filter(None, counted))


@pytest.mark.parametrize(
    ("names", "data", "rows"),
    [
        ("i s", b"1,a\n2,\n", 2),
        ("i s", b"1,a\r\n2,b\r\n", 2),
        ("i s", b"1,a\n2,b", 2),
        ("i s", b"-5,\xc3\xbc\n", 1),
        ("d p", b"1.50,-12.5\n,\n", 2),
        ("f i", b"0.25,1\n", 1),
        ("b day", b"TRUE,2024-01-31\n", 1),
        ("at t", b"2024-01-31T10:00:00.5,10:00:00\n", 1),
        ("tz u", b"2024-01-31 10:00:00+02:00,2DADEA68-e328-4c96-844a-ba06ed89f6be\n", 1),
        ("s", b"a\nb\n", 2),
        ("i s", b'"1","a ""b"\n"",""""\n', 2),
        ("s i", b'"a\nb",1\n', 1),
        ("i s", b"1,a\n2,b\r\n", 2),
        ("i s", b"1,a\n\n", 1),
        ("s", b"a\n\n", 1),
        ("s", b"a\n\\.\n", 2),
        ("s i", "éééññ,1\n".encode(), 1),
    ],
)
def test_rows_of_the_strict_form_are_counted(
    tmp_path: Path, names: str, data: bytes, rows: int
) -> None:
    assert count(tmp_path, data, plan_of(names)) == rows


@pytest.mark.parametrize(
    ("names", "data"),
    [
        ("i s", b"007,a\n"),
        ("i s", b"1 ,a\n"),
        ("i s", b"+1,a\n"),
        ("i s", b"1234567890123456789,a\n"),
        ("i s", b"1,a,\n"),
        ("i s", b"1\n"),
        ("i s", b"1,a\x00\n"),
        ("i s", b"1,abcdef\n"),
        ("s i", b'"abcdef",1\n'),
        ("s i", b'"a",1\n"b,2\n'),
        ("s i", b'"a" ,1\n'),
        ("s i", b'a"b,1\n'),
        ("s i", b'"a\x00",1\n'),
        ("i s", b"1,a\rb\n"),
        # PostgreSQL would cut the last of the spaces.
        ("i s", b"1,a     \n"),
        # A line of spaces is no record of ours.
        ("s", b"a\n \n"),
        ("s", b"\tb\n"),
        ("p i", b"12345.00,1\n"),
        ("p i", b"1.005,1\n"),
        ("d i", b"1e5,1\n"),
        ("d i", b"NaN,1\n"),
        ("f i", b"0.1234567890123456789,1\n"),
        ("at i", b"2024-01-31 24:00:00,1\n"),
        ("at i", b"2024-01-31 10:00:00Z,1\n"),
        ("tz i", b"2024-01-31 10:00:00,1\n"),
        # Years that only the database knows.
        ("tz i", b"9999-12-31 23:59:59-01:00,1\n"),
        ("tz i", b"0001-01-01 00:00:00+01:00,1\n"),
        ("day i", b"31.01.2024,1\n"),
        ("day i", b"2023-02-29,1\n"),
        ("day i", b"0000-01-01,1\n"),
        ("b i", b"t,1\n"),
        ("j i", b"1,1\n"),
    ],
)
def test_rows_of_any_other_form_are_not(tmp_path: Path, names: str, data: bytes) -> None:
    assert count(tmp_path, data, plan_of(names)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"null_values": ("NA",)},
        {"comment": "#"},
        {"escape": "\\"},
        {"delimiter": None},
        {"delimiter": "¦"},
        {"delimiter": "-"},
    ],
)
def test_rows_whose_values_are_to_be_changed_are_not(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    assert count(tmp_path, b"1,2\n", plan_of("i d", **changes)) is None


def test_rows_with_columns_that_the_table_has_not_are_not() -> None:
    plan = plan_of("i d")
    assert binary_form(Table("t", plan.table_columns()[:1], ()), plan) is None


def test_decimal_commas_and_forms_of_days_matter_where_they_are_read(tmp_path: Path) -> None:
    for name, given_, counted in (("p", "1", None), ("day", "2024-01-31", None), ("s", "a", 1)):
        plan = plan_of(f"{name} i", delimiter=";")
        columns = (replace(plan.columns[0], decimal_mark=",", date_format="%d"), plan.columns[1])
        found = count(tmp_path, f"{given_};1\n".encode(), replace(plan, columns=columns))
        assert found == counted


def test_chunks_of_other_rows_are_told_from_those_between_them(tmp_path: Path) -> None:
    path, plan = tmp_path / "file.csv", plan_of("i s", first_line=2)
    path.write_bytes(b'i,s\n1,"a\nb"\n007,a\n\n2,b\n3,c')
    form = binary_form(Table("t", plan.table_columns(), ()), plan)
    assert [
        (each.byte_offset, each.byte_length, each.first_line, each.binary_rows)
        for each in plan_records(path, plan, 6, form=form)
    ] == [(4, 8, 2, 1), (12, 6, 4, None), (18, 8, 5, 2)]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=st.lists(
        st.sampled_from(['1,"a\n\nb"', "2,b", '3,"\r\n"', "", "007,x", '4,"']), max_size=20
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    target=st.integers(1, 40),
)
def test_a_file_is_cut_alike_whatever_its_rows_are_for(
    tmp_path: Path, records: list[str], end: str, target: int
) -> None:
    """An attempt that goes on where another ended may know other types, or no native code."""
    path, plan = tmp_path / "file.csv", plan_of("i s")
    path.write_bytes(end.join(records).encode())
    form = binary_form(Table("t", plan.table_columns(), ()), plan)
    cut = [replace(each, binary_rows=None) for each in plan_records(path, plan, target, form=form)]
    assert cut == list(plan_records(path, plan, target))


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=st.lists(
        st.sampled_from(['1,"a\n\nb"', "2,b", '3,"\r\n"', "", "007,x", '4,"']), max_size=20
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    target=st.integers(1, 40),
)
@example(["2,b", "", '3,"\r\n"', "2,b"], "\r\n", 11)
def test_a_file_cut_at_lines_is_cut_alike_or_refused(
    tmp_path: Path, records: list[str], end: str, target: int
) -> None:
    path, plan = tmp_path / "file.csv", plan_of("i s")
    path.write_bytes(end.join(["a,b", *records]).encode())
    plan = replace(plan, has_header=True, first_line=2)
    table = Table("t", plan.table_columns(), ())
    line, read = plan.first_line, []
    try:
        for each in cut_at_lines(path, plan, target):
            counted = counts_of(binary_rows(path, each, table, plan, 1 << 20))
            read.append(replace(each, first_line=line, binary_rows=counted.rows))
            line += counted.lines
    except RefusedRowsError:
        return
    assert read == list(plan_records(path, plan, target, form=binary_form(table, plan)))


def test_cut_at_lines_little_is_read(tmp_path: Path) -> None:
    path, plan = tmp_path / "file.csv", replace(plan_of("i s"), first_line=2)
    path.write_bytes(b"a,b\n" + b"1,x\n" * 5)
    ranges = [(each.byte_offset, each.first_line) for each in cut_at_lines(path, plan, 8)]
    assert ranges == [(4, 2), (12, 0), (20, 0)]
    assert list(cut_at_lines(path, replace(plan, first_line=9), 8)) == []


def counts_of(rows: Generator[bytes | memoryview, None, Counted]) -> Counted:
    """What is told of rows when all of them are read."""
    while True:
        try:
            next(rows)
        except StopIteration as end:
            return Counted(*end.value)


def test_records_that_are_too_long_are_not(tmp_path: Path) -> None:
    path, plan = tmp_path / "file.csv", plan_of("s i")
    path.write_bytes(b"a,1\n" + b"\n" * 20 + b'"aaaaa",123456789012\n')
    for most, rows in ((21, 2), (20, None)):
        form = binary_form(Table("t", plan.table_columns(), ()), plan, most)
        (chunk,) = plan_records(path, plan, 1 << 20, form=form)
        assert chunk.binary_rows == rows


def test_a_file_that_is_gone_or_cut_is_unavailable(tmp_path: Path) -> None:
    path, plan = tmp_path / "file.csv", plan_of("i d")
    table = Table("t", plan.table_columns(), ())
    path.write_bytes(b"1,2\n")
    with pytest.raises(StorageUnavailableError, match="1 bytes too early"):
        list(binary_rows(path, ChunkRange(0, 0, 5, 1), table, plan, 1000))
    path.unlink()
    with pytest.raises(StorageUnavailableError, match="cannot be read"):
        list(binary_rows(path, ChunkRange(0, 0, 4, 1), table, plan, 1000))


def test_a_file_that_has_changed_is_refused(tmp_path: Path) -> None:
    path, plan = tmp_path / "file.csv", plan_of("i d")
    path.write_bytes(b"1,x\n")
    for given_ in (plan, replace(plan, comment="#")):
        with pytest.raises(RefusedRowsError):
            list(
                binary_rows(
                    path, ChunkRange(0, 0, 4, 1), Table("t", plan.table_columns(), ()), given_, 99
                )
            )


#: values of each type in the strict form, and some that no calendar has
STRICT = {
    "i": ["0", "-5", "123456789012345678", ""],
    "d": ["0", "-0", "1.50", "-12345678901234567890.00000000001", "0.00012", "10000", "-0.0", ""],
    "p": ["0", "-0.0", "1234.56", "-1.5", ""],
    "f": ["0", "-0", "0.1", "-1234567.12345678", ""],
    "b": ["true", "False", "TRUE", ""],
    "day": ["2024-02-29", "0001-01-01", "9999-12-31", "2023-02-29", "0000-01-01", ""],
    "at": ["2024-02-29 23:59:59", "2024-02-29T00:00:00.123456", "9999-12-31 23:59:59.9", ""],
    "tz": ["2024-02-29 00:00:00Z", "2999-12-31T23:59:59.5-13:59", "1000-01-01 00:00:00+13:59", ""],
    "t": ["00:00:00", "23:59:59.999999", ""],
    "u": ["2DADEA68-e328-4c96-844a-ba06ed89f6be", ""],
    "s": [
        "a",
        'a"',
        '"b",',
        "\n",
        "c\r",
        " b ",
        "ü€",
        "NULL",
        "\\N",
        "a\\",
        "\x1e",
        "#",
        "\x0b",
        "\xa0",
        "00",
        "",
    ],
}
#: values that look like them
LOOSE = [
    *("007", "+1", " 1", "1e5", "NaN", "t", "a     ", "\\.", "24:00:00", "2024-1-1", "x\0"),
    *("é" * 5, "2024-01-31 10:00:00", "2024-01-31T10:00", "infinity"),
]


@st.composite
def files(draw: st.DrawFn) -> tuple[list[str], str, bytes]:
    """Names of columns, a delimiter, and records that mostly are of the strict form."""
    names = draw(st.lists(st.sampled_from([*STRICT]), min_size=1, max_size=4, unique=True))
    delimiter = draw(st.sampled_from([",", ";", "\t", "|", "\x1f"]))
    loose = draw(st.sampled_from([0, 0, 0, 1]))
    fields = [st.sampled_from(STRICT[name] + LOOSE * loose) for name in names]
    records = draw(st.lists(st.tuples(*fields), min_size=1, max_size=5))
    quotes_all = draw(st.booleans())
    end = draw(st.sampled_from(["\n", "\r\n", "\n\n"]))
    text = end.join(
        delimiter.join(written(field, delimiter, quoted=quotes_all) for field in record)
        for record in records
    )
    text += draw(st.sampled_from([end, end, ""]))
    return names, delimiter, text.encode()


def written(field: str, delimiter: str, *, quoted: bool) -> str:
    if quoted or any(mark in field for mark in ('"', "\n", "\r", delimiter)):
        return '"' + field.replace('"', '""') + '"'
    return field


@pytest.fixture
def database(postgres_url: str) -> Iterator[psycopg.Connection]:
    """A database with a table for rows that are copied and one for those that are parsed."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        columns = ", ".join(f"{name} {sql_type}" for name, sql_type in TYPES.items())
        connection.execute(f"CREATE TABLE copied ({columns})")
        connection.execute(f"CREATE TABLE parsed ({columns})")
        yield connection


def copy(database: psycopg.Connection, names: list[str], path: Path, plan: FilePlan) -> bool:
    columns = ", ".join(names)
    table = Table("t", plan.table_columns(), ())
    try:
        with database.cursor().copy(
            f"COPY copied ({columns}) FROM STDIN WITH (FORMAT binary)"
        ) as into:
            for chunk in plan_records(path, plan, 1 << 30):
                for piece in binary_rows(path, chunk, table, plan, 1 << 20):
                    into.write(piece)
    except psycopg.DataError:
        return False
    return True


def insert(database: psycopg.Connection, names: list[str], rows: list[tuple[Any, ...]]) -> None:
    values = ", ".join(f"%s::{TYPES[name]}" for name in names)
    database.execute("TRUNCATE copied, parsed")
    if rows:
        statement = f"INSERT INTO parsed ({', '.join(names)}) VALUES ({values})"
        database.cursor().executemany(statement, rows)


def test_a_copy_gives_the_rows_that_parsing_gives(
    tmp_path: Path, database: psycopg.Connection
) -> None:
    path = tmp_path / "file.csv"

    @settings(
        max_examples=100, deadline=None, suppress_health_check=[HealthCheck.differing_executors]
    )
    @given(files())
    def check(file: tuple[list[str], str, bytes]) -> None:
        names, delimiter, data = file
        plan = plan_of(" ".join(names), delimiter=delimiter)
        rows = count(tmp_path, data, plan)
        if rows is None:
            return
        found = parse(path, plan)
        assert len(found.rows) + len(found.rejects) == rows
        insert(database, names, found.rows)
        if copy(database, names, path, plan):
            assert found.rejects == []
            assert differences(database) == 0
        else:
            assert found.rejects

    check()


def differences(database: psycopg.Connection) -> int:
    """Rows that one table has and the other has not."""
    (found,) = database.execute(
        "SELECT count(*) FROM ((TABLE copied EXCEPT ALL TABLE parsed)"
        " UNION ALL (TABLE parsed EXCEPT ALL TABLE copied)) AS different"
    ).fetchall()
    return int(found[0])
