"""The options of commands that bring files into tables."""

from enum import Enum
from typing import Annotated, Any, cast

import typer
from headrace.v1.storage_pb2 import ImportOptions as Options

from headrace_client.storage import ImportOptions

_ROWS, _FILES = "How rows get into the table", "How the file is written (found out if not given)"


class ModeName(Enum):
    """The names of the modes, as typed."""

    APPEND = "append"
    REPLACE = "replace"
    UPSERT = "upsert"


class NewColumnsName(Enum):
    """The names of what becomes of new columns, as typed."""

    ADD = "add"
    REJECT = "reject"
    RESCUE = "rescue"


class TypeChangesName(Enum):
    """The names of what becomes of values that do not fit, as typed."""

    REJECT_ROW = "reject-row"
    WIDEN = "widen"


_MODES: dict[ModeName, Options.Mode] = {
    ModeName.APPEND: Options.APPEND,
    ModeName.REPLACE: Options.REPLACE,
    ModeName.UPSERT: Options.UPSERT,
}
_NEW_COLUMNS: dict[NewColumnsName, Options.NewColumns] = {
    NewColumnsName.ADD: Options.ADD,
    NewColumnsName.REJECT: Options.REJECT,
    NewColumnsName.RESCUE: Options.RESCUE,
}
_TYPE_CHANGES: dict[TypeChangesName, Options.TypeChanges] = {
    TypeChangesName.REJECT_ROW: Options.REJECT_ROW,
    TypeChangesName.WIDEN: Options.WIDEN,
}

TableOption = Annotated[
    str,
    typer.Option(
        "--table", metavar="SCHEMA.TABLE", rich_help_panel=_ROWS,
        help="Where to; by the file's name if not given.",
    ),
]  # fmt: skip
ModeOption = Annotated[
    ModeName | None,
    typer.Option(
        case_sensitive=False, rich_help_panel=_ROWS,
        help="What becomes of the table's rows; append if not given, upsert with --key.",
    ),
]  # fmt: skip
KeyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--key", metavar="COLUMN", rich_help_panel=_ROWS,
        help="Tells rows apart, for upsert. May be given several times.",
    ),
]  # fmt: skip
TypeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--type", metavar="COLUMN=SQLTYPE", rich_help_panel=_ROWS,
        help='Such as "price=DECIMAL(10, 2)"; other types are found out. Several times.',
    ),
]  # fmt: skip
NullOption = Annotated[
    list[str] | None,
    typer.Option(
        "--null", metavar="TEXT", rich_help_panel=_ROWS,
        help="Stands for no value, beside the empty text. Several times.",
    ),
]  # fmt: skip
InferOption = Annotated[
    bool | None,
    typer.Option(
        "--infer/--no-infer", rich_help_panel=_ROWS,
        help="Whether types are found out, which they are if not given; otherwise all is text.",
    ),
]  # fmt: skip
NewColumnsOption = Annotated[
    NewColumnsName | None,
    typer.Option(
        case_sensitive=False, rich_help_panel=_ROWS,
        help="What becomes of columns that the table has not; add if not given.",
    ),
]  # fmt: skip
TypeChangesOption = Annotated[
    TypeChangesName | None,
    typer.Option(
        case_sensitive=False, rich_help_panel=_ROWS,
        help="What becomes of values that do not fit their column; widen if not given.",
    ),
]  # fmt: skip
DelimiterOption = Annotated[
    str | None, typer.Option(rich_help_panel=_FILES, help="What parts fields.")
]
EncodingOption = Annotated[
    str | None, typer.Option(rich_help_panel=_FILES, help="Such as utf-8 or cp1252.")
]
QuoteOption = Annotated[
    str | None, typer.Option(rich_help_panel=_FILES, help="What stands around fields.")
]
HeaderOption = Annotated[
    bool | None,
    typer.Option("--header/--no-header", rich_help_panel=_FILES, help="Whether columns are named."),
]
SkipLinesOption = Annotated[
    int | None, typer.Option(min=0, rich_help_panel=_FILES, help="Lines before the table.")
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format", rich_help_panel=_FILES, help="csv, tsv, json, ndjson, xlsx or parquet."
    ),
]
SheetOption = Annotated[
    str | None, typer.Option(rich_help_panel=_FILES, help="Sheet of a workbook.")
]


def import_options(
    *,
    mode: ModeName | None,
    types: list[str] | None,
    new_columns: NewColumnsName | None,
    type_changes: TypeChangesName | None,
    **others: Any,
) -> ImportOptions:
    """Return the options that were typed, without those that were not.

    `others` have the names of ImportOptions. Raises typer.BadParameter for a wrong type.
    """
    given = {
        "mode": _MODES[mode] if mode else None,
        "new_columns": _NEW_COLUMNS[new_columns] if new_columns else None,
        "type_changes": _TYPE_CHANGES[type_changes] if type_changes else None,
        "data_types": dict(map(_column_type, types or ())),
        **others,
    }
    named = {name: each for name, each in given.items() if each not in (None, [], {})}
    return cast("ImportOptions", named)


def _column_type(text: str) -> tuple[str, str]:
    column, equals, sql_type = text.rpartition("=")
    if not (equals and column and sql_type.strip()):
        raise typer.BadParameter(f"--type {text}: write COLUMN=SQLTYPE, such as sku=VARCHAR(20)")
    return column, sql_type.strip()
