"""Parts of SQLite's tables that stand for the whole."""

from collections.abc import Collection

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.warehouse.sampling import Sample
from headrace_server.warehouse.sql import rows

#: rows of a sample that lie together
_RUN = 100
#: rows that take a tenth of a second or two to count
_MOST_COUNTED = 2_000_000


async def sample(
    connection: AsyncConnection, table: str, target: str, columns: Collection[str], most: int
) -> Sample:
    """Runs of rows that lie together, at equal distances: scattered rows cost a page each.

    Distances are those of the rows' numbers, which users may choose: where a number is free the
    next row is taken.
    """
    numbered = await rows(
        connection,
        "SELECT 1 FROM pragma_table_list(:name) WHERE type = 'table' AND NOT wr",
        name=table,
    )
    free = [word for word in ("rowid", "_rowid_", "oid") if word not in columns]
    counted = await _counted(connection, target, max(most + 1, _MOST_COUNTED))
    if not numbered or not free or counted <= most:
        return Sample(f"{target} AS s")
    number = free[0]
    # Two statements: together they would read the whole table.
    [(first,)] = await rows(connection, f"SELECT min({number}) FROM {target}")
    [(last,)] = await rows(connection, f"SELECT max({number}) FROM {target}")
    step = max(_RUN, (last - first + 1) * _RUN // most)
    runs = (
        f"WITH RECURSIVE starts(start) AS (SELECT {first} UNION ALL"
        f" SELECT (SELECT min({number}) FROM {target} WHERE {number} >= start + {step})"
        f" FROM starts WHERE start + {step} <= {last}),"
        " runs(start, stop) AS (SELECT start, min(start + "
        f"{step - 1}, (SELECT max(n) FROM (SELECT {number} AS n FROM {target}"
        f" WHERE {number} >= start ORDER BY {number} LIMIT {_RUN}))) FROM starts)"
    )
    part = (
        f"{runs} SELECT t.* FROM runs CROSS JOIN {target} AS t"
        f" ON t.{number} BETWEEN runs.start AND runs.stop"
    )
    in_all = counted
    if counted >= _MOST_COUNTED:
        in_all = await _estimated(connection, target, runs, number, (last - first + 1, step))
    return Sample(f"({part}) AS s", whole=False, rows=in_all)


async def _counted(connection: AsyncConnection, target: str, most: int) -> int:
    [(count,)] = await rows(
        connection, f"SELECT count(*) FROM (SELECT 1 FROM {target} LIMIT {most})"
    )
    return int(count)


async def _estimated(
    connection: AsyncConnection, target: str, runs: str, number: str, span_and_step: tuple[int, int]
) -> int:
    """As many rows as numbers, less the gaps within the runs; where there are gaps between, all."""
    span, step = span_and_step
    [(count, width, sampled)] = await rows(
        connection,
        f"{runs} SELECT count(*), sum(stop - start + 1.0), sum((SELECT count(*) FROM {target}"
        f" WHERE {number} BETWEEN runs.start AND runs.stop)) FROM runs",
    )
    if 10 * count * step < 9 * span or 2 * sampled < width:
        [(exact,)] = await rows(connection, f"SELECT count(*) FROM {target}")
        return int(exact)
    return int(span * sampled / width)
