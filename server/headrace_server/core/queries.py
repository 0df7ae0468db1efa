"""Queries that users write, run on their tenant's warehouse."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from headrace_server.model.errors import QuotaExceededError
from headrace_server.model.query import QueryBatch
from headrace_server.model.tenant import Principal
from headrace_server.warehouse.registry import Warehouses

#: queries that one tenant may have running
MOST_AT_ONCE = 4
#: rows of one piece of an answer
_BATCH = 1000
_RETRY_AFTER = 1.0


class Queries:
    """Runs queries, so many of a tenant at once."""

    def __init__(self, warehouses: Warehouses) -> None:
        self._warehouses = warehouses
        self._running: Counter[str] = Counter()

    async def run(
        self, caller: Principal, sql: str, *, most_rows: int, seconds: float
    ) -> AsyncGenerator[QueryBatch, None]:
        """Yield the columns of a query, then its rows; see `Warehouse.query`.

        Raises InvalidQueryError, QueryTimeoutError, QuotaExceededError for one query too many, and
        StorageUnavailableError.
        """
        with self._place(caller.tenant_id):
            async with self._warehouses.use(caller.tenant_id) as warehouse:
                query = await warehouse.guarded(sql)
                pieces = warehouse.query(query, most_rows=most_rows, timeout=seconds, batch=_BATCH)
                async with aclosing(pieces):
                    async for piece in pieces:
                        yield piece

    @contextmanager
    def _place(self, tenant_id: str) -> Iterator[None]:
        if self._running[tenant_id] >= MOST_AT_ONCE:
            raise QuotaExceededError(
                f"{MOST_AT_ONCE} queries of this tenant are running; wait for one to end",
                limit="queries",
                retry_after=_RETRY_AFTER,
            )
        self._running[tenant_id] += 1
        try:
            yield
        finally:
            self._running[tenant_id] -= 1
            if not self._running[tenant_id]:
                del self._running[tenant_id]
