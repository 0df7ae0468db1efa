"""Delimited text cut after whole records."""

from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from imported_files import csv_plan

from headrace_server.files.chunks import ChunkRange
from headrace_server.files.importing.plan import FilePlan
from headrace_server.files.importing.records import plan_records, read_blocks
from headrace_server.files.records import LineBlock
from headrace_server.files.sniffing.findings import Dialect
from headrace_server.files.sniffing.records import records as sniffed_records
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.rows import RejectedLine, RejectReason

PLAN = csv_plan("TEXT", "TEXT")
#: texts of what parts records and fields, and what does not
PIECES = st.sampled_from([",", '"', '""', "\n", "\r\n", "\r", " ", "a", "ü", "\\", "#", ',"', '",'])
TEXTS = st.lists(PIECES, max_size=40).map("".join)
in_one_folder = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    return path


def blocks(path: Path, plan: FilePlan, target: int, most: int = 1 << 20) -> list[LineBlock]:
    return [
        block
        for chunk in plan_records(path, plan, target, most)
        for block in read_blocks(path, chunk, plan, most)
    ]


def raws(path: Path, plan: FilePlan, target: int, most: int = 1 << 20) -> list[tuple[int, bytes]]:
    return [
        pair
        for block in blocks(path, plan, target, most)
        for pair in zip(block.lines, block.raws, strict=True)
    ]


def rejects(path: Path, most: int, target: int = 1 << 20) -> list[RejectedLine]:
    return [each for block in blocks(path, PLAN, target, most) for each in block.rejects]


@pytest.mark.parametrize(
    ("data", "records"),
    [
        (b"1,a\n2,b\n", [(1, b"1,a"), (2, b"2,b")]),
        (b"1,a\r\n2,b", [(1, b"1,a"), (2, b"2,b")]),
        (b"1,a\r2,b\r", [(1, b"1,a"), (2, b"2,b")]),
        (b"1,a\n\n2,b\n", [(1, b"1,a"), (2, b""), (3, b"2,b")]),
        (b'1,"a\nb"\n2,c\n', [(1, b'1,"a\nb"'), (3, b"2,c")]),
        (b'1,"a\nb"\n2,c', [(1, b'1,"a\nb"'), (3, b"2,c")]),
        (b'1,"a\r\nb"\r\n2,c\r\n', [(1, b'1,"a\r\nb"'), (3, b"2,c")]),
        (b'1,"a\rb"\r\n2,c\r\n', [(1, b'1,"a\rb"'), (3, b"2,c")]),
        (b'1,"a""\n"""\n2,c\n', [(1, b'1,"a""\n"""'), (3, b"2,c")]),
        (b'1, "a\nb" \n2,c\n', [(1, b'1, "a\nb" '), (3, b"2,c")]),
        # A stray quote spoils its own field only.
        (b'1,5"\n2,c\n', [(1, b'1,5"'), (2, b"2,c")]),
        (b'1,"a\n2,b\n3,c\n', [(1, b'1,"a'), (2, b"2,b"), (3, b"3,c")]),
        (b'1,"a" x\n2,"b"\n', [(1, b'1,"a" x'), (2, b'2,"b"')]),
        (b'"', [(1, b'"')]),
    ],
)
def test_records_end_with_lines_unless_quotes_hold_these(
    tmp_path: Path, data: bytes, records: list[tuple[int, bytes]]
) -> None:
    path = written(tmp_path, data)
    for target in (1, 5, 1 << 20):
        assert raws(path, PLAN, target) == records


@in_one_folder
@given(TEXTS, st.integers(1, 30))
@example('a,"\n', 1)
@example('"\n",\r\n', 2)
@example('""\r\r\n"\r', 1)
def test_ranges_cover_the_data_and_hold_the_same_records_whatever_the_target(
    tmp_path: Path, text: str, target: int
) -> None:
    path = written(tmp_path, text.encode())
    chunks = list(plan_records(path, PLAN, target))
    end, line = 0, 1
    for number, chunk in enumerate(chunks):
        assert (chunk.chunk, chunk.byte_offset, chunk.first_line) == (number, end, line)
        assert chunk.byte_length >= min(target, len(text.encode()) - end)
        data = path.read_bytes()[end : end + chunk.byte_length]
        end += chunk.byte_length
        line += data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
    assert end == len(text.encode())
    assert raws(path, PLAN, target) == raws(path, PLAN, 1 << 20)


@in_one_folder
@given(TEXTS, st.sampled_from([None, "\\", '"']), st.sampled_from(['"', None]), st.integers(1, 30))
def test_records_are_those_that_the_sample_was_understood_by(
    tmp_path: Path, text: str, escape: str | None, quote: str | None, target: int
) -> None:
    path = written(tmp_path, text.encode())
    plan = csv_plan("TEXT", "TEXT", quote=quote, escape=escape)
    understood = sniffed_records(text, Dialect(",", quote, escape))
    lines = [line for line, _ in raws(path, plan, target)]
    assert lines == [record.first_line + 1 for record in understood]


