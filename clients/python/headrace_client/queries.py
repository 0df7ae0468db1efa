"""Queries of the warehouse."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from headrace.v1.warehouse_service_pb2 import RunQueryRequest, RunQueryResponse
from headrace.v1.warehouse_service_pb2_grpc import WarehouseServiceStub

from headrace_client.connection import Connection
from headrace_client.errors import from_code
from headrace_client.streams import received

if TYPE_CHECKING:
    from headrace.v1.warehouse_service_pb2_grpc import WarehouseServiceAsyncStub

#: seconds that the server takes for a query if nothing else is asked for
_USUAL_SECONDS = 30
#: seconds beyond the query's own after which a call counts as lost
_GRACE = 15.0

Column = RunQueryResponse.Column


class QueryCalls(Connection):
    """RunQuery of a Client. Every method raises HeadraceError."""

    @cached_property
    def _queries(self) -> "WarehouseServiceAsyncStub":
        return WarehouseServiceStub(self.channel)

    async def query(
        self, sql: str, *, max_rows: int | None = None, timeout_seconds: int | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield the rows of one query that only reads, by column name.

        Whole numbers are int and exact decimals Decimal; days, times and UUIDs are text, bytes
        hexadecimal digits. At most 1,000 rows and 30 seconds, if nothing else is asked for.
        """
        columns: Sequence[Column] = ()
        messages = self.run_query(sql, max_rows=max_rows, timeout_seconds=timeout_seconds)
        async with aclosing(messages):
            async for message in messages:
                columns = message.columns or columns
                for row in message.rows:
                    yield {
                        column.name: exact(value, column.kind)
                        for column, value in zip(columns, values(row, columns), strict=True)
                    }

    async def run_query(
        self, sql: str, *, max_rows: int | None = None, timeout_seconds: int | None = None
    ) -> AsyncGenerator[RunQueryResponse, None]:
        """Yield the answer of a query: its columns, its rows piece by piece, and the summary.

        Raises UnavailableError where the answer ends without the summary: it was cut.
        """
        request = RunQueryRequest(sql=sql, max_rows=max_rows, timeout_seconds=timeout_seconds)
        metadata = self.metadata()
        silence = (timeout_seconds or _USUAL_SECONDS) + _GRACE
        call = self._queries.RunQuery(request, metadata=metadata)
        async with aclosing(received(self, call, metadata, silence)) as messages:
            async for message in messages:
                yield message
                if message.HasField("summary"):
                    return
        raise from_code(grpc.StatusCode.CANCELLED, "the answer was cut: ask again")


def values(row: Struct, columns: Sequence[Column]) -> list[Any]:
    """The values of a row in the order of the columns, as JSON has them; whole numbers are int."""
    return named_values(row, [column.name for column in columns])


def named_values(row: Struct, names: Sequence[str]) -> list[Any]:
    """The values of a row in the order of these columns, as `values` has them."""
    found = MessageToDict(row)
    return [whole(found[name]) for name in names]


def exact(value: Any, kind: RunQueryResponse.Kind) -> Any:
    """A number as its column has it, whether it came as a number or as text."""
    if kind == RunQueryResponse.INTEGER and isinstance(value, str):
        return int(value)
    if kind == RunQueryResponse.DECIMAL and isinstance(value, int | float | str):
        return Decimal(str(value))
    if kind == RunQueryResponse.FLOAT and isinstance(value, int | str):
        return float(value)
    return value


def whole(value: Any) -> Any:
    """JSON with its whole numbers as int."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(each) for each in value]
    if isinstance(value, dict):
        return {key: whole(each) for key, each in value.items()}
    return value
