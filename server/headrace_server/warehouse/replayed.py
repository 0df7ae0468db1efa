"""The rejects of a chunk, and those that it replays."""

import json

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.errors import WrongStateError
from headrace_server.model.warehouse import StagedChunk
from headrace_server.warehouse.bookkeeping import REJECTS
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.kept import number_of
from headrace_server.warehouse.sql import execute


async def exchange_rejects(
    connection: AsyncConnection, dialect: Dialect, chunk: StagedChunk, table: str, staged: str
) -> int:
    """Delete the rejects that were replayed, add the chunk's own; returns how many went.

    They are kept as rows of the table named, and read from the relation `staged`. Raises
    WrongStateError.
    """
    rejects = dialect.system(REJECTS)
    numbers = {number_of(reject_id) for reject_id in chunk.replayed_reject_ids}
    if numbers:
        deleted = await execute(
            connection,
            f"DELETE FROM {rejects} WHERE ingestion_id = :ingestion_id"
            f" AND number IN ({dialect.numbers(':numbers')})",
            ingestion_id=chunk.key.ingestion_id,
            numbers=json.dumps(sorted(numbers)),
        )
        if deleted != len(numbers):
            gone = len(numbers) - deleted
            raise WrongStateError(f"{gone} of the rejects to replay are no longer there")
    if chunk.rows_rejected:
        await _add_rejects(connection, rejects, chunk, table, staged)
    return len(numbers)


async def _add_rejects(
    connection: AsyncConnection, rejects: str, chunk: StagedChunk, table: str, staged: str
) -> None:
    await execute(
        connection,
        f"INSERT INTO {rejects} (ingestion_id, file_no, run, table_name, line, byte_offset,"
        ' "column", reason, message, raw, raw_truncated)'
        " SELECT :ingestion_id, :file_no, :run, :table_name, line, byte_offset,"
        ' "column", reason, message, raw, raw_truncated'
        f" FROM {staged} ORDER BY line",
        ingestion_id=chunk.key.ingestion_id,
        file_no=chunk.key.file_no,
        run=chunk.key.run,
        table_name=table,
    )
