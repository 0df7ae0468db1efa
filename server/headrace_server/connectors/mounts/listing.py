"""Looks into folders, and into those below, within a limit."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing

from headrace_server.connectors.base import ConnectorError, MissingError
from headrace_server.connectors.mounts.progress import Progress
from headrace_server.model.storage import FileInfo

#: files and folders that one look takes in at most
MOST_ENTRIES = 1_000_000


class Listing:
    """What is found below a folder."""

    def __init__(self, folder: str, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        self._files: list[FileInfo] = []
        self._seen = 0

    def add(self, file: FileInfo | None) -> None:
        """Count something in a folder, and keep it where it is a file. Raises ConnectorError."""
        self._progress.step()
        self._seen += 1
        if self._seen > MOST_ENTRIES:
            raise ConnectorError(
                f"{self._folder or 'the mount'} holds more than {MOST_ENTRIES:,} files:"
                " take folders below it"
            )
        if file is not None:
            self._files.append(file)

    @property
    def files(self) -> Sequence[FileInfo]:
        """The files, by path."""
        return sorted(self._files, key=lambda each: each.path)


def walk(
    folder: str,
    entries: Callable[[str], Generator[FileInfo | str | None, None, None]],
    progress: Progress,
    *,
    recursive: bool,
) -> Sequence[FileInfo]:
    """Return the files in a folder, by path, and those in folders below it if wanted.

    `entries` yields what is in a folder: a file, the path of a folder, or None for anything else. A
    folder below that has gone meanwhile is left out. Raises ConnectorError.
    """
    found, waiting = Listing(folder, progress), [folder]
    while waiting:
        inside = waiting.pop()
        try:
            with closing(entries(inside)) as contents:
                for entry in contents:
                    found.add(entry if isinstance(entry, FileInfo) else None)
                    if recursive and isinstance(entry, str):
                        waiting.append(entry)
        except MissingError:
            if inside == folder:
                raise
    return found.files
