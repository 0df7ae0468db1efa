"""The verdicts of the parser, each a trap that a laxer parser falls into."""

import json
from pathlib import Path
from typing import Any

import pytest

from headrace_server.files.chunks import plan_chunks
from headrace_server.files.ndjson import RowParser, parse_range
from headrace_server.model.commerce import CUSTOMERS, ORDER_ITEMS, ORDERS, PRODUCTS
from headrace_server.model.contract import Column, ColumnType, Table, UnknownColumns
from headrace_server.model.errors import InvalidContractError
from headrace_server.model.rows import RejectedLine, RejectReason, RowBlock, Value

KEY = "2dadea68-e328-5c96-844a-ba06ed89f6be"


def _table(
    *columns: Column, unknown: UnknownColumns = UnknownColumns.REJECT, rescue: str | None = None
) -> Table:
    return Table("t", columns, (columns[0].name,), (), unknown, rescue)


def _parse(table: Table, *lines: str | bytes) -> tuple[RowBlock, list[RejectedLine]]:
    raws = [line.encode() if isinstance(line, str) else line for line in lines]
    return RowParser(table).parse((number, 0, raw) for number, raw in enumerate(raws, 1))


def _value(column: Column, raw: str) -> Value:
    rows, rejects = _parse(_table(column), f'{{"{column.name}":{raw}}}')
    assert rejects == []
    (value,) = rows.columns[0]
    return value


def _fault(column: Column, raw: str) -> RejectedLine:
    rows, (reject,) = _parse(_table(column), f'{{"{column.name}":{raw}}}')
    assert list(rows.lines) == []
    assert list(rows.columns[0]) == []
    assert reject.column == column.name
    assert column.name in reject.message
    return reject


T = ColumnType
R = RejectReason


