"""How many rows a query has, told by another."""

from contextlib import aclosing

from headrace_server.warehouse.base import Warehouse


async def rows_of(warehouse: Warehouse, query: str, seconds: float) -> int:
    """Count the rows of a query of SQL. Raises QueryTimeoutError and InvalidQueryError."""
    counting = await warehouse.guarded(
        f"SELECT count(*) FROM (\n{query}\n) AS counted"  # noqa: S608  # guarded as a whole
    )
    count = 0
    async with aclosing(warehouse.query(counting, most_rows=1, timeout=seconds)) as pieces:
        async for piece in pieces:
            for row in piece.rows:
                count = int(row[0])
    return count
