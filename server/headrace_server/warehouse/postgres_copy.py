"""COPY into PostgreSQL past SQLAlchemy: from staged files, and from files as they are."""

import asyncio
import mmap
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.errors import RefusedVerbatimError, StorageUnavailableError
from headrace_server.model.warehouse import StagedChunk, VerbatimRows

#: what a COPY may meet that is not the rows' fault
_UNAVAILABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
)
#: SQLSTATE classes of values that are none of their type, and of values that break a rule
_ROWS_AT_FAULT = ("22", "23")
#: bytes of a file that are sent at once
_PIECE = 128 << 10
#: what delimits no fields in COPY's text format
_MARKS = frozenset("\\.abcdefghijklmnopqrstuvwxyz0123456789")


async def copy(
    connection: AsyncConnection,
    source: Path | AsyncIterator[bytes] | AsyncIterator[memoryview],
    name: str,
    *,
    schema: str = "pg_temp",
    columns: Sequence[str] | None = None,
    **form: str,
) -> int:
    """Rows copied into a table, a scratch one if no schema is given.

    Raises IntegrityError, DBAPIError and StorageUnavailableError.
    """
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    try:
        status: str = await driver.copy_to_table(
            name, schema_name=schema, columns=columns, source=source, **form
        )
    except _UNAVAILABLE as error:
        raise StorageUnavailableError(f"the staged chunk cannot be copied: {error}") from error
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError("COPY", None, error) from error
    except asyncpg.PostgresError as error:
        raise DBAPIError("COPY", None, error) from error
    return int(status.removeprefix("COPY "))


async def copy_verbatim(
    connection: AsyncConnection, chunk: StagedChunk, rows: VerbatimRows, schema: str, name: str
) -> int:
    """Rows copied as their file writes them. Raises RefusedVerbatimError."""
    columns = rows.columns or [column.name for column in chunk.table.columns]
    form = {"delimiter": rows.delimiter, "null": rows.null, "encoding": "UTF8"}
    form["format"] = "csv" if rows.backslashes or rows.delimiter in _MARKS else "text"
    try:
        async with aclosing(_pieces(rows)) as pieces:
            copied = await copy(connection, pieces, name, schema=schema, columns=columns, **form)
    except DBAPIError as error:
        if str(getattr(error.orig, "sqlstate", ""))[:2] not in _ROWS_AT_FAULT:
            raise
        raise RefusedVerbatimError(f"rows of {chunk.key} are refused: {error.orig}") from error
    if copied != chunk.rows_valid:
        raise RefusedVerbatimError(
            f"{chunk.key} is {copied} rows for the database, not {chunk.rows_valid}"
        )
    return copied


async def _pieces(rows: VerbatimRows) -> AsyncGenerator[memoryview, None]:
    """The range of the file, piece by piece, out of the pages that the kernel keeps of it."""
    whole = await asyncio.to_thread(_mapped, rows.path)
    end = rows.byte_offset + rows.byte_length
    if len(whole) < end:
        raise StorageUnavailableError(f"{rows.path.name} ends {end - len(whole)} bytes too early")
    for place in range(rows.byte_offset, end, _PIECE):
        yield whole[place : min(place + _PIECE, end)]


def _mapped(path: Path) -> memoryview:
    """Unmapped when the driver lets go of the last piece, which may be after a failure."""
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))


def require_all(chunk: StagedChunk, copied: int) -> int:
    """Return how many were copied. Raises StorageUnavailableError unless all staged rows were."""
    if copied != chunk.rows_valid:
        raise StorageUnavailableError(
            f"{copied} of {chunk.rows_valid} staged rows of {chunk.key} are there"
        )
    return copied
