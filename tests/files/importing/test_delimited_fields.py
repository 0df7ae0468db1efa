"""Records taken apart, many at once or one by one."""

import pytest
from imported_files import csv_plan

from headrace_server.files.importing.delimited_fields import Field, FieldSplitter
from headrace_server.files.object_reader import RowFault
from headrace_server.model.rows import RejectReason


def split_all(raws: list[bytes], **changes: object) -> tuple[list[int], list[list[str]]]:
    splitter = FieldSplitter(csv_plan("TEXT", "TEXT", **changes))
    places, fields = splitter.split_all(raws, splitter.records_of(raws))
    return list(places), [list(each) for each in fields]


def test_blank_lines_and_comments_are_no_records() -> None:
    raws = [b"a,b", b"", b"  ", b"#c,d", b" ,", b"#", b"e"]
    assert FieldSplitter(csv_plan("TEXT", "TEXT", comment="#")).records_of(raws) == [0, 4, 6]
    tabs = csv_plan("TEXT", "TEXT", delimiter="\t")
    assert FieldSplitter(tabs).records_of([b"\t", b" ", b"x"]) == [0, 2]


@pytest.mark.parametrize("lead", [b"", b'"x",y'])
def test_regular_records_are_split_at_once_and_the_others_left_out(lead: bytes) -> None:
    raws = [lead or b"x,y", b"a,b", b"c", b"d,e,f", b"\xff,g", b"h,\x1e", b"i,j\nk", b"l,"]
    places, fields = split_all(raws)
    assert places == [0, 1, 7]
    assert fields == [[lead.decode()[:3] or "x", "a", "l"], ["y", "b", ""]]


@pytest.mark.parametrize(
    ("raws", "places"),
    [
        ([b'"a",b', b'"c",d'], [0, 1]),
        ([b'"a",b', b"c,d"], [0, 1]),
        ([b'"a",b', b'"c" ,d'], [0]),
        ([b'"a" ,b'], []),
        ([b'",b', b'""",d'], []),
        ([b'""",b', b'",d'], []),
        ([b'"a,b"', b'"c,d"'], []),
        ([b'"a,",b', b'c,"d"'], [0, 1]),
        ([b'"a""",b', b'"",d'], [0, 1]),
    ],
)
def test_quotes_that_are_not_around_whole_fields_are_seen(
    raws: list[bytes], places: list[int]
) -> None:
    assert split_all(raws)[0] == places


def test_of_no_regular_record_every_column_is_empty() -> None:
    assert split_all([]) == split_all([b"a"]) == split_all([b'"a']) == ([], [[], []])
    assert split_all([b"\xff"]) == ([], [[], []])


def test_marks_that_part_records_within_us_are_split_one_by_one() -> None:
    assert split_all([b"a\x1eb"], delimiter="\x1e") == ([], [[], []])
    splitter = FieldSplitter(csv_plan("TEXT", "TEXT", delimiter="\x1e"))
    assert splitter.split(b"a\x1eb") == [Field("a", quoted=False), Field("b", quoted=False)]


def test_one_record_is_split_with_what_its_quotes_said() -> None:
    splitter = FieldSplitter(csv_plan("TEXT", "TEXT"))
    assert splitter.split(b'"",') == [Field("", quoted=True), Field("", quoted=False)]
    assert splitter.split(b' "a""b" ,5" ') == [
        Field('a"b', quoted=True),
        Field('5" ', quoted=False),
    ]
    assert splitter.split(b"a,b, ,") == [Field("a", quoted=False), Field("b", quoted=False)]


def test_without_a_quote_every_field_is_plain() -> None:
    splitter = FieldSplitter(csv_plan("TEXT", "TEXT", quote=None))
    assert splitter.split(b'"a",b') == [Field('"a"', quoted=False), Field("b", quoted=False)]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"a", RejectReason.WRONG_FIELD_COUNT),
        (b"a,b,c", RejectReason.WRONG_FIELD_COUNT),
        (b"a\n,b", RejectReason.WRONG_FIELD_COUNT),
        (b"a,\xc3", RejectReason.INVALID_UTF8),
    ],
)
def test_a_record_that_cannot_be_split_is_at_fault_as_a_whole(
    raw: bytes, reason: RejectReason
) -> None:
    with pytest.raises(RowFault) as fault:
        FieldSplitter(csv_plan("TEXT", "TEXT")).split(raw)
    assert (fault.value.column, fault.value.reason) == (None, reason)
