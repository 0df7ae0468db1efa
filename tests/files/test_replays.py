from pathlib import Path

from headrace_server.files.chunks import ChunkRange
from headrace_server.files.replays import ReplayWriter, read_replay, replay_line


def test_replay_comes_back_as_it_was_written(tmp_path: Path) -> None:
    writer = ReplayWriter(tmp_path / "r")
    lines = [(0, replay_line("a", 1, 0, "line\nfeed")), (2, replay_line("b", 7, 99, "é"))]
    writer.write(lines[:1])
    writer.write(lines[1:])
    writer.sync()
    assert not list(tmp_path.rglob("*.ndjson"))
    writer.put_in_place(3)
    writer.close()
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == [
        "3-0.ndjson",
        "3-2.ndjson",
    ]
    path = tmp_path / "r" / "3-2.ndjson"
    (found,) = read_replay(path, ChunkRange(0, 0, path.stat().st_size, 1))
    assert (found.reject_id, found.line, found.byte_offset, found.raw) == ("b", 7, 99, "é")


def test_replay_that_was_not_put_in_place_is_gone(tmp_path: Path) -> None:
    writer = ReplayWriter(tmp_path / "r")
    writer.write([(0, b"x"), (1, b"y")])
    writer.close()
    assert list((tmp_path / "r").iterdir()) == []


def test_replay_of_nothing_touches_nothing(tmp_path: Path) -> None:
    writer = ReplayWriter(tmp_path / "r")
    writer.write([])
    writer.sync()
    writer.put_in_place(1)
    writer.close()
    assert not (tmp_path / "r").exists()
