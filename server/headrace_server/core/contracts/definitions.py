"""Contracts as JSON, the form in which the control store keeps them."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from typing import Any

from headrace_server.model.contract import (
    Column,
    ColumnType,
    Contract,
    Reference,
    Table,
    UnknownColumns,
)


def to_definition(contract: Contract) -> dict[str, Any]:
    """Return the tables as JSON, every rule written out; name and version are kept beside it."""
    return {"tables": [asdict(table, dict_factory=_plain) for table in contract.tables]}


def from_definition(
    definition: Mapping[str, Any], *, name: str, version: int, created_at: datetime
) -> Contract:
    """Return the contract that `to_definition` made this of."""
    tables = tuple(map(_table, definition["tables"]))
    return Contract(name, tables, version=version, created_at=created_at)


def _plain(items: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: _plain_value(value) for key, value in items}


def _plain_value(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return list(value) if isinstance(value, tuple) else value


def _table(definition: Mapping[str, Any]) -> Table:
    return Table(
        name=definition["name"],
        columns=tuple(map(_column, definition["columns"])),
        primary_key=tuple(definition["primary_key"]),
        references=tuple(map(_reference, definition["references"])),
        unknown_columns=UnknownColumns(definition["unknown_columns"]),
        rescue_column=definition["rescue_column"],
    )


def _column(definition: Mapping[str, Any]) -> Column:
    return Column(
        **{
            **definition,
            "type": ColumnType(definition["type"]),
            "allowed_values": tuple(definition["allowed_values"]),
        }
    )


def _reference(definition: Mapping[str, Any]) -> Reference:
    return Reference(tuple(definition["columns"]), definition["table"])