@pytest.mark.parametrize(
    ("column", "raw", "value"),
    [
        (Column("c", T.UUID), f'"{KEY}"', KEY),
        (Column("c", T.UUID), f'"{KEY.upper()}"', KEY),
        (Column("c", T.UUID, nullable=True), "null", None),
        (Column("c", T.INTEGER), "-9223372036854775808", -(2**63)),
        (Column("c", T.INTEGER), "9223372036854775807", 2**63 - 1),
        (Column("c", T.INTEGER), "-0", 0),
        (Column("c", T.INTEGER, nullable=True), "null", None),
        (Column("c", T.DECIMAL), "12345678901234.5678", "12345678901234.5678"),
        (Column("c", T.DECIMAL), '"12345678901234.5678"', "12345678901234.5678"),
        (Column("c", T.DECIMAL), "19.50", "19.50"),
        (Column("c", T.DECIMAL), "-0.0", "-0.0"),
        (Column("c", T.DECIMAL), "1.23450000000000000000", "1.2345"),
        (Column("c", T.DECIMAL), "1e3", "1000"),
        (Column("c", T.DECIMAL), "12.5E-2", "0.125"),
        (Column("c", T.DECIMAL, precision=3, scale=3), "0.125", "0.125"),
        (Column("c", T.DECIMAL, precision=3, scale=0), "125", "125"),
        (Column("c", T.DECIMAL, nullable=True), "null", None),
        (
            Column("c", T.DECIMAL, precision=0),
            f"{'9' * 600}.{'9' * 400}",
            f"{'9' * 600}.{'9' * 400}",
        ),
        (Column("c", T.DECIMAL, precision=0), "1.50e1", "15.0"),
        (Column("c", T.DECIMAL, precision=0), '"0.10"', "0.10"),
        (Column("c", T.DATETIME), '"2011-01-31 23:59:59"', "2011-01-31T23:59:59"),
        (Column("c", T.DATETIME), '"2011-01-31T23:59:59.5"', "2011-01-31T23:59:59.500000"),
        (Column("c", T.DATETIME, nullable=True), "null", None),
        (Column("c", T.TIME), '"23:59:59"', "23:59:59"),
        (Column("c", T.TIME), '"23:59:59.25"', "23:59:59.250000"),
        (Column("c", T.TIME, nullable=True), "null", None),
        (Column("c", T.FLOAT), "1.5e300", 1.5e300),
        (Column("c", T.FLOAT), "0", 0.0),
        (Column("c", T.FLOAT), "0.0e-999", 0.0),
        (Column("c", T.FLOAT, nullable=True), "null", None),
        (Column("c", T.BOOLEAN), "true", True),
        (Column("c", T.BOOLEAN, nullable=True), "null", None),
        (Column("c", T.STRING), '"007"', "007"),
        (Column("c", T.STRING), '"1e400"', "1e400"),
        (Column("c", T.STRING), '""', ""),
        (Column("c", T.STRING, nullable=True), '""', ""),
        (Column("c", T.STRING, nullable=True), '"null"', "null"),
        (Column("c", T.STRING, nullable=True), r'"nul\u006c"', "null"),
        (Column("c", T.STRING, nullable=True), "null", None),
        (Column("c", T.STRING), r'"a\"\\\/\b\f\n\r\té\ud83d\ude00"', 'a"\\/\b\f\n\r\té😀'),
        (Column("c", T.STRING), '"\x7f\u2028"', "\x7f\u2028"),
        (Column("c", T.STRING, max_length=2), '"😀😀"', "😀😀"),
        (Column("c", T.STRING, max_length=2), r'"\u00e9\u00e9"', "éé"),
        (Column("c", T.DATE), '"2012-02-29"', "2012-02-29"),
        (Column("c", T.DATE, nullable=True), "null", None),
        (Column("c", T.TIMESTAMP), '"2011-01-31T23:59:59Z"', "2011-01-31T23:59:59Z"),
        (Column("c", T.TIMESTAMP), '"2011-01-31 23:59:59"', "2011-01-31T23:59:59Z"),
        (Column("c", T.TIMESTAMP), '"2011-01-31T23:59:59+02:00"', "2011-01-31T21:59:59Z"),
        (Column("c", T.TIMESTAMP), '"2011-01-31t23:59:59.5z"', "2011-01-31T23:59:59.500000Z"),
        (Column("c", T.TIMESTAMP, nullable=True), "null", None),
        (Column("c", T.JSON), '{"a": [1.10, null, {"b": "x"}]}', '{"a": [1.10, null, {"b": "x"}]}'),
        (Column("c", T.JSON), '"text"', '"text"'),
        (Column("c", T.JSON), r'"\\u0000 \ud83d\ude00"', r'"\\u0000 \ud83d\ude00"'),
        (Column("c", T.JSON), '"1e9999"', '"1e9999"'),
        (Column("c", T.JSON), "[[[[[[1]]]]]]", "[[[[[[1]]]]]]"),
        (Column("c", T.JSON, nullable=True), "null", None),
    ],
)
def test_takes(column: Column, raw: str, value: Value) -> None:
    assert _value(column, raw) == value
    assert type(_value(column, raw)) is type(value)


