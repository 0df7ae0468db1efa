"""Rejects on their way back: each with its first place in the file it came from."""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from headrace_server.files.chunks import ChunkRange
from headrace_server.files.disk import sync_folder


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


class ReplayWriter:
    """Writes a replay beside its place, a file for each that rejects came from.

    Blocking: call it off the loop.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = secrets.token_hex(8)
        self._open: dict[int, BinaryIO] = {}

    def write(self, lines: Iterable[tuple[int, bytes]]) -> None:
        """Append lines, each with the number of the file its reject came from."""
        for file_no, line in lines:
            if file_no not in self._open:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._open[file_no] = self._aside(file_no).open("xb")
            self._open[file_no].write(line)

    def sync(self) -> None:
        """Make everything written durable."""
        for file in self._open.values():
            file.flush()
            os.fsync(file.fileno())

    def put_in_place(self, number: int) -> None:
        """Make what was written the nth replay, durably."""
        for file_no in self._open:
            self._aside(file_no).replace(self._folder / replay_name(number, file_no))
        if self._open:
            sync_folder(self._folder)

    def close(self) -> None:
        """Close the files and delete what was not put in its place."""
        for file_no, file in self._open.items():
            # Closing flushes, which the full disk that ended the writing would refuse again.
            with suppress(OSError):
                file.close()
            self._aside(file_no).unlink(missing_ok=True)

    def _aside(self, file_no: int) -> Path:
        return self._folder / f"{self._name}.{file_no}"


def replay_name(number: int, file_no: int) -> str:
    """Name the file that holds one file's rejects in the nth replay."""
    return f"{number}-{file_no}.ndjson"


def read_replay(path: Path, chunk: ChunkRange) -> Iterator[ReplayedReject]:
    """Yield the rejects in a range of a replay."""
    with path.open("rb") as file:
        file.seek(chunk.byte_offset)
        for line in file.read(chunk.byte_length).splitlines():
            yield _decoder.decode(line)
