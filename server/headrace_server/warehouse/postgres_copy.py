"""COPY into PostgreSQL past SQLAlchemy: from staged files, and from rows in its own format."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import ColumnType
from headrace_server.model.errors import RefusedRowsError, StorageUnavailableError
from headrace_server.model.warehouse import BinaryRows, Counted, StagedChunk
from headrace_server.warehouse.sql import columns_of, quote

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
#: PostgreSQL's types that binary values are read as
_TYPES = {
    ColumnType.STRING: {"varchar", "text"},
    ColumnType.INTEGER: {"int8"},
    ColumnType.DECIMAL: {"numeric"},
    ColumnType.FLOAT: {"float8"},
    ColumnType.BOOLEAN: {"bool"},
    ColumnType.DATE: {"date"},
    ColumnType.DATETIME: {"timestamp"},
    ColumnType.TIMESTAMP: {"timestamptz"},
    ColumnType.TIME: {"time"},
    ColumnType.UUID: {"uuid"},
}
#: columns that the database fills where they are left out
_DEFAULTS = """
    SELECT a.attname AS name
    FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
    WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = ANY ($2::text[])
    AND (a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL)
"""


async def copy(
    connection: AsyncConnection,
    source: Path | AsyncIterator[bytes] | AsyncIterator[bytes | memoryview],
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
        if isinstance(error, OSError):
            await _give_up(connection)
        raise StorageUnavailableError(f"the staged chunk cannot be copied: {error}") from error
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError("COPY", None, error) from error
    except asyncpg.PostgresError as error:
        raise DBAPIError("COPY", None, error) from error
    except BaseException:
        await _give_up(connection)
        raise
    return int(status.removeprefix("COPY "))


async def _give_up(connection: AsyncConnection) -> None:
    """End the session of a COPY whose source failed, or that was cancelled.

    It may have failed in the database before that: the driver would wait for ever for the answer
    that it has had.
    """
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    driver.terminate()
    await connection.invalidate()


async def copy_binary(
    connection: AsyncConnection, chunk: StagedChunk, rows: BinaryRows, schema: str, name: str
) -> Counted:
    """Copy rows out of their file in the binary format. Raises RefusedRowsError."""
    counted: list[Counted] = []
    await _require_types(connection, chunk, rows.columns, f"{quote(schema)}.{quote(name)}")
    try:
        async with aclosing(_pieces(rows, counted)) as pieces:
            copied = await copy(
                connection, pieces, name, schema=schema, columns=rows.columns, format="binary"
            )
    except DBAPIError as error:
        if str(getattr(error.orig, "sqlstate", ""))[:2] not in _ROWS_AT_FAULT:
            raise
        raise RefusedRowsError(f"rows of {chunk.key} are refused: {error.orig}") from error
    if copied != counted[0].rows:
        raise RefusedRowsError(
            f"{chunk.key} is {copied} rows for the database, not {counted[0].rows}"
        )
    return counted[0]


async def _require_types(
    connection: AsyncConnection, chunk: StagedChunk, names: Sequence[str], target: str
) -> None:
    """Refuse rows for columns whose types others changed: binary values are of one type only.

    Columns that are left out shall be null, as where rows are staged: one with a default is
    refused, too. The table stays as it is until the transaction ends.
    """
    left_out = [column.name for column in chunk.table.columns if column.name not in names]
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    try:
        found = await driver.prepare(f"SELECT {columns_of(names)} FROM {target}")
        filled = await driver.fetch(_DEFAULTS, target, left_out) if left_out else []
    except _UNAVAILABLE as error:
        raise StorageUnavailableError(f"the table's types cannot be read: {error}") from error
    except asyncpg.PostgresError as error:
        raise DBAPIError("SELECT", None, error) from error
    if filled:
        raise RefusedRowsError(f"{filled[0]['name']} of {target} has a default, and no values")
    columns = {column.name: column for column in chunk.table.columns}
    for name, attribute in zip(names, found.get_attributes(), strict=True):
        if attribute.type.name not in _TYPES[columns[name].type]:
            raise RefusedRowsError(f"{name} of {target} is of type {attribute.type.name}")


async def _pieces(
    rows: BinaryRows, counted: list[Counted]
) -> AsyncGenerator[bytes | memoryview, None]:
    """The data, each piece made while the one before it is on its way; counted at its end."""
    data = rows.data()

    def following() -> bytes | memoryview:
        try:
            return next(data)
        except StopIteration as end:
            counted.append(end.value)
            return b""

    def make() -> asyncio.Task[bytes | memoryview]:
        return asyncio.create_task(asyncio.to_thread(following))

    making = make()
    try:
        while piece := await making:
            making = make()
            yield piece
    finally:
        making.cancel()
        await asyncio.gather(making, return_exceptions=True)


def require_all(chunk: StagedChunk, copied: int) -> int:
    """Return how many were copied. Raises StorageUnavailableError unless all staged rows were."""
    if copied != chunk.rows_valid:
        raise StorageUnavailableError(
            f"{copied} of {chunk.rows_valid} staged rows of {chunk.key} are there"
        )
    return copied
