"""What a new version of a contract may change, given that tables hold data of the old one."""

from collections.abc import Iterator

from headrace_server.core.contracts.rules import Finding, TablePlace, places, refuse
from headrace_server.model.contract import Column, ColumnType, Contract, Table


def check_successor(old: Contract, new: Contract) -> None:
    """Raise InvalidContractError where `new` could not hold the rows loaded under `old`.

    Allowed: new tables; new nullable columns after the old ones; a column that becomes nullable;
    a larger max_length; a larger precision at the same scale; other rules for values and unknown
    columns, which hold for rows to come. Both contracts passed `check`.
    """
    refuse([*_findings(old, new)])


def is_same(old: Contract, new: Contract) -> bool:
    """Whether both declare the same; the order of tables and references says nothing."""
    return _declared(old) == _declared(new)


def _declared(contract: Contract) -> dict[str, tuple[object, ...]]:
    return {
        table.name: (
            table.columns,
            table.primary_key,
            frozenset(table.references),
            table.unknown_columns,
            table.rescue_column,
        )
        for table in contract.tables
    }


def _findings(old: Contract, new: Contract) -> Iterator[Finding]:
    by_name = {place.table.name: place for place in places(new)}
    for table in old.tables:
        place = by_name.get(table.name)
        if place is None:
            yield Finding(
                "contract.tables",
                f"{table.name!r} is missing: declare it as before, its rows stay in the warehouse",
                table.name,
            )
        else:
            yield from _table_findings(table, place)


def _table_findings(old: Table, place: TablePlace) -> Iterator[Finding]:
    if place.table.primary_key != old.primary_key:
        yield place.finding(
            ".primary_key",
            f"must stay {', '.join(old.primary_key)}: declare a new table for another key",
        )
    if frozenset(place.table.references) != frozenset(old.references):
        yield place.finding(
            ".references",
            "must stay as they were, loaded rows may break others: declare a new table for them",
        )
    yield from _dropped_findings(old, place)
    yield from _column_findings(old, place)


def _dropped_findings(old: Table, place: TablePlace) -> Iterator[Finding]:
    kept = {column.name for column in place.table.columns}
    for column in old.columns:
        if column.name not in kept:
            yield place.finding(
                ".columns",
                f"{column.name!r} is missing: keep it, and make it nullable where data lacks it",
                column.name,
            )


def _column_findings(old: Table, place: TablePlace) -> Iterator[Finding]:
    known = {column.name: column for column in old.columns}
    last_kept = max(
        (i for i, column in enumerate(place.table.columns) if column.name in known), default=-1
    )
    kept = [column.name for column in place.table.columns if column.name in known]
    if kept != [column.name for column in old.columns if column.name in kept]:
        yield place.finding(".columns", f"must keep their order: {', '.join(known)}")
    for index, column in enumerate(place.table.columns):
        path = f".columns[{index}]"
        if column.name in known:
            for rule, description in _changes(known[column.name], column):
                yield place.finding(f"{path}.{rule}", description, column.name)
        elif index < last_kept:
            yield place.finding(path, f"{column.name!r} must come after the old ones", column.name)
        elif not column.nullable:
            yield place.finding(
                f"{path}.nullable",
                f"{column.name!r} is new and must be nullable: the rows loaded so far lack it",
                column.name,
            )


def _changes(old: Column, new: Column) -> Iterator[tuple[str, str]]:
    if new.type is not old.type:
        way_out = f"add a nullable column for values of type {new.type.value}"
        yield "type", f"must stay {old.type.value}: {way_out}"
        return
    if old.nullable and not new.nullable:
        yield "nullable", "must stay: rows loaded so far may hold nulls"
    if new.type is ColumnType.STRING and new.max_length < old.max_length:
        yield "max_length", f"must be at least {old.max_length}, loaded texts may be as long"
    if new.type is ColumnType.DECIMAL and new.precision < old.precision:
        yield "precision", f"must be at least {old.precision}, loaded numbers may have as many"
    if new.type is ColumnType.DECIMAL and new.scale != old.scale:
        yield "scale", f"must stay {old.scale}: add a nullable column for another scale"
