"""Whether a process is the only one that works on a SQLite control store."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace_server.db.engine import parse_url, sqlite_path


class StoreInUseError(Exception):
    """Another process works on the SQLite control store; the message says what to do."""


@contextmanager
def sole_worker(url: str) -> Iterator[bool]:
    """Be the store's only worker until the block ends; False where that cannot be known.

    Raises StoreInUseError where another process is it.

    The kernel ends the hold of a process that dies, however it does, so True also says that
    whoever held a claim before is dead. On PostgreSQL it is always False: only leases tell there.
    """
    parsed = parse_url(url)
    if parsed.drivername != "sqlite":
        yield False
        return
    with Path(f"{sqlite_path(parsed)}.worker").open("ab") as file:
        try:
            alone = _locked(file.fileno())
        except BlockingIOError:
            raise StoreInUseError(
                f"another process works on {sqlite_path(parsed)}: stop that one, or give this one "
                "another --data-dir, or share a PostgreSQL (--database-url)"
            ) from None
        yield alone


def _locked(descriptor: int) -> bool:
    """Lock the file; False on a file system without locks. Raises BlockingIOError."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True
