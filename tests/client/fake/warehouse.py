"""Tables that hold next to nothing."""

from typing import Any

from headrace.v1 import warehouse_pb2, warehouse_service_pb2, warehouse_service_pb2_grpc

from .refusals import Context, not_found
from .room import Room
from .state import TABLES


class Warehouse(Room, warehouse_service_pb2_grpc.WarehouseServiceServicer):
    def ListTables(self, request: Any, context: Context) -> Any:  # noqa: N802
        tables = [
            warehouse_pb2.WarehouseTable(schema="public", name=name, rows=3, size_bytes=4096)
            for name in TABLES
        ]
        tables, token = self.page(tables, request)
        return warehouse_service_pb2.ListTablesResponse(tables=tables, next_page_token=token)

    def DescribeTable(self, request: Any, context: Context) -> Any:  # noqa: N802
        if request.table not in TABLES:
            not_found(context, "table", request.table)
        table = warehouse_pb2.WarehouseTable(schema="public", name=request.table, rows=3)
        table.columns.add(name="id", type="uuid", primary_key=True)
        if request.table == "products":
            for name in ("sku", "price"):
                table.columns.add(name=name, type="text")
        return table
