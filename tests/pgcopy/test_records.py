"""Records taken from streams, and written as COPY reads them."""

import struct
from collections.abc import Iterator
from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import headrace_pgcopy
from headrace_pgcopy import (
    Field,
    Kind,
    OtherFormError,
    RecordForm,
    Taken,
    copy_data,
    records,
    take_records,
)

TEXTS = RecordForm((Field(Kind.TEXT), Field(Kind.TEXT)))
NUMBERS = RecordForm((Field(Kind.INT8),))
_HEADER_BYTES = 19


def test_the_native_code_was_built() -> None:
    assert headrace_pgcopy.IS_BUILT


def taken(form: RecordForm, data: bytes, wanted: int = 1 << 30) -> Taken | None:
    return take_records(form, BytesIO(data).readinto, wanted)


def rows_of(form: RecordForm, data: bytes) -> list[tuple[bytes | None, ...]]:
    """The values of each row, as their types' receive functions get them."""
    copied = b"".join(map(bytes, copy_data(form, BytesIO(data).readinto)))
    at, rows = _HEADER_BYTES, []
    while (width := struct.unpack_from(">h", copied, at)[0]) >= 0:
        at += 2
        row: list[bytes | None] = []
        for _ in range(width):
            (size,) = struct.unpack_from(">i", copied, at)
            at += 4
            row.append(None if size < 0 else copied[at : at + size])
            at += max(size, 0)
        rows.append(tuple(row))
    assert at + 2 == len(copied)
    return rows


def test_nothing_is_no_record() -> None:
    assert taken(TEXTS, b"") == Taken(0, 0, 0)
    assert rows_of(TEXTS, b"\n\r\n") == []


def test_records_lines_and_bytes_are_counted() -> None:
    data = b'a,"b\r\nc\rd"\n\ne,f'
    assert taken(TEXTS, data) == Taken(2, 5, len(data))


def test_records_are_taken_until_they_have_as_many_bytes_as_are_wanted() -> None:
    data = b"a,b\n" * 5
    assert [taken(TEXTS, data, n) for n in (1, 4, 5)] == [
        Taken(1, 1, 4),
        Taken(1, 1, 4),
        Taken(2, 2, 8),
    ]


def test_a_line_that_ends_within_quotes_ends_no_record() -> None:
    data = b'a,"b\nc"\nd,e\nf,g'
    assert [taken(TEXTS, data, n) for n in (3, 8, 9, 13)] == [
        Taken(1, 2, 8),
        Taken(1, 2, 8),
        Taken(2, 3, 12),
        Taken(3, 4, 15),
    ]


@pytest.mark.parametrize("data", [b'a,"b', b'a,"b\n', b"a", b'a,"b"c\n', b"a,b\rc"])
def test_records_that_do_not_end_well_are_refused(data: bytes) -> None:
    assert taken(TEXTS, data) is None
    with pytest.raises(OtherFormError):
        rows_of(TEXTS, data)


def test_records_longer_than_windows_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_WINDOW_BYTES", 8)
    long = b"x" * 10_000
    data = b'a,b\n"' + long + b'","\n"\n\n' + long + b",c"
    assert rows_of(TEXTS, data) == [(b"a", b"b"), (long, b"\n"), (long, b"c")]
    assert taken(TEXTS, data) == Taken(3, 5, len(data))
    assert all(copy_data(TEXTS, BytesIO(data).readinto))


def test_a_piece_lasts_while_the_next_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_WINDOW_BYTES", 8)
    _, *pieces, _ = map(bytes, copy_data(NUMBERS, BytesIO(b"1\n2\n" * 9).readinto))
    made = copy_data(NUMBERS, BytesIO(b"1\n2\n" * 9).readinto)
    next(made)
    before = next(made)
    for piece, following in zip(pieces, made, strict=False):
        assert before == piece
        before = following


def test_what_was_read_is_told_at_the_end() -> None:
    data = b'a,"b\nc"\n\nd,e'
    told: list[Taken] = []

    def read() -> Iterator[bytes | memoryview]:
        told.append((yield from copy_data(TEXTS, BytesIO(data).readinto)))

    assert all(read())
    assert told == [taken(TEXTS, data)] == [Taken(2, 4, len(data))]


def test_records_longer_than_they_may_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_WINDOW_BYTES", 8)
    form = RecordForm(TEXTS.fields, longest=100)
    assert taken(form, b"a," + b"x" * 97 + b"\n") is not None
    assert taken(form, b"a," + b"x" * 98 + b"\n") is None
    assert taken(form, b'a,"' + b"x\n" * 9_000) is None


@given(st.lists(st.integers(-(10**18) + 1, 10**18 - 1), max_size=60))
@example([0] * 50)
def test_whole_numbers_are_their_bytes(numbers: list[int]) -> None:
    data = b"".join(b"%d\n" % number for number in numbers)
    expected = [(number.to_bytes(8, "big", signed=True),) for number in numbers]
    assert rows_of(NUMBERS, data) == expected


@given(st.decimals(-(10**7), 10**7, places=7))
def test_numbers_of_floating_point_are_read_as_python_reads_them(number: object) -> None:
    form = RecordForm((Field(Kind.FLOAT8),))
    assert rows_of(form, f"{number:f}\n".encode()) == [(struct.pack(">d", float(f"{number:f}")),)]


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
            st.text(st.sampled_from('"a\n\r,é')),
        ),
        max_size=20,
    ),
    st.integers(1, 40),
)
def test_quoted_texts_are_their_bytes(texts: list[tuple[str, str]], window: int) -> None:
    data = "".join(
        ",".join('"' + text.replace('"', '""') + '"' for text in row) + "\n" for row in texts
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_WINDOW_BYTES", window)
        found = rows_of(TEXTS, data.encode())
        counted = taken(TEXTS, data.encode())
    assert found == [tuple(text.encode() for text in row) for row in texts]
    assert counted is not None
    assert (counted.rows, counted.bytes) == (len(texts), len(data.encode()))


@given(st.lists(st.sampled_from([kind.value for kind in Kind]), min_size=1), st.binary())
def test_any_bytes_are_rows_or_refused(kinds: list[int], data: bytes) -> None:
    form = RecordForm(tuple(Field(Kind(kind), 5, 5) for kind in kinds))
    counted = taken(form, data)
    if counted is None:
        with pytest.raises(OtherFormError):
            rows_of(form, data)
    else:
        assert len(rows_of(form, data)) == counted.rows