@in_one_folder
@given(TEXTS, st.integers(1, 12), st.integers(1, 30))
def test_every_byte_is_of_a_record_or_of_one_that_is_too_long(
    tmp_path: Path, text: str, most: int, target: int
) -> None:
    path = written(tmp_path, text.encode())
    found = blocks(path, PLAN, target, most)
    offsets = [offset for block in found for offset in block.byte_offsets]
    offsets += [each.byte_offset for block in found for each in block.rejects]
    assert len(set(offsets)) == len(offsets)
    assert not text or 0 in offsets
    assert all(len(raw) <= most for block in found for raw in block.raws)


def test_what_stands_before_the_data_belongs_to_no_chunk(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffPrices\r\n\r\nä,b\r\n1,2\r\n3,4\r\n".encode())
    plan = csv_plan("TEXT", "TEXT", first_line=4)
    assert list(plan_records(path, plan, 1)) == [
        ChunkRange(0, 19, 5, 4),
        ChunkRange(1, 24, 5, 5),
    ]
    assert list(plan_records(path, csv_plan("TEXT", first_line=9), 1)) == []


def test_a_long_preamble_is_passed_block_by_block(tmp_path: Path) -> None:
    note = b"x" * ((1 << 20) - 1) + b"\r\n"
    path = written(tmp_path, note + note + b"a,b\r\n1,2\r\n")
    (chunk,) = plan_records(path, csv_plan("TEXT", "TEXT", first_line=4), 1 << 20)
    assert (chunk.byte_offset, chunk.byte_length) == (path.stat().st_size - 5, 5)


def test_a_byte_order_mark_is_no_part_of_the_first_record(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbf1,a\n")
    assert raws(path, PLAN, 1) == [(1, b"1,a")]


def test_quotes_in_comments_mean_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, b'#"\n1,"a\n#b"\n#c\n2,d\n')
    plan = csv_plan("TEXT", "TEXT", comment="#")
    records = [(1, b'#"'), (2, b'1,"a\n#b"'), (4, b"#c"), (5, b"2,d")]
    assert raws(path, plan, 1) == raws(path, plan, 1 << 20) == records


def test_records_of_one_field_and_of_wide_delimiters_are_cut_too(tmp_path: Path) -> None:
    path = written(tmp_path, b'"a\nb"\nc,d\n')
    assert [raw for _, raw in raws(path, csv_plan("TEXT", delimiter=None), 1)] == [
        b'"a\nb"',
        b"c,d",
    ]
    path = written(tmp_path, '1¦"a\n"\n2¦b\n'.encode())
    wide = csv_plan("TEXT", "TEXT", delimiter="¦")
    assert [raw.decode() for _, raw in raws(path, wide, 1)] == ['1¦"a\n"', "2¦b"]


def test_lines_of_objects_are_cut_as_lines(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"a":1}\n{"a":2}\n')
    plan = FilePlan("ndjson", PLAN.compression, PLAN.columns)
    assert [chunk.byte_length for chunk in plan_records(path, plan, 1)] == [8, 8]


def test_a_record_beyond_the_limit_is_a_reject_and_those_after_it_are_read(tmp_path: Path) -> None:
    long = b'1,"' + b"x" * 200_000 + b'"'
    path = written(tmp_path, b"0,a\n" + long + b"\n2,b\n")
    for target in (1, 1 << 20):
        (reject,) = rejects(path, 100_000, target)
        assert (reject.line, reject.byte_offset, reject.column) == (2, 4, None)
        assert reject.reason is RejectReason.LINE_TOO_LONG
        assert reject.message == "the record is 200005 bytes long; at most 100000 are taken"
        assert reject.raw_truncated
        assert reject.raw == long[: 64 << 10].decode()
        assert raws(path, PLAN, target, 100_000) == [(1, b"0,a"), (3, b"2,b")]


def test_a_quote_that_never_ends_is_given_up_at_the_limit(tmp_path: Path) -> None:
    path = written(tmp_path, b'0,"a\n' + b"1,b\n" * 50_000)
    found = raws(path, PLAN, 1 << 20, 1000)
    assert len(found) == 50_001
    assert found[:2] == [(1, b'0,"a'), (2, b"1,b")]


def test_ranges_of_a_target_below_a_byte_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, b"1,a\n")
    with pytest.raises(ValueError, match="at least 1, not 0"):
        list(plan_records(path, PLAN, 0))


def test_no_file_is_held_open_between_ranges(tmp_path: Path) -> None:
    path = written(tmp_path, b"1,a\n2,b\n")
    ranges = plan_records(path, PLAN, 1)
    assert next(ranges).byte_offset == 0
    assert str(path) not in {file.path for file in psutil.Process().open_files()}
    assert next(ranges).byte_offset == 4


def test_a_file_that_ends_before_its_range_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, b"1,a\n2")
    with pytest.raises(StorageUnavailableError, match="ends at byte 5, before its chunk does"):
        list(read_blocks(path, ChunkRange(0, 0, 8, 1), PLAN))