@pytest.mark.parametrize(
    ("column", "raw", "reason"),
    [
        (Column("c", T.UUID), f'"{{{KEY}}}"', R.INVALID_VALUE),
        (Column("c", T.UUID), f'"{KEY.replace("-", "")}"', R.INVALID_VALUE),
        (Column("c", T.UUID), f'"{KEY[:-1]}g"', R.INVALID_VALUE),
        (Column("c", T.UUID), f'"{KEY.replace("-", "_")}"', R.INVALID_VALUE),
        (Column("c", T.UUID), f'"-{KEY[1:8]}0{KEY[9:]}"', R.INVALID_VALUE),
        (Column("c", T.UUID), '""', R.INVALID_VALUE),
        (Column("c", T.UUID, nullable=True), '""', R.INVALID_VALUE),
        (Column("c", T.UUID), "5", R.WRONG_TYPE),
        (Column("c", T.INTEGER), "1.0", R.WRONG_TYPE),
        (Column("c", T.INTEGER), "1e3", R.WRONG_TYPE),
        (Column("c", T.INTEGER), '"1"', R.WRONG_TYPE),
        (Column("c", T.INTEGER), "true", R.WRONG_TYPE),
        (Column("c", T.INTEGER), "9223372036854775808", R.OUT_OF_RANGE),
        (Column("c", T.INTEGER), "-9223372036854775809", R.OUT_OF_RANGE),
        (Column("c", T.INTEGER), "9" * 5000, R.OUT_OF_RANGE),
        (Column("c", T.DECIMAL), "1.23456", R.OUT_OF_RANGE),
        (Column("c", T.DECIMAL), "123456789012345", R.OUT_OF_RANGE),
        (Column("c", T.DECIMAL), "1e400", R.OUT_OF_RANGE),
        (Column("c", T.DECIMAL), "1e-400", R.OUT_OF_RANGE),
        (Column("c", T.DECIMAL), "1e999999999999999999999", R.OUT_OF_RANGE),
        (Column("c", T.DECIMAL, precision=3, scale=3), "1.125", R.OUT_OF_RANGE),
        (Column("c", T.DECIMAL, precision=3, scale=0), "12.5", R.OUT_OF_RANGE),
        (Column("c", T.DECIMAL), '"1e3"', R.INVALID_VALUE),
        (Column("c", T.DECIMAL), '"0x10"', R.INVALID_VALUE),
        (Column("c", T.DECIMAL), '"1_000"', R.INVALID_VALUE),
        (Column("c", T.DECIMAL), '"infinity"', R.INVALID_VALUE),
        (Column("c", T.DECIMAL), '"1,5"', R.INVALID_VALUE),
        (Column("c", T.DECIMAL), '" 1"', R.INVALID_VALUE),
        (Column("c", T.DECIMAL), '"007"', R.INVALID_VALUE),
        (Column("c", T.DECIMAL), '""', R.INVALID_VALUE),
        (Column("c", T.DECIMAL), "true", R.WRONG_TYPE),
        (Column("c", T.FLOAT), "1e400", R.OUT_OF_RANGE),
        (Column("c", T.FLOAT), "-1e400", R.OUT_OF_RANGE),
        (Column("c", T.FLOAT), "1e-400", R.OUT_OF_RANGE),
        (Column("c", T.FLOAT), '"1.5"', R.WRONG_TYPE),
        (Column("c", T.BOOLEAN), "1", R.WRONG_TYPE),
        (Column("c", T.BOOLEAN), '"true"', R.WRONG_TYPE),
        (Column("c", T.STRING), "5", R.WRONG_TYPE),
        (Column("c", T.STRING), "{}", R.WRONG_TYPE),
        (Column("c", T.STRING, max_length=2), '"abc"', R.TOO_LONG),
        (Column("c", T.STRING, max_length=2, nullable=True), '"abc"', R.TOO_LONG),
        (Column("c", T.STRING), r'"a\u0000"', R.NUL_CHARACTER),
        (Column("c", T.STRING), r'"\ud800"', R.INVALID_VALUE),
        (Column("c", T.STRING), r'"\ude00\ud83d"', R.INVALID_VALUE),
        (Column("c", T.DATE), '"2011-02-29"', R.INVALID_VALUE),
        (Column("c", T.DATE), '"2011-2-9"', R.INVALID_VALUE),
        (Column("c", T.DATE), '"20110209"', R.INVALID_VALUE),
        (Column("c", T.DATE), '"0000-01-01"', R.INVALID_VALUE),
        (Column("c", T.DATE), "20110209", R.WRONG_TYPE),
        (Column("c", T.TIMESTAMP), '"2011-02-29T00:00:00Z"', R.INVALID_VALUE),
        (Column("c", T.TIMESTAMP), '"2011-01-01T24:00:00Z"', R.INVALID_VALUE),
        (Column("c", T.TIMESTAMP), '"2016-12-31T23:59:60Z"', R.INVALID_VALUE),
        (Column("c", T.TIMESTAMP), '"2011-01-01T00:00:00.1234567Z"', R.INVALID_VALUE),
        (Column("c", T.TIMESTAMP), '"0001-01-01T00:00:00+01:00"', R.INVALID_VALUE),
        (Column("c", T.TIMESTAMP), '"2011-01-01"', R.INVALID_VALUE),
        (Column("c", T.TIMESTAMP), "1293840000", R.WRONG_TYPE),
        (Column("c", T.DECIMAL, precision=0), "9" * 1001, R.OUT_OF_RANGE),
        (Column("c", T.DECIMAL, precision=0), "1e1000", R.OUT_OF_RANGE),
        (Column("c", T.DATETIME), '"2011-01-31T23:59:59Z"', R.INVALID_VALUE),
        (Column("c", T.DATETIME), '"2011-01-31T23:59:59+02:00"', R.INVALID_VALUE),
        (Column("c", T.DATETIME), '"2011-02-29T00:00:00"', R.INVALID_VALUE),
        (Column("c", T.DATETIME), '"2011-01-31"', R.INVALID_VALUE),
        (Column("c", T.DATETIME), "20110131", R.WRONG_TYPE),
        (Column("c", T.TIME), '"24:00:00"', R.INVALID_VALUE),
        (Column("c", T.TIME), '"9:00:00"', R.INVALID_VALUE),
        (Column("c", T.TIME), '"09:00:00Z"', R.INVALID_VALUE),
        (Column("c", T.TIME), "9", R.WRONG_TYPE),
        (Column("c", T.JSON), r'{"a": "\u0000"}', R.NUL_CHARACTER),
        (Column("c", T.JSON), r'["\ud800x"]', R.INVALID_VALUE),
        (Column("c", T.JSON), r'["\\\ud800"]', R.INVALID_VALUE),
        (Column("c", T.JSON), "[1e99999]", R.OUT_OF_RANGE),
        (Column("c", T.JSON), f"[1.{'1' * 10_000}]", R.OUT_OF_RANGE),
    ],
)
def test_rejects(column: Column, raw: str, reason: RejectReason) -> None:
    reject = _fault(column, raw)
    assert reject.reason is reason
    assert reject.raw == f'{{"c":{raw}}}'
    assert len(reject.message) < 300


