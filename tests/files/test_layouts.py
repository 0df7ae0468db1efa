"""Law: lines read by their layout and lines read with care get the same verdicts."""

import json
import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_server.files.json_objects import read_object
from headrace_server.files.layouts import layout_of, pattern_of
from headrace_server.files.ndjson import RowParser
from headrace_server.files.object_reader import ObjectReader, RowFault
from headrace_server.model.commerce import COMMERCE
from headrace_server.model.contract import Column, ColumnType, Table, UnknownColumns
from headrace_server.model.rows import Value

T = ColumnType

COLUMNS = (
    Column("id", T.UUID),
    Column("parent", T.UUID, nullable=True),
    Column("name", T.STRING, max_length=4),
    Column("note", T.STRING, nullable=True, max_length=4),
    Column("code", T.STRING, nullable=True, pattern="[a-z]*", allowed_values=("", "a", "ab", "é")),
    Column("count", T.INTEGER, minimum="-5"),
    Column("total", T.INTEGER, nullable=True),
    Column("price", T.DECIMAL, precision=6, scale=2),
    Column("tax", T.DECIMAL, nullable=True, precision=6, scale=0, maximum="1000"),
    Column("rate", T.DECIMAL, precision=3, scale=3),
    Column("ratio", T.FLOAT),
    Column("share", T.FLOAT, nullable=True, maximum="10"),
    Column("active", T.BOOLEAN),
    Column("gone", T.BOOLEAN, nullable=True),
    Column("at", T.TIMESTAMP),
    Column("until", T.TIMESTAMP, nullable=True, minimum="2000-01-01T00:00:00Z"),
    Column("day", T.DATE),
    Column("birth", T.DATE, nullable=True),
    Column("exact", T.DECIMAL, nullable=True, precision=0, scale=0, minimum="-1000"),
    Column("shown", T.DATETIME),
    Column("hidden", T.DATETIME, nullable=True, maximum="2011-01-31T23:59:59"),
    Column("opens", T.TIME),
    Column("closes", T.TIME, nullable=True, minimum="09:00:00"),
    Column("payload", T.JSON),
    Column("extra", T.JSON, nullable=True),
)

_text = st.text(st.sampled_from('aébz"\\/\n\0 \u2028😀'), max_size=6).map(json.dumps)
_raw_text = st.text(st.sampled_from("aé\\u0d8c\"'nx"), max_size=7).map(lambda text: f'"{text}"')
_uuid = st.uuids().map(lambda uuid: f'"{uuid}"')
_integer = st.integers(-(10**20), 10**20) | st.integers(-20, 20)
_number = st.from_regex(
    r"-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
_moment = st.from_regex(
    r"(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9][T tx][0-2][0-9]:[0-6][0-9]:[0-6][0-9]"
    r"(\.[0-9]{1,7})?(Z|z|\+0[0-9]:00|)",
    fullmatch=True,
).map(lambda text: f'"{text}"')
_real_moment = st.datetimes().map(lambda moment: f'"{moment.isoformat(timespec="seconds")}Z"')
_json = st.recursive(
    _text | _number | _raw_text | st.sampled_from(["null", "true", "1e5000", r'"\u0000"']),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(_text, inner, max_size=3).map(
            lambda pairs: "{" + ",".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        )
    ),
    max_leaves=8,
)

FITTING: dict[ColumnType, st.SearchStrategy[str]] = {
    T.UUID: _uuid | _uuid.map(str.upper),
    T.STRING: _text | st.sampled_from(['"a"', '"ab"', '""', r'"\u00e9"']),
    T.INTEGER: _integer.map(str),
    T.DECIMAL: _number | _number.map(lambda number: f'"{number}"'),
    T.FLOAT: _number,
    T.BOOLEAN: st.sampled_from(["true", "false"]),
    T.TIMESTAMP: _moment | _real_moment,
    T.DATE: st.dates().map(lambda day: f'"{day}"') | st.just('"2011-02-29"'),
    T.DATETIME: _moment | st.datetimes().map(lambda moment: f'"{moment.isoformat()}"'),
    T.TIME: st.times().map(lambda time: f'"{time.isoformat()}"')
    | st.from_regex(r'"[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,7})?"', fullmatch=True),
    T.JSON: _json,
}
ANYTHING = st.one_of(
    st.just("null"), _raw_text, *FITTING.values(), st.sampled_from(["NaN", "01", "", "[", '"x'])
)


@st.composite
def _blocks(draw: st.DrawFn) -> tuple[Table, list[bytes]]:
    """Draw a table and lines that mostly follow one layout, with faults strewn in."""
    columns = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=5, unique=True))
    policy = draw(st.sampled_from(UnknownColumns))
    rescue = Column("rest", T.JSON, nullable=True)
    table = Table("t", (*columns, rescue), (columns[0].name,), (), policy, "rest")
    keys = draw(st.permutations([column.name for column in columns]))
    if draw(st.integers(0, 3)) == 0:
        keys = [*keys, draw(st.sampled_from(["x", "rest", keys[0], 'a"b', "é"]))]
    comma, colon = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,", " : ")]))
    by_name = {column.name: column for column in table.columns}
    lines = []
    for _ in range(draw(st.integers(1, 8))):
        values = [
            draw(FITTING[by_name[key].type] if key in by_name and draw(_mostly) else ANYTHING)
            for key in keys
        ]
        pairs = [f'"{key}"{colon}{value}' for key, value in zip(keys, values, strict=True)]
        if not draw(_mostly):
            pairs = pairs[1:] or pairs
        end = draw(st.sampled_from(["", "", "", "\r", " ", "x"]))
        lines.append(f"{{{comma.join(pairs)}}}{end}".encode())
    return table, lines


