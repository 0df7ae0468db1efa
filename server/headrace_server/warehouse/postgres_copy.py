"""COPY into PostgreSQL past SQLAlchemy: from staged files, and from files as they are."""

import asyncio
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
_PIECE = 512 << 10


async def copy(
    connection: AsyncConnection,
    source: Path | AsyncIterator[bytes],
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
    form = {"format": "csv", "delimiter": rows.delimiter, "null": rows.null, "encoding": "UTF8"}
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


async def _pieces(rows: VerbatimRows) -> AsyncGenerator[bytes, None]:
    """The range of the file, piece by piece."""
    with await asyncio.to_thread(rows.path.open, "rb") as file:
        await asyncio.to_thread(file.seek, rows.byte_offset)
        left = rows.byte_length
        while left:
            piece = await asyncio.to_thread(file.read, min(_PIECE, left))
            if not piece:
                raise StorageUnavailableError(f"{rows.path.name} ends {left} bytes too early")
            left -= len(piece)
            yield piece


def require_all(chunk: StagedChunk, copied: int) -> int:
    """Return how many were copied. Raises StorageUnavailableError unless all staged rows were."""
    if copied != chunk.rows_valid:
        raise StorageUnavailableError(
            f"{copied} of {chunk.rows_valid} staged rows of {chunk.key} are there"
        )
    return copied
