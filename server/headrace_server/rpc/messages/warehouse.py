"""Tables of the warehouse."""

from headrace.v1 import warehouse_pb2

from headrace_server.model.warehouse import WarehouseColumn, WarehouseTable


def table_message(record: WarehouseTable, contract: str | None) -> warehouse_pb2.WarehouseTable:
    """Show a table and the contract that declares it."""
    return warehouse_pb2.WarehouseTable(
        schema=record.schema,
        name=record.name,
        rows=record.rows,
        size_bytes=record.size_bytes,
        contract=contract,
        updated_at=record.updated_at,
        columns=map(_column_message, record.columns),
    )


def _column_message(column: WarehouseColumn) -> warehouse_pb2.WarehouseTable.Column:
    return warehouse_pb2.WarehouseTable.Column(
        name=column.name,
        type=column.type,
        nullable=column.nullable,
        primary_key=column.primary_key,
        references=column.references,
    )