_mostly = st.integers(0, 9).map(lambda number: number > 0)

Verdict = tuple[Value, ...] | tuple[str | None, str, str]


def _with_care(table: Table, lines: list[bytes]) -> dict[int, Verdict]:
    reader = ObjectReader(table)
    verdicts: dict[int, Verdict] = {}
    for number, line in enumerate(lines):
        try:
            verdicts[number] = tuple(reader.read(line))
        except RowFault as fault:
            verdicts[number] = (fault.column, fault.reason.name, fault.message)
    return verdicts


def _by_layout(table: Table, lines: list[bytes]) -> dict[int, Verdict]:
    rows, rejects = RowParser(table).parse((number, 0, line) for number, line in enumerate(lines))
    verdicts: dict[int, Verdict] = dict(
        zip(rows.lines, zip(*rows.columns, strict=True), strict=True)
    )
    assert list(verdicts) == sorted(verdicts)
    assert [reject.line for reject in rejects] == sorted(reject.line for reject in rejects)
    for reject in rejects:
        assert reject.line not in verdicts
        verdicts[reject.line] = (reject.column, reject.reason.name, reject.message)
    return verdicts


@settings(deadline=None, max_examples=150)
@given(block=_blocks())
def test_layouts_and_care_agree(block: tuple[Table, list[bytes]]) -> None:
    table, lines = block
    assert _by_layout(table, lines) == _with_care(table, lines)


