"""Rows of a draft in the place of a table's, on PostgreSQL."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Table
from headrace_server.model.errors import WrongStateError
from headrace_server.warehouse.candidates import Candidates
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.sql import columns_of, execute, match


async def exchange(connection: AsyncConnection, dialect: Dialect, table: Table, draft: str) -> None:
    """See `Dialect.exchange`."""
    await _exchange_rows(connection, dialect, table, draft)
    await execute(connection, f"DROP TABLE {dialect.target(draft)}")


async def _exchange_rows(
    connection: AsyncConnection, dialect: Dialect, table: Table, draft: str
) -> None:
    """Rows of before are seen by whoever began before, and all that hangs on the table stays."""
    target, source, key = dialect.target(table.name), dialect.target(draft), table.primary_key
    try:
        if not key:
            names = columns_of(column.name for column in table.columns)
            await execute(connection, f"DELETE FROM {target}")
            await execute(
                connection, f"INSERT INTO {target} ({names}) SELECT {names} FROM {source}"
            )
            return
        # What stays may be referred to.
        same = match("t", key, "c", key)
        stays = f"EXISTS (SELECT 1 FROM {source} AS c WHERE {same})"
        await execute(connection, f"DELETE FROM {target} AS t WHERE NOT {stays}")
        await execute(connection, dialect.upsert(Candidates(table, source, "ctid", ""), "TRUE"))
    except IntegrityError as error:
        raise WrongStateError(
            f"the rows of {table.name!r} cannot be replaced: {error.orig}"
        ) from error
