"""What a look at a folder says of its files: pure functions of what was known and what is there."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from fnmatch import translate

from headrace_server.core.storage.paths import below
from headrace_server.db.stored_files import STATUS_OF
from headrace_server.model.ingestion import Status
from headrace_server.model.storage import (
    FileInfo,
    FileStatus,
    FolderWatch,
    OnOverwrite,
    StoredFile,
)

#: what names end in as long as their files are written
_UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")
#: what names begin with that are not meant for others
_HIDDEN = (".", "~$")
#: statuses of files whose last import ended, whichever way
ENDED = frozenset({FileStatus.IMPORTED, FileStatus.IMPORTED_WITH_ERRORS, FileStatus.FAILED})


class Counting:
    """Tells which files of a folder count."""

    def __init__(self, watch: FolderWatch) -> None:
        self._folder = watch.folder_path
        self._patterns = [re.compile(translate(each.lower())) for each in watch.patterns]

    def counts(self, file_path: str) -> bool:
        """Whether a file is meant to be read: not hidden, not unfinished, of a name that counts."""
        *folders, name = below(file_path, self._folder).lower().split("/")
        if name.endswith(_UNFINISHED) or name.startswith(_HIDDEN):
            return False
        if any(folder.startswith(".") for folder in folders):
            return False
        return not self._patterns or any(each.match(name) for each in self._patterns)


def noticed(watch: FolderWatch, file_path: str, info: FileInfo, now: datetime) -> StoredFile:
    """Return a file that nobody knew, as it is noticed."""
    file = StoredFile(
        watch_id=watch.watch_id,
        tenant_id=watch.tenant_id,
        file_path=file_path,
        size=info.size,
        modified_at=info.modified_at,
        fingerprint=info.fingerprint,
        status=FileStatus.DETECTED,
        detected_at=now,
        stable_since=now,
    )
    return settled(watch, file, {}, now)


def seen(
    watch: FolderWatch,
    known: StoredFile,
    info: FileInfo,
    imports: Mapping[str, Status],
    now: datetime,
) -> StoredFile:
    """Return a known file as it is now that it was seen; the same where nothing changed.

    `imports` says where the newest import of each file stands, by its id.
    """
    file = known
    if info.fingerprint != known.fingerprint:
        file = replace(
            known,
            size=info.size,
            modified_at=info.modified_at,
            fingerprint=info.fingerprint,
            stable_since=now,
        )
    if known.status is FileStatus.IMPORTING:
        # What has changed meanwhile is told when the import has ended.
        return file
    if _begins_anew(watch, known, file):
        error = known.error if file.fingerprint == known.taken_fingerprint else None
        file = replace(file, status=FileStatus.DETECTED, error=error)
    return settled(watch, file, imports, now)


def _begins_anew(watch: FolderWatch, known: StoredFile, file: StoredFile) -> bool:
    if known.status is FileStatus.GONE:
        return True
    if known.status in ENDED and file.taken_fingerprint is not None:
        kept = watch.on_overwrite is OnOverwrite.IGNORE and known.status is not FileStatus.FAILED
        return file.fingerprint != file.taken_fingerprint and not kept
    return file.fingerprint != known.fingerprint


def settled(
    watch: FolderWatch, file: StoredFile, imports: Mapping[str, Status], now: datetime
) -> StoredFile:
    """Return a file that stayed the same long enough as what it is then."""
    if file.status is not FileStatus.DETECTED or now - file.stable_since < watch.stable:
        return file
    last = imports.get(file.import_id or "")
    ended = None if last is None else STATUS_OF[last]
    unchanged = file.fingerprint == file.taken_fingerprint
    kept = watch.on_overwrite is OnOverwrite.IGNORE and ended is not FileStatus.FAILED
    if ended is not None and (unchanged or kept):
        # It was gone and came back: nothing of it is new, or nothing new is wanted.
        return replace(file, status=ended)
    waits = FileStatus.PENDING if watch.auto_import else FileStatus.IGNORED
    return replace(file, status=waits)


def gone(file: StoredFile) -> StoredFile:
    """Return a file that is no longer there; the same as long as it is being imported."""
    if file.status in {FileStatus.IMPORTING, FileStatus.GONE}:
        return file
    return replace(file, status=FileStatus.GONE)