@pytest.mark.parametrize("type_", list(ColumnType))
def test_null_and_missing_in_a_required_column(type_: ColumnType) -> None:
    assert _fault(Column("c", type_), "null").reason is R.NULL_VALUE
    _, (reject,) = _parse(_table(Column("c", type_)), "{}")
    assert (reject.column, reject.reason) == ("c", R.MISSING_COLUMN)


@pytest.mark.parametrize("type_", list(ColumnType))
def test_missing_in_a_nullable_column_is_null(type_: ColumnType) -> None:
    table = _table(Column("k", T.INTEGER), Column("c", type_, nullable=True))
    rows, rejects = _parse(table, '{"k": 1}', '{"k": 2}')
    assert (list(rows.columns[1]), rejects) == ([None, None], [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", R.MALFORMED_JSON),
        ('{"c"}', R.MALFORMED_JSON),
        ('{"c":1,}', R.MALFORMED_JSON),
        ('{"c":1 "d":2}', R.MALFORMED_JSON),
        ("{'c':1}", R.MALFORMED_JSON),
        ('{"c":NaN}', R.MALFORMED_JSON),
        ('{"c":-Infinity}', R.MALFORMED_JSON),
        ('{"c":01}', R.MALFORMED_JSON),
        ('{"c":1.}', R.MALFORMED_JSON),
        ('{"c":+1}', R.MALFORMED_JSON),
        ('{"c":"a\tb"}', R.MALFORMED_JSON),
        ('{"c":"\\x"}', R.MALFORMED_JSON),
        ('{"c":1}{"c":2}', R.MALFORMED_JSON),
        ('{"c":1} x', R.MALFORMED_JSON),
        ('\ufeff{"c":1}', R.MALFORMED_JSON),
        ('{"c":1}\x0c', R.MALFORMED_JSON),
        ("not json", R.MALFORMED_JSON),
        ("[" * 100_000, R.MALFORMED_JSON),
        ('{"c":' + "[" * 300 + "]" * 300 + "}", R.MALFORMED_JSON),
        ("[1]", R.NOT_AN_OBJECT),
        ('"text"', R.NOT_AN_OBJECT),
        ("5", R.NOT_AN_OBJECT),
        ("null", R.NOT_AN_OBJECT),
        ("false", R.NOT_AN_OBJECT),
    ],
)
def test_a_line_that_is_no_object_is_rejected_whole(line: str, reason: RejectReason) -> None:
    rows, (reject,) = _parse(_table(Column("c", T.INTEGER)), '{"c":1}', line, '{"c":3}')
    assert list(rows.columns[0]) == [1, 3]
    assert list(rows.lines) == [1, 3]
    assert (reject.line, reject.column, reject.reason) == (2, None, reason)


