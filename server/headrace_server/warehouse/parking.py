"""Parked rows: children whose parent is missing, until it arrives."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.warehouse import StagedChunk
from headrace_server.warehouse.candidates import BYTE_OFFSET, LINE, NUMBER, Candidates
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.sql import column_names, columns_of, execute, exists, match, rows

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


async def as_parked(connection: AsyncConnection, dialect: Dialect, table: Table) -> Table:
    """Return the table with all columns that its parked rows have.

    They may have come under a newer contract than the one that a load began with.
    """
    names = await column_names(connection, dialect.parked(table.name))
    declared = {column.name for column in table.columns}
    newer = tuple(
        Column(name, ColumnType.STRING, nullable=True)
        for name in names
        if name not in declared and not name.startswith("headrace.")
    )
    return replace(table, columns=table.columns + newer)


async def gather_waiting(
    connection: AsyncConnection, dialect: Dialect, table: Table, arrivals: Arrivals, name: str
) -> Candidates | None:
    """Take the parked rows that wait for what arrived, and all that hangs on them.

    They are locked and copied into a scratch table of that name. None where there are none.
    """
    parked = dialect.parked(table.name)
    below = [
        match("q", reference.columns, "p", table.primary_key)
        for reference in table.references
        if reference.table == table.name
    ]
    seeds = _waiting(parked, table, arrivals)
    return await _gather(connection, dialect, table, seeds, below, name)


async def gather_ancestors(
    connection: AsyncConnection, dialect: Dialect, candidates: Candidates, name: str
) -> Candidates | None:
    """Take the candidates that were parked just now, and the parked rows they hang on.

    Together they may close a circle: each is parked only because another is.
    """
    table = candidates.table
    key = columns_of(table.primary_key)
    seeds = (
        f"SELECT p.{NUMBER} FROM {dialect.parked(table.name)} AS p WHERE ({key}) IN"
        f" (SELECT {columns_of(table.primary_key, 'c')} FROM {candidates.relation} AS c"
        f" WHERE NOT {candidates.complete})"
    )
    above = [
        match("q", table.primary_key, "p", reference.columns)
        for reference in table.references
        if reference.table == table.name
    ]
    return await _gather(connection, dialect, table, seeds, above, name)


async def _gather(
    connection: AsyncConnection,
    dialect: Dialect,
    table: Table,
    seeds: str,
    steps: Sequence[str],
    name: str,
) -> Candidates | None:
    """Take parked rows and those reached from them (alias `p` to `q`) by any of the steps."""
    parked, relation = dialect.parked(table.name), dialect.scratch(name)
    found = f"WITH RECURSIVE found(number) AS ({seeds}"
    if steps:
        found += (
            f" UNION SELECT q.{NUMBER} FROM found AS f JOIN {parked} AS p"
            f" ON p.{NUMBER} = f.number JOIN {parked} AS q ON {' OR '.join(steps)}"
        )
    taken = (
        f"AS SELECT p.* FROM {parked} AS p WHERE p.{NUMBER} IN"
        f" ({found}) SELECT number FROM found)"
        f" ORDER BY {columns_of(table.primary_key, 'p')} {dialect.locking('UPDATE', 'p')}"
    )
    await execute(connection, dialect.create_scratch(name, taken))
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


async def count_released(
    connection: AsyncConnection, candidates: Candidates, released: Candidates
) -> int:
    """How many of the candidates that lacked a parent are among the released."""
    key = candidates.table.primary_key
    [(count,)] = await rows(
        connection,
        f"SELECT count(*) FROM {released.relation} AS c WHERE {released.complete}"
        f" AND ({columns_of(key, 'c')}) IN (SELECT {columns_of(key, 'c')}"
        f" FROM {candidates.relation} AS c WHERE NOT {candidates.complete})",
    )
    return int(count)
