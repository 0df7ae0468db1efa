import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace_server.files.chunks import ChunkRange, plan_chunks
from headrace_server.files.records import read_records
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.rows import RejectedLine, RejectReason


def _read(
    path: Path, chunk: ChunkRange, max_line_bytes: int = 1 << 24
) -> tuple[list[tuple[int, int, bytes]], list[RejectedLine]]:
    blocks = list(read_records(path, chunk, max_line_bytes))
    return (
        [row for b in blocks for row in zip(b.lines, b.byte_offsets, b.raws, strict=True)],
        [reject for block in blocks for reject in block.rejects],
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    lines=st.lists(st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"")), max_size=20),
    ended=st.booleans(),
    target=st.integers(1, 200),
    limit=st.integers(1, 50),
)
def test_every_line_comes_once_with_its_number_and_offset(
    tmp_path: Path, lines: list[bytes], ended: bool, target: int, limit: int
) -> None:
    content = b"\n".join(lines) + (b"\n" if ended and lines else b"")
    path = tmp_path / "rows"
    path.write_bytes(content)
    parts = [_read(path, chunk, limit) for chunk in plan_chunks(path, target)]
    records = [record for part, _ in parts for record in part]
    rejects = [reject for _, part in parts for reject in part]
    bom = content.startswith(b"\xef\xbb\xbf")
    if bom:
        lines[0] = lines[0][3:]
    if not ended and lines and not lines[-1]:
        lines.pop()
    assert sorted([line for line, *_ in records] + [reject.line for reject in rejects]) == list(
        range(1, len(lines) + 1)
    )
    for number, offset, raw in records:
        assert raw == lines[number - 1]
        assert len(raw) <= limit
        assert content[offset:].startswith(raw)
        assert offset == (3 if bom else 0) + sum(len(line) + 1 for line in lines[: number - 1])
    for reject in rejects:
        assert len(lines[reject.line - 1]) > limit
        assert str(len(lines[reject.line - 1])) in reject.message


def test_a_line_too_long_is_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    with path.open("wb") as file:
        file.write(b'{"a":1}\n{"a":"')
        for _ in range(40):
            file.write("é".encode() * (1 << 19))
        file.write(b'"}\n{"a":2}\n')
    chunk = ChunkRange(0, 0, path.stat().st_size, 1)
    tracemalloc.start()
    records, (reject,) = _read(path, chunk, 1 << 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20
    assert [(line, raw) for line, _, raw in records] == [(1, b'{"a":1}'), (3, b'{"a":2}')]
    assert (reject.line, reject.byte_offset) == (2, 8)
    assert (reject.reason, reject.column) == (RejectReason.LINE_TOO_LONG, None)
    assert reject.raw_truncated
    assert reject.raw.startswith('{"a":"éé')
    assert 65_500 < len(reject.raw.encode()) <= 65_536
    assert set(reject.raw[6:]) == {"é"}


def test_a_long_line_within_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"a\n" + b"x" * 5_000_000)
    (chunk,) = plan_chunks(path, 1 << 30)
    records, rejects = _read(path, chunk)
    assert [(line, offset, len(raw)) for line, offset, raw in records] == [
        (1, 0, 1),
        (2, 2, 5_000_000),
    ]
    assert rejects == []


def test_blocks_of_short_lines_hold_8192_at_most(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"{}\n" * 20_000)
    (chunk,) = plan_chunks(path, 1 << 30)
    blocks = list(read_records(path, chunk))
    assert [len(block.raws) for block in blocks] == [8192, 8192, 3616]
    assert blocks[2].lines[-1] == 20_000


def test_only_the_file_s_first_bytes_are_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n")
    first, second = plan_chunks(path, 1)
    assert _read(path, first) == ([(1, 3, b"a")], [])
    assert _read(path, second) == ([(2, 5, b"\xef\xbb\xbfb")], [])


def test_a_file_of_a_byte_order_mark_alone_has_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"\xef\xbb\xbf")
    (chunk,) = plan_chunks(path, 100)
    assert _read(path, chunk) == ([], [])


def test_a_file_that_shrank_is_an_error_not_an_end(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"{}\n{}\n")
    with pytest.raises(StorageUnavailableError, match="ends at byte 6"):
        list(read_records(path, ChunkRange(0, 0, 9, 1)))
