"""Contracts, both ways."""

from headrace.v1 import contract_pb2 as pb

from headrace_server.model.contract import (
    Column,
    ColumnType,
    Contract,
    Reference,
    Table,
    UnknownColumns,
)


def contract_message(record: Contract) -> pb.Contract:
    """Show a contract."""
    return pb.Contract(
        name=record.name,
        version=record.version,
        tables=map(_table_message, record.tables),
        builtin=record.builtin,
        created_at=record.created_at,
    )


def contract_of(message: pb.Contract) -> Contract:
    """Read a contract; what the server sets is ignored."""
    return Contract(name=message.name, tables=tuple(map(_table_of, message.tables)))


def _table_message(table: Table) -> pb.Table:
    return pb.Table(
        name=table.name,
        columns=map(_column_message, table.columns),
        primary_key=table.primary_key,
        references=[pb.Reference(columns=r.columns, table=r.table) for r in table.references],
        unknown_columns=table.unknown_columns.name,
        rescue_column=table.rescue_column,
    )


def _table_of(message: pb.Table) -> Table:
    return Table(
        name=message.name,
        columns=tuple(map(_column_of, message.columns)),
        primary_key=tuple(message.primary_key),
        references=tuple(Reference(tuple(r.columns), r.table) for r in message.references),
        unknown_columns=_unknown_columns_of(message),
        rescue_column=message.rescue_column or None,
    )


def _unknown_columns_of(message: pb.Table) -> UnknownColumns:
    if message.unknown_columns == pb.Table.UNKNOWN_COLUMNS_UNSPECIFIED:
        return UnknownColumns.REJECT
    return UnknownColumns[pb.Table.UnknownColumns.Name(message.unknown_columns)]


def _column_message(column: Column) -> pb.Column:
    text, decimal = column.type is ColumnType.STRING, column.type is ColumnType.DECIMAL
    return pb.Column(
        name=column.name,
        type=column.type.name,
        nullable=column.nullable,
        max_length=column.max_length if text else None,
        precision=column.precision if decimal else None,
        scale=column.scale if decimal else None,
        minimum=column.minimum,
        maximum=column.maximum,
        pattern=column.pattern,
        allowed_values=column.allowed_values,
    )


_DEFAULTS = Column(name="", type=ColumnType.STRING)


def _column_of(message: pb.Column) -> Column:
    given = message.HasField
    return Column(
        name=message.name,
        type=ColumnType[pb.Column.Type.Name(message.type)],
        nullable=message.nullable,
        max_length=message.max_length if given("max_length") else _DEFAULTS.max_length,
        precision=message.precision if given("precision") else _DEFAULTS.precision,
        scale=message.scale if given("scale") else _DEFAULTS.scale,
        minimum=message.minimum if given("minimum") else None,
        maximum=message.maximum if given("maximum") else None,
        pattern=message.pattern if given("pattern") else None,
        allowed_values=tuple(message.allowed_values),
    )
