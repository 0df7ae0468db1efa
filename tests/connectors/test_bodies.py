import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.connectors.bodies import BodyError, BoundedBody


def fed(data: bytes, encoding: str, max_bytes: int, step: int = 1000) -> bytes:
    body = BoundedBody(encoding, max_bytes)
    for start in range(0, len(data), step):
        body.add(data[start : start + step])
    return body.whole()


@given(st.binary(max_size=300), st.integers(1, 50), st.sampled_from(["", "identity"]))
def test_a_body_within_the_limit_is_whole(data: bytes, step: int, encoding: str) -> None:
    assert fed(data, encoding, len(data), step) == data
    assert fed(gzip.compress(data), "gzip", len(data), step) == data


@given(st.binary(min_size=1, max_size=300), st.integers(1, 50))
def test_a_byte_more_is_refused(data: bytes, step: int) -> None:
    for encoding, sent in (("", data), ("GZIP", gzip.compress(data))):
        with pytest.raises(BodyError, match=f"more than {len(data) - 1} bytes"):
            fed(sent, encoding, len(data) - 1, step)


def test_a_bomb_is_not_inflated() -> None:
    bomb = gzip.compress(bytes(200 << 20), 1)
    body = BoundedBody("gzip", 1000)
    with pytest.raises(BodyError, match="more than 1000 bytes"):
        body.add(bomb)
    assert len(body._data) == 1001


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{}", "what is no gzip"),
        (gzip.compress(b"{}" * 100, mtime=0)[:-9], "cut off"),
        (gzip.compress(b"{}", mtime=0) * 2, "more than one gzip"),
        (zlib.compress(b"{}"), "what is no gzip"),
    ],
)
def test_what_is_no_whole_gzip_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(BodyError, match=words):
        fed(data, "gzip", 1000)


@pytest.mark.parametrize("encoding", ["zstd", "br", "deflate", "gzip, gzip"])
def test_what_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(BodyError, match="not asked for"):
        BoundedBody(encoding, 10)
