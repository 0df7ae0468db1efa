"""One line to one row, with care: every verdict that the contract knows, for one column."""

from json import dumps
from typing import NoReturn

from headrace_server.files.json_objects import LineFault, Member, read_object
from headrace_server.files.value_fault import ValueFault, shown, storable
from headrace_server.files.values import reader_of
from headrace_server.model.contract import Column, Table, UnknownColumns
from headrace_server.model.rows import RejectReason, Value


class RowFault(Exception):  # noqa: N818  # a verdict on a row, not a failure of ours
    """The line is no row of the table. `column` is None where the whole line is at fault."""

    def __init__(self, column: str | None, reason: RejectReason, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.reason = reason
        self.message = message


class ObjectReader:
    """Reads one line at a time; `layouts` and `columnar` must agree with its verdicts."""

    def __init__(self, table: Table) -> None:
        """Raises InvalidContractError as `values.reader_of` does."""
        self._table = table
        self._readers = [(column, reader_of(column)) for column in table.columns]
        self._names = frozenset(column.name for column in table.columns)

    def read(self, raw: bytes) -> list[Value]:
        """Return the values of the table's columns in their order.

        Raises RowFault for the first column at fault, then for duplicate, then for unknown keys.
        """
        try:
            members = read_object(raw.decode())
        except UnicodeDecodeError as error:
            message = f"the line is not UTF-8 at its byte {error.start + 1}"
            raise RowFault(None, RejectReason.INVALID_UTF8, message) from None
        except LineFault as fault:
            raise RowFault(None, fault.reason, fault.message) from None
        unknown = [member for member in members if member.key not in self._names]
        values = self._values(members, unknown)
        self._refuse_duplicates(members)
        if unknown and self._table.unknown_columns is UnknownColumns.REJECT:
            self._refuse_unknown(unknown[0])
        return values

    def _values(self, members: list[Member], unknown: list[Member]) -> list[Value]:
        by_key = {member.key: member for member in reversed(members)}
        rescue = self._table.rescue_column
        if unknown and rescue and self._table.unknown_columns is UnknownColumns.RESCUE:
            by_key[rescue] = _rescued(rescue, unknown, by_key.get(rescue))
        values: list[Value] = []
        for column, read in self._readers:
            member = by_key.get(column.name)
            if member is None or member.raw == "null":
                _check_nullable(column, missing=member is None)
                values.append(None)
                continue
            try:
                values.append(read(member.raw, member.text))
            except ValueFault as fault:
                raise RowFault(column.name, fault.reason, fault.message) from None
        return values

    def _refuse_duplicates(self, members: list[Member]) -> None:
        seen: set[str] = set()
        for member in members:
            if member.key in seen:
                key = shown(member.key)
                message = f"the key {key} comes twice; which value counts is not for us to guess"
                raise RowFault(key, RejectReason.DUPLICATE_COLUMN, message)
            seen.add(member.key)

    def _refuse_unknown(self, member: Member) -> NoReturn:
        key = shown(member.key)
        names = ", ".join(column.name for column in self._table.columns)
        message = f"{self._table.name} has no column {key}; it has {storable(names)}"
        raise RowFault(key, RejectReason.UNKNOWN_COLUMN, message)


def _check_nullable(column: Column, *, missing: bool) -> None:
    if column.nullable:
        return
    if missing:
        raise RowFault(
            column.name,
            RejectReason.MISSING_COLUMN,
            f"{column.name} is required; the key is missing",
        )
    raise RowFault(column.name, RejectReason.NULL_VALUE, f"{column.name} is required; found null")


def _rescued(name: str, unknown: list[Member], own: Member | None) -> Member:
    """Gather the unknown keys as one object; a value under the rescue column's name joins them."""
    kept = [own, *unknown] if own and own.raw != "null" else unknown
    pairs = ",".join(f"{dumps(member.key)}:{member.raw}" for member in kept)
    return Member(name, f"{{{pairs}}}", None)
