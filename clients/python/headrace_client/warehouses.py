"""Calls of WarehouseService."""

from collections.abc import AsyncIterator
from functools import cached_property
from typing import TYPE_CHECKING

from headrace.v1 import warehouse_service_pb2 as pb
from headrace.v1.warehouse_pb2 import WarehouseTable
from headrace.v1.warehouse_service_pb2_grpc import WarehouseServiceStub

from headrace_client.connection import Connection

if TYPE_CHECKING:
    from headrace.v1.warehouse_service_pb2_grpc import WarehouseServiceAsyncStub


class WarehouseCalls(Connection):
    """WarehouseService of a Client. Every method raises HeadraceError."""

    @cached_property
    def _warehouse(self) -> "WarehouseServiceAsyncStub":
        return WarehouseServiceStub(self.channel)

    async def list_tables(self, *, page_size: int = 0) -> AsyncIterator[WarehouseTable]:
        """Yield the tables of the warehouse, by schema and name."""
        request = pb.ListTablesRequest(page_size=page_size)
        async for page in self.pages(self._warehouse.ListTables, request):
            for table in page.tables:
                yield table

    async def describe_table(self, table: str, schema: str = "public") -> WarehouseTable:
        """Describe one table with its columns."""
        request = pb.DescribeTableRequest(schema=schema, table=table)
        return await self.call(self._warehouse.DescribeTable, request)