def test_bytes_that_are_not_utf8_are_shown_escaped() -> None:
    good, bad = b'{"c":"a"}', b'{"c":"\xff\0"}'
    rows, (reject,) = _parse(_table(Column("c", T.STRING)), good, bad, good)
    assert list(rows.lines) == [1, 3]
    assert reject.reason is R.INVALID_UTF8
    assert reject.raw == r'{"c":"\xff\x00"}'


def test_a_surrogate_in_utf8_is_not_utf8() -> None:
    _, (reject,) = _parse(_table(Column("c", T.STRING)), b'{"c":"\xed\xa0\x80"}')
    assert reject.reason is R.INVALID_UTF8


def test_the_brackets_of_texts_are_no_nesting() -> None:
    rows, rejects = _parse(_table(Column("c", T.JSON)), json.dumps({"c": '"[{' * 500}))
    assert (len(rows.lines), rejects) == (1, [])


@pytest.mark.parametrize("line", ['{"c":1,"c":1}', r'{"c":1,"\u0063":2}', '{"c":1,"x":1,"x":1}'])
@pytest.mark.parametrize("unknown", [UnknownColumns.DISCARD, UnknownColumns.REJECT])
def test_a_key_that_comes_twice_is_rejected(line: str, unknown: UnknownColumns) -> None:
    _, rejects = _parse(_table(Column("c", T.INTEGER), unknown=unknown), line, line)
    assert [reject.reason for reject in rejects] == [R.DUPLICATE_COLUMN] * 2


def test_unknown_keys_are_rejected_by_default_and_named() -> None:
    _, (reject,) = _parse(_table(Column("c", T.INTEGER)), r'{"x\u0000\ud800":1,"c":1}')
    assert (reject.column, reject.reason) == (r"x\x00\ud800", R.UNKNOWN_COLUMN)
    assert "it has c" in reject.message


def test_a_column_at_fault_goes_before_unknown_and_duplicate_keys() -> None:
    _, (reject,) = _parse(_table(Column("c", T.INTEGER)), '{"x":1,"x":1,"c":"1"}')
    assert (reject.column, reject.reason) == ("c", R.WRONG_TYPE)


def test_the_first_column_of_the_table_at_fault_is_named() -> None:
    table = _table(Column("a", T.INTEGER), Column("b", T.INTEGER))
    _, (reject,) = _parse(table, '{"b":"x","a":"x"}')
    assert reject.column == "a"


def test_unknown_keys_are_discarded_where_the_contract_says_so() -> None:
    table = _table(Column("c", T.INTEGER), unknown=UnknownColumns.DISCARD)
    lines = ['{"x": {"y": [1]}, "c": 1}', '{"x": null, "c": 2}', r'{"\u0000": 1, "c": 3}']
    rows, rejects = _parse(table, *lines, '{"x": broken, "c": 4}', '{"a"b":1,"c":5}')
    assert list(rows.columns[0]) == [1, 2, 3]
    assert [reject.line for reject in rejects] == [4, 5]


def test_unknown_keys_are_rescued_as_they_came() -> None:
    table = _table(
        Column("c", T.INTEGER),
        Column("rest", T.JSON, nullable=True),
        unknown=UnknownColumns.RESCUE,
        rescue="rest",
    )
    rows, rejects = _parse(
        table,
        '{"c":1}',
        '{"c":2,"x":1.10,"y":{"z": null}}',
        '{"c":3,"rest":[1]}',
        '{"c":4,"rest":[1],"x":null}',
        '{"c":5,"rest":null,"x":null}',
        r'{"c":6,"x":"\u0000"}',
        r'{"c":7,"\ud800":1}',
    )
    assert list(rows.columns[1]) == [
        None,
        '{"x":1.10,"y":{"z": null}}',
        "[1]",
        '{"rest":[1],"x":null}',
        '{"x":null}',
    ]
    assert [(reject.column, reject.reason) for reject in rejects] == [
        ("rest", R.NUL_CHARACTER),
        ("rest", R.INVALID_VALUE),
    ]


