"""What a bulk ingestion has done, kept so that a killed one goes on and loads nothing twice."""

import hashlib
import json
import os
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from platformdirs import user_state_path

from headrace_client.bulk.plan import PlannedFile

if sys.platform != "win32":
    import fcntl


class JournalInUseError(Exception):
    """Another process is ingesting the same directory into the same server."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How far one file has come."""

    #: key under which its upload session was, or will be, created
    idempotency_key: str
    #: ingestion that the completed upload started; None before
    request_id: str | None = None


def journal_path(address: str, data_dir: Path) -> Path:
    """Return where the journal of a directory and a server lies: the user's state directory."""
    name = hashlib.sha256(f"{address}\0{data_dir.resolve()}".encode()).hexdigest()[:24]
    return user_state_path("headrace") / "bulk-ingest" / f"{name}.ndjson"


def entry_key(tenant_id: str | None, file: PlannedFile) -> str:
    """Return what names a file in the journal: a changed file is another one."""
    return json.dumps([tenant_id, str(file.path.resolve()), file.size, file.mtime_ns])


class Journal:
    """A context manager around an append-only file of JSON lines; each is on disk when written.

    Raises JournalInUseError when another process holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: dict[str, Entry] = {}

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a+b")
        self._lock()
        self._read()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def get(self, key: str) -> Entry | None:
        """Return how far the file has come; None where it was never begun."""
        return self._entries.get(key)

    def begin(self, key: str) -> Entry:
        """Note that the file is begun, under a new idempotency key."""
        return self._write(key, Entry(os.urandom(16).hex()))

    def started(self, key: str, request_id: str) -> Entry:
        """Note the ingestion that the file's upload started."""
        return self._write(key, replace(self._entries[key], request_id=request_id))

    def forget(self) -> None:
        """Forget every file."""
        self._entries.clear()
        self._file.truncate(0)

    def _write(self, key: str, entry: Entry) -> Entry:
        self._entries[key] = entry
        # The line break comes first: what a kill left half written spoils no later line.
        line = "\n" + json.dumps({"key": key, **asdict(entry)})
        self._file.write(line.encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        return entry

    def _read(self) -> None:
        self._file.seek(0)
        for line in self._file:
            try:
                fields = json.loads(line)
            except ValueError:
                continue
            key = fields.pop("key")
            self._entries[key] = Entry(**fields)

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise JournalInUseError from None
