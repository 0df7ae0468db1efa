"""The spool: bytes on their way, on a disk that all servers of one control store share.

uploads/<upload>/<writer>.part   what one writer sent
uploads/<upload>/data            the complete upload
loads/<ingestion>/...            inflated files and staged chunks, made anew when lost
replays/<ingestion>/<n>-<file>.ndjson   rejects to be loaded again
imports/<ingestion>/source-<n>   the copy of a file that the nth attempt at its import made
imports/<ingestion>/source-<n>.part    while it is made
imports/<ingestion>/source-<n>.plain   what its chunks are cut from, where that is another
exports/<export>/attempt-<n>/file   what one attempt at an export writes, with what it takes aside
"""

import hashlib
import os
import secrets
import shutil
import threading
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from headrace_server.files.disk import sync_folder
from headrace_server.files.replays import ReplayWriter, replay_name

_COPY_BYTES = 1 << 20
_WRITABLE = 0o222


class SegmentWriter:
    """Writes the bytes of one writer; `sync` makes them safe. Blocking: call it off the loop.

    Closed, its file is read-only, which tells every process that it will never change again.
    """

    def __init__(self, path: Path, *, digest: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("xb", buffering=0)
        self._digest = hashlib.sha256() if digest else None
        # A call that is cut leaves its write behind in a thread, and closes the file.
        self._in_use = threading.Lock()
        self._lost: OSError | None = None
        #: bytes written
        self.length = 0

    def write(self, data: bytes) -> None:
        """Append bytes. Raises OSError when the disk is full; nothing written counts then."""
        with self._in_use:
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
            if self._digest is not None:
                self._digest.update(data)
            self.length += len(data)

    def sync(self) -> int:
        """Make everything written durable and return its length. Raises OSError, and ever after."""
        if self._lost is not None:
            raise self._lost
        length = self.length
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            # The kernel tells of lost bytes once only; asked again, it would say that all is well.
            self._lost = error
            raise
        return length

    @property
    def sha256(self) -> str | None:
        """SHA-256 of everything written, in lower-case hexadecimal; None where none was asked."""
        return None if self._digest is None else self._digest.hexdigest()

    def close(self) -> None:
        """Close the file for good; what was not synced may be lost. Repeatable."""
        with self._in_use:
            if not self._file.closed:
                descriptor = self._file.fileno()
                os.fchmod(descriptor, os.fstat(descriptor).st_mode & 0o777 & ~_WRITABLE)
                self._file.close()


class Spool:
    """Names and keeps the files of the spool. Blocking: call it off the loop."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("uploads", "loads", "replays", "imports", "exports"):
            (root / folder).mkdir(parents=True, exist_ok=True)

    def segment(self, upload_id: str, writer: int, *, digest: bool = False) -> SegmentWriter:
        """Open the segment of a new writer."""
        path = self._segment_path(upload_id, writer)
        segment = SegmentWriter(path, digest=digest)
        sync_folder(path.parent)
        sync_folder(path.parent.parent)
        return segment

    def data(self, upload_id: str) -> Path:
        """Path of a complete upload."""
        return self._upload_folder(upload_id) / "data"

    def assemble(self, upload_id: str, segments: Iterable[tuple[int, int]]) -> Path:
        """Put segments of (writer, acknowledged length) together, in order, beside their place.

        Returns a new file for `put_in_place`, which nobody writes to any more. The acknowledged
        bytes count and no others: a segment may be longer than its length. The segments stay
        until `drop_segments`. Raises OSError where the bytes are not all there.
        """
        target = self.data(upload_id)
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_suffix(f".{secrets.token_hex(4)}")
        parts = [(self._segment_path(upload_id, writer), length) for writer, length in segments]
        try:
            if len(parts) == 1 and _is_final(*parts[0]):
                os.link(parts[0][0], aside)
            else:
                _concatenate(parts, aside)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        return aside

    def drop_segments(self, upload_id: str, *, newest: int) -> None:
        """Delete what the writers up to the newest one meant sent; repeatable."""
        for part in self._upload_folder(upload_id).glob("*.part"):
            if int(part.stem) <= newest:
                part.unlink(missing_ok=True)

    def drop_upload(self, upload_id: str) -> None:
        """Delete the bytes of an upload; repeatable."""
        shutil.rmtree(self._upload_folder(upload_id), ignore_errors=True)

    def load_folder(self, request_id: str) -> Path:
        """Folder for what a load makes on its way; exists afterwards."""
        folder = self.root / "loads" / request_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def staging_folder(self, request_id: str, attempt: int) -> Path:
        """Folder for what one attempt at a load stages; exists afterwards."""
        folder = self.load_folder(request_id) / f"attempt-{attempt}"
        folder.mkdir(exist_ok=True)
        return folder

    def drop_staging(self, request_id: str, *, before: int) -> None:
        """Delete what the attempts before one staged; repeatable."""
        for folder in self.load_folder(request_id).glob("attempt-*"):
            if int(folder.name.removeprefix("attempt-")) < before:
                shutil.rmtree(folder, ignore_errors=True)

    def drop_load(self, request_id: str) -> None:
        """Delete what a load made on its way; repeatable."""
        shutil.rmtree(self.root / "loads" / request_id, ignore_errors=True)

    def quiet_loads(self, since: datetime) -> list[str]:
        """Ingestions whose folder was there before an instant and has got nothing new since."""
        return self._quiet("loads", since)

    def _quiet(self, kind: str, since: datetime) -> list[str]:
        return [
            folder.name
            for folder in (self.root / kind).iterdir()
            if folder.stat().st_mtime < since.timestamp()
        ]

    def import_copy(self, request_id: str, attempt: int) -> Path:
        """Path of the copy that one attempt at an import makes; its folder exists afterwards."""
        folder = self.root / "imports" / request_id
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"source-{attempt}"

    def import_copies(self, request_id: str) -> list[Path]:
        """The copies of an import that were kept, the newest first."""
        copies = (self.root / "imports" / request_id).glob("source-*")
        return sorted(filter(_is_copy, copies), key=_attempt_of, reverse=True)

    def drop_import_copies(self, request_id: str, *, before: int) -> None:
        """Delete what the attempts before one copied, and made of that; repeatable."""
        for path in (self.root / "imports" / request_id).glob("source-*"):
            if _attempt_of(path) < before:
                path.unlink(missing_ok=True)

    def drop_import(self, request_id: str) -> None:
        """Delete the copy of a file that was imported, and what was made of it; repeatable."""
        shutil.rmtree(self.root / "imports" / request_id, ignore_errors=True)

    def quiet_imports(self, since: datetime) -> list[str]:
        """Imports whose copies were there before an instant and have got nothing new since."""
        return self._quiet("imports", since)

    def export_file(self, export_id: str, attempt: int) -> Path:
        """Path of the file that one attempt at an export writes."""
        return self._export_folder(export_id) / f"attempt-{attempt}" / "file"

    def begin_export(self, export_id: str, attempt: int) -> Path:
        """Path of that file; its folder exists afterwards."""
        path = self.export_file(export_id, attempt)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def drop_export_attempts(self, export_id: str, *, keep: int | None) -> None:
        """Delete what attempts at an export wrote, all but one of them; repeatable."""
        for folder in self._export_folder(export_id).glob("attempt-*"):
            if folder.name != f"attempt-{keep}":
                shutil.rmtree(folder, ignore_errors=True)

    def drop_export(self, export_id: str) -> None:
        """Delete all that an export wrote; repeatable."""
        shutil.rmtree(self._export_folder(export_id), ignore_errors=True)

    def _export_folder(self, export_id: str) -> Path:
        return self.root / "exports" / export_id

    def replay_file(self, request_id: str, number: int, file_no: int) -> Path:
        """Path of one file's rejects in the nth replay of an ingestion."""
        return self.root / "replays" / request_id / replay_name(number, file_no)

    def replay_writer(self, request_id: str) -> ReplayWriter:
        """Begin another replay of an ingestion."""
        return ReplayWriter(self.root / "replays" / request_id)

    def drop_replays(self, request_id: str, *, newest: int) -> None:
        """Delete the replays of an ingestion up to the newest that is over; repeatable."""
        for path in (self.root / "replays" / request_id).glob("*-*.ndjson"):
            if int(path.name.partition("-")[0]) <= newest:
                path.unlink(missing_ok=True)

    def drop_all_replays(self, request_id: str) -> None:
        """Delete the replays of an ingestion and their folder; repeatable."""
        shutil.rmtree(self.root / "replays" / request_id, ignore_errors=True)

    def _upload_folder(self, upload_id: str) -> Path:
        return self.root / "uploads" / upload_id

    def _segment_path(self, upload_id: str, writer: int) -> Path:
        return self._upload_folder(upload_id) / f"{writer}.part"


def _attempt_of(copy: Path) -> int:
    return int(copy.name.partition(".")[0].removeprefix("source-"))


def _is_copy(path: Path) -> bool:
    return not path.suffix


def put_in_place(aside: Path) -> None:
    """Make what `Spool.assemble` put together the complete upload, durably."""
    aside.replace(aside.with_name("data"))
    sync_folder(aside.parent)


def _is_final(segment: Path, length: int) -> bool:
    """Whether a segment has that length and will never change: its writer has closed it."""
    found = segment.stat()
    return found.st_size == length and not found.st_mode & _WRITABLE


def _concatenate(parts: Iterable[tuple[Path, int]], target: Path) -> None:
    with target.open("wb") as output:
        for path, length in parts:
            with path.open("rb") as source:
                _copy_exactly(source.fileno(), output.fileno(), length)
        os.fsync(output.fileno())


def _copy_exactly(source: int, target: int, length: int) -> None:
    """Copy the first `length` bytes; raises OSError where the source is shorter."""
    offset = 0
    while offset < length:
        copied = os.sendfile(target, source, offset, min(_COPY_BYTES, length - offset))
        if copied == 0:
            raise OSError(f"the segment ends at {offset}, {length} bytes were acknowledged")
        offset += copied