@pytest.mark.parametrize(
    ("column", "good", "bad", "reason"),
    [
        (Column("c", T.INTEGER, minimum="0", maximum="9"), "9", "10", R.OUT_OF_RANGE),
        (Column("c", T.INTEGER, allowed_values=("1", "2")), "2", "3", R.NOT_ALLOWED),
        (Column("c", T.DECIMAL, minimum="-0.5"), "-0.5", "-0.5001", R.OUT_OF_RANGE),
        (Column("c", T.FLOAT, maximum="0.1"), "0.1", "0.2", R.OUT_OF_RANGE),
        (Column("c", T.STRING, pattern="[A-Z]{3}"), '"GBP"', '"GBPX"', R.PATTERN_MISMATCH),
        (Column("c", T.STRING, pattern="a|ab"), '"ab"', '"abc"', R.PATTERN_MISMATCH),
        (Column("c", T.STRING, allowed_values=("a", "é")), r'"\u00e9"', '"e"', R.NOT_ALLOWED),
        (
            Column("c", T.STRING, nullable=True, pattern="a*", allowed_values=("", "aa", "b")),
            '"aa"',
            '"b"',
            R.PATTERN_MISMATCH,
        ),
        (Column("c", T.DATE, minimum="2011-01-01"), '"2011-01-01"', '"2010-12-31"', R.OUT_OF_RANGE),
        (
            Column("c", T.TIMESTAMP, maximum="2011-01-01T01:00:00+01:00"),
            '"2011-01-01T00:00:00Z"',
            '"2011-01-01T00:00:00.000001Z"',
            R.OUT_OF_RANGE,
        ),
    ],
)
def test_rules_of_a_column(column: Column, good: str, bad: str, reason: RejectReason) -> None:
    rows, rejects = _parse(_table(column), *[f'{{"c":{raw}}}' for raw in (good, bad, good)])
    assert list(rows.lines) == [1, 3]
    assert [(reject.line, reject.reason) for reject in rejects] == [(2, reason)]
    assert _fault(column, bad).reason is reason
    if column.nullable:
        assert _value(column, "null") is None


@pytest.mark.parametrize(
    "column",
    [
        Column("c", T.STRING, pattern="("),
        Column("c", T.STRING, minimum="a"),
        Column("c", T.INTEGER, minimum="one"),
        Column("c", T.DECIMAL, maximum="NaN"),
        Column("c", T.DATE, maximum="2011-02-29"),
        Column("c", T.TIMESTAMP, maximum="yesterday"),
    ],
)
def test_a_rule_that_cannot_be_read_is_an_error_of_the_contract(column: Column) -> None:
    with pytest.raises(InvalidContractError) as caught:
        RowParser(_table(column))
    assert caught.value.metadata["column"] == "c"


def test_records_keep_their_line_and_offset_and_their_order() -> None:
    table = _table(Column("c", T.INTEGER), Column("d", T.INTEGER, nullable=True))
    lines = [
        b'{"c":1}',
        b'{"d":2, "c":2}',
        b"",
        b' {"c":3}',
        b'{"c":4}\r',
        b" \r",
        b"x",
        b'{"c":5}',
    ]
    records = [(100 + n, 1000 + n, raw) for n, raw in enumerate(lines)]
    rows, (reject,) = RowParser(table).parse(records)
    assert list(rows.columns[0]) == [1, 2, 3, 4, 5]
    assert list(rows.columns[1]) == [None, 2, None, None, None]
    assert list(rows.lines) == [100, 101, 103, 104, 107]
    assert list(rows.byte_offsets) == [1000, 1001, 1003, 1004, 1007]
    assert (reject.line, reject.byte_offset, reject.raw) == (106, 1006, "x")


def test_a_replayed_record_may_hold_line_ends() -> None:
    lines = [b'{"c":1}', b'{\n "c": 2\n}', b'{"c":"a\nb"}', b'{"c":3}']
    rows, (reject,) = _parse(_table(Column("c", T.INTEGER)), *lines)
    assert (list(rows.lines), list(rows.columns[0])) == ([1, 2, 4], [1, 2, 3])
    assert (reject.line, reject.reason) == (3, R.MALFORMED_JSON)


