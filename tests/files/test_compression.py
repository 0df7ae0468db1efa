import gzip
import os
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace_server.files.compression import inflate
from headrace_server.model.errors import TooLargeError, UnsupportedFormatError

NOISE = os.urandom(300_000)


def _inflate(
    folder: Path, packed: bytes, *, max_ratio: int = 100, max_bytes: int = 1 << 30
) -> bytes:
    source, target = folder / "packed", folder / "plain"
    source.write_bytes(packed)
    length = inflate(source, target, max_ratio=max_ratio, max_bytes=max_bytes)
    plain = target.read_bytes()
    assert length == len(plain)
    return plain


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(parts=st.lists(st.binary(max_size=9000), min_size=1, max_size=4), use_gzip=st.booleans())
def test_members_and_frames_are_joined(tmp_path: Path, parts: list[bytes], use_gzip: bool) -> None:
    pack = gzip.compress if use_gzip else zstandard.compress
    assert _inflate(tmp_path, b"".join(map(pack, parts))) == b"".join(parts)


def test_frames_without_a_declared_size_inflate(tmp_path: Path) -> None:
    stream = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    packed = stream.compress(NOISE) + stream.flush()
    assert _inflate(tmp_path, packed) == NOISE


def test_zeros_after_a_gzip_stream_are_padding(tmp_path: Path) -> None:
    assert _inflate(tmp_path, gzip.compress(b"a\n") + bytes(5000)) == b"a\n"


def test_a_plain_file_is_copied(tmp_path: Path) -> None:
    assert _inflate(tmp_path, b'{"a": 1}\n') == b'{"a": 1}\n'


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_small_files_may_be_as_repetitive_as_they_like(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    assert len(_inflate(tmp_path, pack(bytes(10 << 20)), max_ratio=2)) == 10 << 20


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("limits", [{"max_ratio": 100}, {"max_bytes": 1000}])
def test_a_bomb_is_stopped_and_leaves_nothing(
    tmp_path: Path, pack: object, limits: dict[str, int]
) -> None:
    assert callable(pack)
    with pytest.raises(TooLargeError) as caught:
        _inflate(tmp_path, pack(bytes(40 << 20)), **limits)
    assert int(caught.value.metadata["limit"]) <= 16 << 20
    assert [path.name for path in tmp_path.iterdir()] == ["packed"]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("cut", [5, 20_000, -1, -5])
def test_a_stream_cut_short_names_the_byte(tmp_path: Path, pack: object, cut: int) -> None:
    assert callable(pack)
    packed = pack(b"first") + pack(NOISE)[:cut]
    with pytest.raises(UnsupportedFormatError, match="ends before") as caught:
        _inflate(tmp_path, packed)
    assert caught.value.metadata["position"] == str(len(packed))
    assert [path.name for path in tmp_path.iterdir()] == ["packed"]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_garbage_after_a_stream_is_refused_where_it_begins(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    packed = pack(b"first")
    with pytest.raises(UnsupportedFormatError) as caught:
        _inflate(tmp_path, packed + b"garbage follows the stream")
    assert caught.value.metadata["position"] == str(len(packed))


def test_a_damaged_stream_is_refused_near_the_damage(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(NOISE))
    packed[-6] ^= 0xFF  # in the checksum
    with pytest.raises(UnsupportedFormatError) as caught:
        _inflate(tmp_path, bytes(packed))
    assert len(packed) - 4096 < int(caught.value.metadata["position"]) <= len(packed)
