from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace_server.files.chunks import ChunkRange, plan_chunks


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    content=st.lists(st.sampled_from([b"\n", b"\r\n", b"a", b"bc" * 40]), max_size=60).map(
        b"".join
    ),
    target=st.integers(1, 300),
)
def test_ranges_partition_the_file_at_line_ends(
    tmp_path: Path, content: bytes, target: int
) -> None:
    path = tmp_path / "rows.ndjson"
    path.write_bytes(content)
    ranges = list(plan_chunks(path, target))
    parts = [content[part.byte_offset :][: part.byte_length] for part in ranges]
    assert b"".join(parts) == content
    assert [part.chunk for part in ranges] == list(range(len(ranges)))
    for number, part in enumerate(ranges):
        assert part.first_line == 1 + content[: part.byte_offset].count(b"\n")
        if number < len(ranges) - 1:
            assert parts[number].endswith(b"\n")
            assert part.byte_length >= target
        # No line more than needed to reach the target.
        assert parts[number][: target - 1].count(b"\n") >= parts[number].count(b"\n") - 1


def test_a_line_of_many_blocks_is_one_chunk(tmp_path: Path) -> None:
    path = tmp_path / "rows.ndjson"
    path.write_bytes(b"{}\n" + b"x" * 5_000_000 + b"\n{}\n")
    assert list(plan_chunks(path, 4)) == [
        ChunkRange(0, 0, 5_000_004, 1),
        ChunkRange(1, 5_000_004, 3, 3),
    ]


def test_an_empty_file_has_no_chunk(tmp_path: Path) -> None:
    path = tmp_path / "rows.ndjson"
    path.touch()
    assert list(plan_chunks(path, 10)) == []


def test_a_target_below_one_byte_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        next(plan_chunks(tmp_path / "rows.ndjson", 0))


def test_the_first_chunks_are_smaller(tmp_path: Path) -> None:
    path = tmp_path / "rows.ndjson"
    path.write_bytes((b"x" * ((1 << 20) - 1) + b"\n") * 40)
    lengths = [chunk.byte_length >> 20 for chunk in plan_chunks(path, 16 << 20)]
    assert lengths == [4, 8, 16, 12]


def test_no_file_is_held_open_between_chunks(tmp_path: Path) -> None:
    path = tmp_path / "rows.ndjson"
    path.write_bytes(b"{}\n{}\n")
    ranges = plan_chunks(path, 1)
    assert next(ranges).byte_offset == 0
    assert str(path) not in {file.path for file in psutil.Process().open_files()}
    assert next(ranges).byte_offset == 3