KEY = "2dadea68-e328-5c96-844a-ba06ed89f6be"
MOMENT = "2011-01-31T23:59:59Z"
# For each type a good value, and values at the edges of what it takes.
EDGES: dict[ColumnType, list[str]] = {
    T.UUID: [
        KEY,
        KEY.upper(),
        KEY.replace("-", ""),
        KEY[:-1] + "g",
        KEY[:-1] + "-",
        KEY[:-2] + "ａ9",  # noqa: RUF001  # a letter that looks like ASCII
        *[f"{KEY[:place]}{KEY[place + 1]}-{KEY[place + 2 :]}" for place in (8, 13, 18, 23)],
    ],
    T.STRING: [
        "a",
        "ab",
        "",
        "abcd",
        "abcde",
        "éééé",
        r"\u00e9\u00e9\u00e9\u00e9",
        r"\u0000",
        r"\ud83d\ude00",
        r"\ud83d",
        r"\ude00",
        r"\n",
        r"\x",
        "\t",
        "null",
        '\\"',
        '"',
        "\\",
    ],
    T.INTEGER: [
        "1",
        "-0",
        "-5",
        "-6",
        "01",
        "1.0",
        "1e2",
        "9" * 18,
        "9" * 19,
        str(2**63 - 1),
        str(2**63),
        str(-(2**63)),
        str(-(2**63) - 1),
        "+1",
        "-",
        "٣",
    ],
    T.DECIMAL: [
        "0.5",
        "0",
        "1",
        "1.0",
        "9999.99",
        "9999.999",
        "12345",
        "99999.9",
        "999999",
        "9999999",
        "1000",
        "1001",
        "1e2",
        "1e-3",
        "0.1230",
        "0.1234",
        "-0.0",
        "01",
        "1.",
        ".5",
        "-1000.01",
        "123456789012345678901234567890.123456789012345678901234567890",
        "9" * 1000,
        "9" * 1001,
        f"0.{'1' * 999}",
        f"0.{'1' * 1000}",
        "1e999",
        "1e1000",
        "1.50e1",
    ],
    T.FLOAT: ["1.5", "1e308", "1e309", "1e-308", "1e-400", "0e999", "9.99", "10.01", "01", "1."],
    T.BOOLEAN: ["true", "false", "True", "1", '"true"', "tru", "nullx"],
    T.TIMESTAMP: [
        MOMENT,
        "2011-02-28T00:00:00Z",
        "2011-02-29T00:00:00Z",
        "2012-02-29T00:00:00Z",
        "2011-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "1999-12-31T23:59:59Z",
        "2011-01-31T24:00:00Z",
        "2011-01-31T23:59:60Z",
        "2011-01-31 23:59:59Z",
        "2011-01-31t23:59:59z",
        "2011-01-31T23:59:59z",
        "2011-01-31T23:59:59",
        "2011-01-31T23:59:59+0",
        "2011-01-31T23:59:59.1234567Z",
        "2011-01-31T23:59:59.123Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ],
    T.DATE: ["2011-01-31", "2011-02-29", "0000-01-01", "2011-1-1", "2011-01-32", "20110131"],
    T.DATETIME: [
        "2011-01-31T23:59:59",
        "2011-01-31 23:59:59.5",
        "2011-01-31t00:00:00.000",
        "2011-01-31T23:59:59.000001",
        "2011-01-31T23:59:59.1234567",
        "2011-02-29T00:00:00",
        "2011-01-31T24:00:00",
        "2011-01-31T23:59:60",
        "2011-01-31T23:59",
        "2011-01-31T23:59:59Z",
        "2011-01-31T23:59:59+01:00",
        "2011-01-31",
        "0000-01-01T00:00:00",
    ],
    T.TIME: [
        "23:59:59",
        "09:00:00",
        "08:59:59.999999",
        "00:00:00.5",
        "00:00:00.000",
        "23:59:59.1234567",
        "24:00:00",
        "23:59:60",
        "23:59",
        "9:00:00",
        "23:59:59Z",
        "23:59:59+01:00",
    ],
    T.JSON: [
        "1",
        "{}",
        "[]",
        '{"a": 1}',
        '{"a": 1,}',
        "[1 2]",
        '["\\u0000"]',
        '["\\ud800"]',
        "[[[1]]]",
        "[[[[1]]]]",
        "1e999",
        "1e1000",
        "01",
        '"\t"',
        "[NaN]",
        '{"a"}',
        "{1: 2}",
    ],
}


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_layouts_and_care_agree_on_the_edges_of_each_type(column: Column) -> None:
    table = Table("t", (column,), (column.name,))
    quotes = {
        T.UUID: '"',
        T.STRING: '"',
        T.TIMESTAMP: '"',
        T.DATE: '"',
        T.DATETIME: '"',
        T.TIME: '"',
    }.get(column.type, "")
    values = [f"{quotes}{value}{quotes}" for value in EDGES[column.type]]
    if column.type is T.DECIMAL:
        values += [f'"{value}"' for value in values]
    values += ["null", '""', "5", "true", "[]", '"x"']
    lines = [f'{{"{column.name}":{value}}}'.encode() for value in values]
    verdicts = _with_care(table, lines)
    assert _by_layout(table, lines) == verdicts
    # Each amid good ones of its own layout too: a block is judged as a whole at first.
    good = f'{{"{column.name}":{values[0]}}}'.encode()
    for number, line in enumerate(lines):
        found = _by_layout(table, [good, line, good])
        assert found == {0: verdicts[0], 1: verdicts[number], 2: verdicts[0]}


@pytest.mark.parametrize("table", COMMERCE.tables, ids=lambda table: table.name)
def test_layouts_and_care_agree_on_damaged_bytes(table: Table) -> None:
    """Each line is a good one with a byte or two changed, dropped or doubled."""
    damage = random.Random(table.name)  # noqa: S311  # repeatable, not secret
    good = json.dumps({column.name: _sample(column) for column in table.columns}).encode()
    changes: list[Callable[[bytes, int], bytes]] = [
        lambda line, at: line[:at] + line[at + 1 :],
        lambda line, at: line[: at + 1] + line[at:],
        lambda line, at: (
            line[:at] + bytes([damage.choice(b'",:{}[]0aZ- \\\x00\xff.e')]) + line[at + 1 :]
        ),
    ]
    lines = []
    for _ in range(1500):
        line = good
        for _ in range(damage.randint(0, 2)):
            line = damage.choice(changes)(line, damage.randrange(len(line)))
        lines.append(line)
    verdicts = _by_layout(table, lines)
    assert verdicts == _with_care(table, lines)
    assert len({verdict[1] for verdict in verdicts.values() if len(verdict) == 3}) >= 4


def _sample(column: Column) -> Any:
    return {
        T.UUID: str(UUID(int=2**127 + 12345)),
        T.STRING: "GBP",
        T.INTEGER: 12,
        T.DECIMAL: 12.34,
        T.BOOLEAN: True,
        T.TIMESTAMP: "2010-12-01T09:37:00Z",
        T.JSON: {"a": [1, {"b": None}]},
    }[column.type]


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" , ", " :\t")])
def test_lines_of_usual_writers_have_a_pattern(separators: tuple[str, str]) -> None:
    for table in COMMERCE.tables:
        row = {column.name: _sample(column) for column in table.columns}
        line = json.dumps(row, separators=separators)
        layout = layout_of(line, read_object(line), table)
        assert layout
        matcher = pattern_of(layout, table)
        assert matcher
        pattern, groups = matcher
        found = pattern.fullmatch(line)
        assert found
        assert found[len(groups) + 1] is None
        assert groups == list(range(len(table.columns)))


@pytest.mark.parametrize("line", ['{"\\u0063": 1}', "{}", ' {"c": 1}', '{"c"\n: 1}'])
def test_lines_that_no_program_writes_have_none(line: str) -> None:
    table = Table("t", (Column("c", T.INTEGER),), ("c",))
    assert layout_of(line, read_object(line), table) is None or line.startswith('{"\\u')
