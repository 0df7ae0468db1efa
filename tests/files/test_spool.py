import errno
from pathlib import Path
from unittest.mock import Mock

import pytest

from headrace_server.files.disk import sha256_of
from headrace_server.files.spool import Spool, put_in_place


def written(spool: Spool, writer: int, data: bytes, *, more: bytes = b"") -> int:
    segment = spool.segment("u", writer)
    segment.write(data)
    length = segment.sync()
    segment.write(more)
    segment.close()
    return length


def test_one_segment_becomes_the_upload(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    length = written(spool, 1, b"abc")
    assert spool.assemble("u", [(1, length)]).read_bytes() == b"abc"


def test_bytes_that_were_not_acknowledged_do_not_count(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    first = written(spool, 1, b"abc", more=b"lost")
    second = written(spool, 2, b"def")
    assert spool.assemble("u", [(1, first)]).read_bytes() == b"abc"
    assert spool.assemble("u", [(1, first), (2, second)]).read_bytes() == b"abcdef"
    put_in_place(spool.assemble("u", [(1, first), (2, second)]))
    spool.drop_segments("u", newest=1)
    assert sorted(path.name for path in spool.data("u").parent.glob("*.part")) == ["2.part"]
    spool.drop_segments("u", newest=2)
    assert not list(spool.data("u").parent.glob("*.part"))
    assert spool.data("u").read_bytes() == b"abcdef"


@pytest.mark.parametrize("late", [b"late", b"x" * 5_000_000])
def test_live_writer_never_reaches_what_was_put_together(tmp_path: Path, late: bytes) -> None:
    spool = Spool(tmp_path)
    segment = spool.segment("u", 1)
    segment.write(b"abc")
    aside = spool.assemble("u", [(1, segment.sync())])
    segment.write(late)
    put_in_place(aside)
    segment.write(late)
    segment.close()
    assert spool.data("u").read_bytes() == b"abc"


def test_closed_segment_is_taken_as_it_is(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    length = written(spool, 1, b"abc")
    aside = spool.assemble("u", [(1, length)])
    assert aside.samefile(tmp_path / "uploads" / "u" / "1.part")


def test_what_cannot_be_put_together_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    length = written(spool, 1, b"abc")
    with pytest.raises(FileNotFoundError):
        spool.assemble("u", [(1, length), (2, 1)])
    assert [path.name for path in (tmp_path / "uploads" / "u").iterdir()] == ["1.part"]


def test_no_segment_makes_an_empty_upload(tmp_path: Path) -> None:
    assert Spool(tmp_path).assemble("u", []).read_bytes() == b""


def test_segment_shorter_than_acknowledged_is_an_error(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    length = written(spool, 1, b"abc")
    with pytest.raises(OSError, match="ends at 3, 9 bytes"):
        spool.assemble("u", [(1, length + 6)])


def test_segment_is_never_opened_twice(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    written(spool, 1, b"abc")
    with pytest.raises(FileExistsError):
        spool.segment("u", 1)


def test_digest_of_a_segment_is_that_of_its_file(tmp_path: Path) -> None:
    segment = Spool(tmp_path).segment("u", 1, digest=True)
    segment.write(b"abc")
    segment.write(b"def")
    segment.close()
    assert segment.sha256 == sha256_of(tmp_path / "uploads" / "u" / "1.part")
    undigested = Spool(tmp_path).segment("u", 2)
    undigested.close()
    assert undigested.sha256 is None


def test_what_is_dropped_is_gone(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    written(spool, 1, b"abc")
    spool.load_folder("r")
    replay = spool.replay_writer("r")
    replay.write([(0, b"line\n")])
    replay.put_in_place(1)
    replay.close()
    assert spool.replay_file("r", 1, 0).read_bytes() == b"line\n"
    for _ in range(2):
        spool.drop_upload("u")
        spool.drop_load("r")
        spool.drop_all_replays("r")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_bytes_that_the_kernel_lost_are_never_said_to_be_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = Spool(tmp_path).segment("u", 1)
    segment.write(b"abc")
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", Mock(side_effect=OSError(errno.EIO, "Input/output error")))
        with pytest.raises(OSError, match="Input/output error"):
            segment.sync()
    with pytest.raises(OSError, match="Input/output error"):
        segment.sync()
    segment.close()


def test_staging_of_earlier_attempts_is_dropped(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for attempt in (1, 2, 10):
        (spool.staging_folder("i", attempt) / "rows").write_bytes(b"x")
    (spool.load_folder("i") / "0.plain").write_bytes(b"y")
    spool.drop_staging("i", before=10)
    assert sorted(path.name for path in spool.load_folder("i").iterdir()) == [
        "0.plain",
        "attempt-10",
    ]


def test_replays_that_are_over_are_dropped_and_newer_ones_stay(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in (1, 2, 10):
        replay = spool.replay_writer("r")
        replay.write([(0, b"line\n")])
        replay.put_in_place(number)
        replay.close()
    spool.drop_replays("r", newest=2)
    assert [path.name for path in (tmp_path / "replays" / "r").iterdir()] == ["10-0.ndjson"]
