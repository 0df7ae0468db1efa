"""What every place of files can do; one module a kind does it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from headrace_server.model.storage import FileInfo


class FileStore(ABC):
    """The files of one mount.

    Paths are below the place, parted by slashes, without one at either end; "" is the place itself.
    None leads out of it, whatever symbolic links say. Every method may raise ConnectorError, whose
    words are meant for the caller and hold no secret: TemporaryError where trying again may help
    (the place does not answer, was busy, lost the connection), else for good (no such file, wrong
    password). A missing file or folder is a MissingError. No call waits longer than its time-out
    without any progress, and none keeps the process from ending.
    """

    @abstractmethod
    async def check(self) -> None:
        """Ask the place for an answer: that it is there, and may be read."""

    @abstractmethod
    async def free_bytes(self) -> int | None:
        """The room that is left, where the place can tell."""

    @abstractmethod
    async def list(self, folder: str, *, recursive: bool) -> Sequence[FileInfo]:
        """The files in a folder, by path; no folders, and nothing that is no plain file."""

    @abstractmethod
    async def stat(self, path: str) -> FileInfo:
        """One file."""

    @abstractmethod
    async def fetch(self, path: str, target: Path, *, most_bytes: int) -> FileInfo:
        """Copy a file to a new file of this machine; returns what was copied.

        Raises TemporaryError where it changed while it was read, or ended early, and ConnectorError
        where it has more bytes than that; nothing is left at `target` then.
        """

    @abstractmethod
    def open(self, path: str) -> AbstractContextManager[BinaryIO]:
        """Open a file to read here and there. Blocking, and so is what is opened."""

    def folder_on_disk(self, folder: str) -> Path | None:  # most have none
        """Where a folder lies on a disk of this machine that tells of changes; None elsewhere."""
        return None

    @abstractmethod
    async def close(self) -> None:
        """Let go of what is open."""
