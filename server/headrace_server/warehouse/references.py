"""Which candidates lack a parent: set-based, and transitive where a table refers to itself."""

from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Reference, Table
from headrace_server.model.warehouse import Catalog
from headrace_server.warehouse.candidates import Candidates
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.sql import all_present, execute, exists, match

#: makes a name for a temporary table that was not used in the transaction
Scratch = Callable[[str], str]


def refers_to_itself(table: Table) -> bool:
    """Whether rows of the table may be each other's parents."""
    return any(reference.table == table.name for reference in table.references)


async def find_missing(
    connection: AsyncConnection,
    dialect: Dialect,
    candidates: Candidates,
    catalog: Catalog,
    scratch: Scratch,
) -> bool:
    """Fill the relation of candidates that lack a parent; returns whether there is any.

    The parents that are there are held until the transaction ends, and nothing after this reads
    the parents' tables again.
    """
    own: list[tuple[Reference, str]] = []
    for position, reference in enumerate(candidates.table.references):
        parent = catalog[reference.table]
        held = await dialect.hold_parents(
            connection, candidates, reference, parent, scratch("parents")
        )
        orphaned = _orphaned(candidates, reference, parent, held)
        await execute(
            connection,
            f"INSERT INTO {candidates.missing} SELECT c.{candidates.number}, {position}"
            f" FROM {candidates.relation} AS c WHERE {orphaned} ON CONFLICT DO NOTHING",
        )
        if parent.name == candidates.table.name:
            own.append((reference, held))
    if not await exists(connection, candidates.missing):
        return False
    if own:
        await _spread(connection, dialect, candidates, own, scratch("kin"))
    return True


def _orphaned(candidates: Candidates, reference: Reference, parent: Table, held: str) -> str:
    condition = f"{all_present('c', reference.columns)} AND {_absent(reference, parent, held)}"
    if parent.name == candidates.table.name:
        condition += f" AND {_absent(reference, parent, candidates.relation)}"
    return condition


def _absent(reference: Reference, parent: Table, relation: str) -> str:
    same = match("h", parent.primary_key, "c", reference.columns)
    return f"NOT EXISTS (SELECT 1 FROM {relation} AS h WHERE {same})"


async def _spread(
    connection: AsyncConnection,
    dialect: Dialect,
    candidates: Candidates,
    own: list[tuple[Reference, str]],
    kin: str,
) -> None:
    """What hangs on a candidate that lacks a parent lacks one too, to the end of the chain."""
    table, number = candidates.table, candidates.number
    pairs = " UNION ALL ".join(
        f"SELECT p.{number} AS parent, c.{number} AS child,"
        f" {table.references.index(reference)} AS reference"
        f" FROM {candidates.relation} AS c JOIN {candidates.relation} AS p"
        f" ON {match('p', table.primary_key, 'c', reference.columns)}"
        f" WHERE {_absent(reference, table, held)}"
        for reference, held in own
    )
    await execute(connection, dialect.create_scratch(kin, f"AS {pairs}"))
    await execute(connection, dialect.create_index(dialect.scratch(kin), f"{kin}_parent", "parent"))
    await dialect.spread(
        connection,
        f"INSERT INTO {candidates.missing}"
        f" WITH RECURSIVE lost(number, reference) AS (SELECT number, reference"
        f" FROM {candidates.missing} UNION SELECT k.child, k.reference FROM lost AS l"
        f" JOIN {dialect.scratch(kin)} AS k ON k.parent = l.number)"
        " SELECT number, reference FROM lost WHERE TRUE ON CONFLICT DO NOTHING",
        (candidates.missing, dialect.scratch(kin)),
    )