def test_a_value_without_its_closing_quote_takes_no_other_line_with_it() -> None:
    table = _table(Column("c", T.UUID), Column("d", T.UUID, nullable=True))
    head = f'{{"c":"{KEY}","d":"'
    line = f'{head}{KEY}"}}'
    # The value of the second line reads on through the third one's 34 characters.
    rows, rejects = _parse(table, line, head, "x" * 35 + '"}', line)
    assert list(rows.lines) == [1, 4]
    assert [reject.line for reject in rejects] == [2, 3]


def test_many_layouts_in_one_file() -> None:
    table = _table(*[Column(name, T.INTEGER, nullable=True) for name in "abcdefgh"])
    objects = [
        {name: place for place, name in enumerate("abcdefgh") if number & 1 << place}
        for number in range(1, 256)
    ]
    parser = RowParser(table)
    for start in range(0, len(objects), 5):
        part = objects[start : start + 5]
        rows, rejects = parser.parse((n, 0, json.dumps(o).encode()) for n, o in enumerate(part))
        assert rejects == []
        assert list(zip(*rows.columns, strict=True)) == [
            tuple(row.get(name) for name in "abcdefgh") for row in part
        ]


def test_no_records_are_no_rows() -> None:
    rows, rejects = RowParser(ORDER_ITEMS).parse([])
    assert (list(rows.lines), [list(column) for column in rows.columns]) == ([], [[]] * 6)
    assert rejects == []


COMMERCE_ROWS: dict[Table, dict[str, Any]] = {
    CUSTOMERS: {
        "customer_id": KEY,
        "name": "Customer 14688",
        "email": "c@example.com",
        "metadata": {"countries": ["United Kingdom"], "invoice_lines": 359},
        "created_at": "2010-12-01T09:37:00Z",
    },
    PRODUCTS: {
        "product_id": KEY,
        "sku": "21730",
        "name": None,
        "price": 4.95,
        "category_id": KEY,
        "active": True,
        "created_at": "2010-12-01T08:26:00Z",
    },
    ORDERS: {
        "order_id": KEY,
        "external_order_id": "536378",
        "customer_id": KEY,
        "customer_name_snapshot": "Größe",
        "customer_email_snapshot": None,
        "total_amount": "444.98",
        "currency": "GBP",
        "order_status": "completed",
        "order_date": "2010-12-01T09:37:00Z",
        "raw_payload": {"CustomerID": None},
        "created_at": "2010-12-01T09:37:00Z",
    },
    ORDER_ITEMS: {
        "order_item_id": KEY,
        "order_id": KEY,
        "product_id": KEY,
        "quantity": -9,
        "unit_price": 0.0,
        "line_total": 24.68,
    },
}


@pytest.mark.parametrize("table", COMMERCE_ROWS, ids=lambda table: table.name)
@pytest.mark.parametrize("compact", [False, True])
def test_commerce_files_parse_chunk_by_chunk(tmp_path: Path, table: Table, compact: bool) -> None:
    row = COMMERCE_ROWS[table]
    line = json.dumps(row, separators=(",", ":") if compact else None)
    path = tmp_path / "rows.ndjson"
    path.write_text("\ufeff" + f"{line}\r\n\r\n" * 50, encoding="utf-8", newline="")
    blocks = [
        block for chunk in plan_chunks(path, 3000) for block in parse_range(path, chunk, table)
    ]
    assert len(blocks) > 1
    assert not any(rejects for _, rejects in blocks)
    assert [n for rows, _ in blocks for n in rows.lines] == list(range(1, 101, 2))
    carried = {
        name: json.dumps(value, separators=(",", ":") if compact else None)
        if isinstance(value, dict)
        else str(value)
        if isinstance(value, float)
        else value
        for name, value in row.items()
    }
    for rows, _ in blocks:
        for column, values in zip(table.columns, rows.columns, strict=True):
            assert set(values) == {carried[column.name]}
    content = path.read_bytes()
    for rows, _ in blocks:
        for offset in rows.byte_offsets:
            assert content[offset:].startswith(line.encode())
