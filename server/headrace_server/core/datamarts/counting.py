"""How many rows a datamart has, counted as a query."""

from contextlib import aclosing

from headrace_server.model.datamart import Datamart
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.marts import count_all


async def rows_of(warehouse: Warehouse, mart: Datamart, seconds: float) -> int:
    """Count the rows of a datamart. Raises QueryTimeoutError and InvalidQueryError."""
    query = await warehouse.guarded(count_all(mart.relation))
    count = 0
    async with aclosing(warehouse.query(query, most_rows=1, timeout=seconds)) as pieces:
        async for piece in pieces:
            for row in piece.rows:
                count = int(row[0])
    return count
