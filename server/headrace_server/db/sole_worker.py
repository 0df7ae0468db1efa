"""Whether a process is the only one that works on a SQLite control store."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace_server.db.engine import parse_url, sqlite_path


@contextmanager
def sole_worker(url: str) -> Iterator[bool]:
    """Be the store's only worker until the block ends; False where another is, or may be.

    The kernel ends the hold of a process that dies, however it does, so True also says that
    whoever held a claim before is dead. On PostgreSQL it is always False: only leases tell there.
    """
    parsed = parse_url(url)
    if parsed.drivername != "sqlite":
        yield False
        return
    with Path(f"{sqlite_path(parsed)}.worker").open("ab") as file:
        yield _locked(file.fileno())


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held by another, or a file system without such locks
        return False
    return True
