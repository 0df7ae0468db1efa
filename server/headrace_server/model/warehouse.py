"""What a warehouse takes, keeps and tells."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from headrace_server.model.contract import Table
from headrace_server.model.rows import RejectReason

Catalog = Mapping[str, Table]
"""All tables that a tenant's contracts declare, by name."""


@dataclass(frozen=True, slots=True)
class ChunkKey:
    """Names a chunk for good: the ledger holds at most one row for each key."""

    #: request id of the ingestion
    ingestion_id: str
    #: number of the file in its ingestion, from 0
    file_no: int
    #: 0 for the file itself, n for its nth replay of rejects
    run: int
    #: number of the chunk in its run, from 0
    chunk: int


class Counted(NamedTuple):
    """What was read of a file as rows."""

    rows: int
    #: ends of lines, those within values and of blank lines included
    lines: int


@dataclass(frozen=True, slots=True)
class BinaryRows:
    """Rows that are read out of their file as they are copied, in COPY's binary format.

    The form of every value was checked; what that does not tell, such as bytes that are no UTF-8,
    is left to the database.
    """

    #: names of the columns as the values of a row follow each other
    columns: tuple[str, ...]
    #: gives the data from its beginning, piece by piece, and tells at the end what it was. A piece
    #: is overwritten when the next but one is asked for. Blocking, with nothing held open between
    #: two pieces. Raises RefusedRowsError and StorageUnavailableError.
    data: Callable[[], Generator[bytes | memoryview, None, Counted]]


@dataclass(frozen=True, slots=True)
class StagedChunk:
    """A chunk that was parsed and waits to be merged."""

    key: ChunkKey
    #: fencing token: attempt of the job that merges
    attempt: int
    #: table the rows are meant for
    table: Table
    #: where the staging writer put rows and rejects
    path: Path
    #: first line of the chunk, from 1
    first_line: int
    #: first byte of the chunk
    byte_offset: int
    #: length of the chunk in bytes
    byte_length: int
    #: valid rows staged
    rows_valid: int
    #: lines rejected
    rows_rejected: int
    #: rejects that this chunk replays: they are deleted in the merge's transaction
    replayed_reject_ids: tuple[str, ...] = ()
    #: the rows where they are not staged, of a table without references
    binary: BinaryRows | None = None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What became of a chunk, written in the transaction that merged it."""

    key: ChunkKey
    attempt: int
    first_line: int
    byte_offset: int
    byte_length: int
    rows_read: int
    rows_loaded: int
    rows_rejected: int
    rows_parked: int
    #: rows overwritten by a later row of the same key in the same chunk; counted in rows_loaded
    rows_superseded: int
    latency_ms: int
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class FileTally:
    """Rows of one file as they stand now; read = loaded + rejected + parked, always."""

    file_no: int
    rows_read: int
    rows_loaded: int
    rows_rejected: int
    rows_parked: int
    #: bytes of the merged chunks of run 0
    bytes_processed: int


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A row kept aside: rejected (missing_table is None) or parked."""

    #: names the row within its warehouse; opaque
    reject_id: str
    file_no: int
    table: str
    line: int
    byte_offset: int
    column: str | None
    reason: RejectReason
    message: str
    #: the line as it came; for a parked row, the row as a JSON object
    raw: str
    raw_truncated: bool = False
    missing_table: str | None = None
    #: referred columns, joined by a comma
    missing_column: str | None = None
    #: value referred to, joined by a comma
    missing_value: str | None = None
    parked_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class WarehouseColumn:
    """One column as the warehouse has it."""

    name: str
    #: SQL type in the words of the database
    type: str
    nullable: bool
    primary_key: bool
    #: "table.column" it refers to
    references: str | None


@dataclass(frozen=True, slots=True)
class WarehouseTable:
    """One table as the warehouse has it."""

    schema: str
    name: str
    rows: int
    #: bytes on disk with indexes; None where the database cannot tell
    size_bytes: int | None
    #: when rows last arrived through an ingestion; None when none has
    updated_at: datetime | None
    #: empty in lists
    columns: tuple[WarehouseColumn, ...] = ()
