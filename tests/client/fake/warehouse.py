"""Tables that hold next to nothing."""

import re
from typing import Any

import grpc
from headrace.v1 import warehouse_pb2, warehouse_service_pb2, warehouse_service_pb2_grpc
from headrace.v1.warehouse_service_pb2 import RunQueryResponse as Answer

from .refusals import Context, fail, not_found
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

    def RunQuery(self, request: Any, context: Context) -> Any:  # noqa: N802
        """Answer by the words of the query: one that is wrong, slow, cut, or has three rows."""
        if "nope" in request.sql:
            code, where = grpc.StatusCode.INVALID_ARGUMENT, {"line": "1", "column": "8"}
            fail(context, code, "INVALID_QUERY", "sql: no such column: nope", **where)
        if missing := re.search(r"missing from (.+)", request.sql):
            code = grpc.StatusCode.INVALID_ARGUMENT
            fail(context, code, "INVALID_QUERY", f"sql: no such table: {missing[1]}")
        if "slow" in request.sql:
            late = grpc.StatusCode.DEADLINE_EXCEEDED
            fail(context, late, "QUERY_TIMEOUT", "the query ran longer than 1 s")
        kinds = (Answer.INTEGER, Answer.DECIMAL, Answer.FLOAT, Answer.STRING, Answer.JSON)
        names = ("id", "price", "share", "name", "more")
        columns = [Answer.Column(name=n, kind=k) for n, k in zip(names, kinds, strict=True)]
        yield Answer(columns=columns)
        if "cut" in request.sql:
            return
        for more in (None, True, {"a": [1]}):
            answer = Answer()
            row = ("9007199254740993" if more else 1, 1.5, 2, "an\napple", more)
            answer.rows.add().update(dict(zip(names, row, strict=True)))
            yield answer
        summary = Answer.Summary(rows=3, truncated=request.max_rows == 3, elapsed_seconds=0.5)
        yield Answer(summary=summary)

    def DescribeTable(self, request: Any, context: Context) -> Any:  # noqa: N802
        if request.table not in TABLES:
            not_found(context, "table", request.table)
        table = warehouse_pb2.WarehouseTable(schema="public", name=request.table, rows=3)
        table.columns.add(name="id", type="uuid", primary_key=True)
        if request.table == "products":
            for name in ("sku", "price"):
                table.columns.add(name=name, type="text")
        return table
