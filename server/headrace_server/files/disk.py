"""What is asked of a disk: names that last, checksums, and its refusals in words."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace_server.model.errors import StorageUnavailableError


def sync_folder(folder: Path) -> None:
    """Make renames and new names in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in lower-case hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def on_disk(doing: str) -> Iterator[None]:
    """Raise StorageUnavailableError where the disk refuses what the block does to it."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        reason = getattr(error, "strerror", None) or error
        words = f"the disk cannot take more now: {doing}: {reason}"
        raise StorageUnavailableError(words) from error
