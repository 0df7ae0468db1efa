"""Parked rows: children whose parent is missing, until it arrives."""

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Table
from headrace_server.model.warehouse import StagedChunk
from headrace_server.warehouse.dialect import (
    BYTE_OFFSET,
    LINE,
    NUMBER,
    Candidates,
    Dialect,
    columns_of,
    execute,
    exists,
    match,
)

Arrivals = Mapping[str, Sequence[Candidates]]
"""Candidates by table; the complete ones among them were merged in this transaction."""


async def supersede(
    connection: AsyncConnection, dialect: Dialect, candidates: Candidates
) -> set[str]:
    """Delete older parked rows of the candidates' keys; returns the ingestions they came from."""
    table = candidates.table
    if not await exists(connection, dialect.parked(table.name)):
        return set()
    key = columns_of(table.primary_key)
    newer = f"SELECT {key} FROM {candidates.relation}"
    return await dialect.delete_parked(connection, table.name, f"({key}) IN ({newer})")


async def park(
    connection: AsyncConnection,
    dialect: Dialect,
    candidates: Candidates,
    chunk: StagedChunk,
    since: str,
) -> int:
    """Park the chunk's candidates that lack a parent; returns how many."""
    table = candidates.table
    names = [column.name for column in table.columns]
    return await execute(
        connection,
        f"INSERT INTO {dialect.parked(table.name)} ({columns_of(names)},"
        ' "headrace.ingestion_id", "headrace.file_no", "headrace.run",'
        f' {LINE}, {BYTE_OFFSET}, "headrace.parked_since", "headrace.missing_reference")'
        f" SELECT {columns_of(names, 'c')}, :ingestion_id, :file_no, :run,"
        f" c.{LINE}, c.{BYTE_OFFSET}, {dialect.moment(':since')}, m.reference"
        f" FROM {candidates.relation} AS c"
        f" JOIN {candidates.missing} AS m ON m.number = c.{candidates.number}",
        ingestion_id=chunk.key.ingestion_id,
        file_no=chunk.key.file_no,
        run=chunk.key.run,
        since=since,
    )


async def gather(
    connection: AsyncConnection, dialect: Dialect, table: Table, arrivals: Arrivals, name: str
) -> Candidates | None:
    """Lock and copy the parked rows that wait for what arrived; None where there are none.

    Where the table refers to itself, all that hangs on those rows comes along.
    """
    parked = dialect.parked(table.name)
    found = f"WITH RECURSIVE found(number) AS ({_waiting(parked, table, arrivals)}"
    if own := [ref.columns for ref in table.references if ref.table == table.name]:
        below = " OR ".join(f"({match('q', columns, 'p', table.primary_key)})" for columns in own)
        found += (
            f" UNION SELECT q.{NUMBER} FROM found AS f JOIN {parked} AS p"
            f" ON p.{NUMBER} = f.number JOIN {parked} AS q ON {below}"
        )
    await execute(
        connection,
        dialect.create_scratch(
            name,
            f"AS SELECT p.* FROM {parked} AS p WHERE p.{NUMBER} IN"
            f" ({found}) SELECT number FROM found)"
            f" ORDER BY {columns_of(table.primary_key, 'p')} {dialect.locking('UPDATE', 'p')}",
        ),
    )
    relation = dialect.scratch(name)
    if not await exists(connection, relation):
        return None
    for suffix, columns in (("number", NUMBER), ("key", columns_of(table.primary_key))):
        await execute(connection, dialect.create_index(relation, f"{name}_{suffix}", columns))
    return Candidates(table, relation, NUMBER, dialect.scratch(f"{name}_missing"))


def _waiting(parked: str, table: Table, arrivals: Arrivals) -> str:
    """Query of the numbers of parked rows that refer to something that arrived."""
    return " UNION ".join(
        f"SELECT p.{NUMBER} FROM {parked} AS p WHERE ({columns_of(reference.columns, 'p')}) IN"
        f" (SELECT {columns_of(source.table.primary_key, 'c')} FROM {source.relation} AS c"
        f" WHERE {source.complete})"
        for reference in table.references
        for source in arrivals.get(reference.table, ())
    )


async def settle_released(
    connection: AsyncConnection, dialect: Dialect, candidates: Candidates
) -> set[str]:
    """Delete the released among parked rows, note what the others wait for.

    Returns the ingestions that the released came from.
    """
    parked = dialect.parked(candidates.table.name)
    await execute(
        connection,
        f'UPDATE {parked} SET "headrace.missing_reference" = m.reference'
        f" FROM {candidates.missing} AS m WHERE {NUMBER} = m.number"
        ' AND "headrace.missing_reference" <> m.reference',
    )
    released = f"SELECT c.{NUMBER} FROM {candidates.relation} AS c WHERE {candidates.complete}"
    return await dialect.delete_parked(
        connection, candidates.table.name, f"{NUMBER} IN ({released})"
    )
