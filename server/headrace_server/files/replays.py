"""Rejects on their way back: each with its first place in the file it came from."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from headrace_server.files.chunks import ChunkRange


class ReplayedReject(msgspec.Struct, array_like=True, frozen=True):
    """One line of a replay."""

    reject_id: str
    line: int
    byte_offset: int
    raw: str


_decoder = msgspec.json.Decoder(ReplayedReject)


def replay_line(reject_id: str, line: int, byte_offset: int, raw: str) -> bytes:
    """Return one line of a replay, with its line feed."""
    return msgspec.json.encode(ReplayedReject(reject_id, line, byte_offset, raw)) + b"\n"


def read_replay(path: Path, chunk: ChunkRange) -> Iterator[ReplayedReject]:
    """Yield the rejects in a range of a replay."""
    with path.open("rb") as file:
        file.seek(chunk.byte_offset)
        for line in file.read(chunk.byte_length).splitlines():
            yield _decoder.decode(line)
