"""How SQLite's tables are changed: written anew in their whole, and what hangs on them kept."""

from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.warehouse.schema import invalid
from headrace_server.warehouse.sql import columns_of, execute, rows
from headrace_server.warehouse.widening import is_stored_alike, is_unbounded

#: name of the SQL function below
FLOAT_TEXT = "headrace_float_text"


def float_text(value: float | None) -> str | None:
    """The shortest text that is read as the same number; SQLite's own has 15 digits."""
    return None if value is None else repr(value).removesuffix(".0")


def converted(
    column: Column, wider: Column, expression: str, text: Callable[[Column, str], str]
) -> str:
    """See `Dialect.converted`; `text` gives a value's text."""
    if is_stored_alike(column, wider):
        return expression
    if wider.type is ColumnType.STRING:
        return text(column, expression)
    if wider.type is ColumnType.DATETIME:
        return f"{expression} || 'T00\\:00\\:00.000000'"
    return _decimal(column, wider, expression)


def _decimal(column: Column, wider: Column, expression: str) -> str:
    """A whole number, or the digits of a decimal with others after the point than before."""
    if column.type is ColumnType.INTEGER:
        return f"CAST({expression} AS TEXT)"
    if not is_unbounded(wider):
        point = "" if column.scale else "."
        return f"{expression} || '{point}{'0' * (wider.scale - column.scale)}'"
    if not column.scale:
        return expression
    return f"rtrim(rtrim({expression}, '0'), '.')"


async def attachments(connection: AsyncConnection, table: str) -> Sequence[str]:
    """Statements that make the indexes and triggers that users put on a table."""
    found = await rows(
        connection,
        "SELECT sql FROM sqlite_schema WHERE tbl_name = :name COLLATE NOCASE"
        " AND type IN ('index', 'trigger') AND sql IS NOT NULL",
        name=table,
    )
    return [row.sql for row in found]


async def put_in_place(connection: AsyncConnection, draft: str, target: str, name: str) -> None:
    """Let a draft take the place, the name and all that hangs on the table (quoted names first)."""
    hung = await attachments(connection, name)
    # Else the renaming trips over views of the table that is gone for a moment.
    await execute(connection, "PRAGMA legacy_alter_table = ON")
    await execute(connection, f"DROP TABLE {target}")
    await execute(connection, f"ALTER TABLE {draft} RENAME TO {target}")
    await execute(connection, "PRAGMA legacy_alter_table = OFF")
    for statement in hung:
        await connection.exec_driver_sql(statement)


async def require_ours(connection: AsyncConnection, table: Table, name: str) -> None:
    """Raise InvalidContractError where the table has a column that none of ours declared."""
    found = {str(column) for column, *_ in await layout(connection, name)}
    if others := found - {column.name for column in table.columns}:
        raise invalid(table.name, min(others), "others added it: the table cannot be written anew")


async def replace_rows(
    connection: AsyncConnection, draft: str, target: str, columns: Sequence[str]
) -> None:
    """Write the rows of a draft into a table that has columns of its own, instead of its rows."""
    names = columns_of(columns)
    await execute(connection, f"DELETE FROM {target}")
    await execute(connection, f"INSERT INTO {target} ({names}) SELECT {names} FROM {draft}")
    await execute(connection, f"DROP TABLE {draft}")


async def layout(connection: AsyncConnection, table: str) -> Sequence[tuple[object, ...]]:
    """Name, type, NOT NULL, default and place in the key of each column, hidden ones too."""
    found = await rows(
        connection,
        'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(:name)',
        name=table,
    )
    return [tuple(row) for row in found]


async def add_columns(connection: AsyncConnection, target: str, columns: Sequence[str]) -> None:
    """Add nullable columns, each a name with its type, in place."""
    for column in columns:
        await execute(connection, f"ALTER TABLE {target} ADD COLUMN {column}")
