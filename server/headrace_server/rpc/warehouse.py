"""WarehouseService."""

# ruff: noqa: N802, ARG002  # names and signatures are those of the protos

from collections.abc import AsyncIterator
from contextlib import aclosing

from headrace.v1 import warehouse_pb2, warehouse_service_pb2_grpc
from headrace.v1 import warehouse_service_pb2 as pb

from headrace_server.core.queries import Queries
from headrace_server.core.warehouse_tables import WarehouseTables
from headrace_server.rpc.call import Context, caller
from headrace_server.rpc.messages.page import page_request
from headrace_server.rpc.messages.query import answer, query_limits
from headrace_server.rpc.messages.warehouse import table_message


class WarehouseServicer(warehouse_service_pb2_grpc.WarehouseServiceServicer):
    """Shows what has landed in the tenant's warehouse."""

    def __init__(self, tables: WarehouseTables, queries: Queries) -> None:
        self._tables = tables
        self._queries = queries

    async def ListTables(
        self, request: pb.ListTablesRequest, context: Context
    ) -> pb.ListTablesResponse:
        page = await self._tables.list(caller(), page_request(request))
        return pb.ListTablesResponse(
            tables=[table_message(table, contract) for table, contract in page.items],
            next_page_token=page.next_token,
        )

    async def DescribeTable(
        self, request: pb.DescribeTableRequest, context: Context
    ) -> warehouse_pb2.WarehouseTable:
        table, contract = await self._tables.describe(caller(), request.schema, request.table)
        return table_message(table, contract)

    async def RunQuery(
        self, request: pb.RunQueryRequest, context: Context
    ) -> AsyncIterator[pb.RunQueryResponse]:
        pieces = self._queries.run(caller(), request.sql, **query_limits(request))
        async with aclosing(pieces), aclosing(answer(pieces)) as messages:
            async for message in messages:
                yield message
