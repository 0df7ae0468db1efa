"""What has landed in a tenant's warehouse."""

from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.pages import decode_token, page_of
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.tenant import Principal
from headrace_server.model.warehouse import WarehouseTable
from headrace_server.warehouse.registry import Warehouses

TableWithContract = tuple[WarehouseTable, str | None]
"""A table and the contract that declares it, if one does."""


class WarehouseTables:
    """The tables of a tenant's warehouse."""

    def __init__(self, warehouses: Warehouses, contracts: Contracts) -> None:
        self._warehouses = warehouses
        self._contracts = contracts

    async def list(self, caller: Principal, page: PageRequest) -> Page[TableWithContract]:
        """Return a page of the tables, by schema and name."""
        after = tuple(decode_token(page.token, str, str)) if page.token else ("", "")
        async with self._warehouses.use(caller.tenant_id) as warehouse:
            tables = await warehouse.list_tables()
        left = [table for table in tables if (table.schema, table.name) > after]
        found = [(table, await self._contract(caller, table)) for table in left[: page.limit + 1]]
        return page_of(found, page.limit, lambda last: [last[0].schema, last[0].name])

    async def describe(self, caller: Principal, schema: str, name: str) -> TableWithContract:
        """Return one table with its columns. Raises NotFoundError."""
        async with self._warehouses.use(caller.tenant_id) as warehouse:
            table = await warehouse.describe_table(schema, name)
        return table, await self._contract(caller, table)

    async def _contract(self, caller: Principal, table: WarehouseTable) -> str | None:
        if table.schema != "public":
            return None
        return await self._contracts.contract_of(caller.tenant_id, table.name)
