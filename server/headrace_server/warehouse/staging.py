"""Staging: validated rows and rejects of one chunk on disk, as the tenant's database loads them.

Runs in spawned parser processes: it imports the standard library and the model only. A chunk is
staged in a folder of its own, which the merge reads and whoever asked for it deletes.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from headrace_server.model.contract import Table
from headrace_server.model.rows import RejectedLine, RowBlock
from headrace_server.warehouse.staging_postgres import postgres_writer
from headrace_server.warehouse.staging_sqlite import sqlite_writer


class StagingWriter(Protocol):
    """Takes the rows and rejects of one chunk, in the order of their lines."""

    def write(self, block: RowBlock) -> None:
        """Stage valid rows."""

    def reject(self, lines: list[RejectedLine]) -> None:
        """Stage rejected lines."""


def staging_writer(dialect: str, path: Path, table: Table) -> AbstractContextManager[StagingWriter]:
    """Make the folder `path` for one chunk of `table`; `dialect` is a Warehouse's `dialect`.

    What `path` lies in must be there: where it was deleted, nobody wants the chunk any more.
    The files appear complete when the context ends well, and not at all otherwise; writing the
    same chunk twice, even at once, leaves one complete set.
    """
    if dialect == "sqlite":
        return sqlite_writer(path, table)
    return postgres_writer(path, table)
