"""preview."""

from pathlib import Path
from typing import Annotated, Any, cast

import typer
from google.protobuf.json_format import MessageToDict
from headrace.v1.preview_pb2 import Preview
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.output import Output
from headrace_client.commands.session import CLEAN, EPILOG, run
from headrace_client.previews import PreviewOptions
from headrace_client.progress import count_text, size_text

_WIDEST_CELL = 40
_NUMBERS = {"integer", "float"}
_SURE = 0.8


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(preview)


def preview(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A local file.")],
    *,
    remote: Annotated[
        bool, typer.Option("--remote", help="FILE is a path that the server can read.")
    ] = False,
    limit: Annotated[int | None, typer.Option(help="Rows to show.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="What parts fields.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Such as utf-8 or cp1252.")] = None,
    quote: Annotated[str | None, typer.Option(help="What stands around fields.")] = None,
    has_header: Annotated[
        bool | None, typer.Option("--header/--no-header", help="Whether columns are named.")
    ] = None,
    skip_lines: Annotated[int | None, typer.Option(help="Lines before the table.")] = None,
    file_format: Annotated[
        str | None, typer.Option("--format", help="csv, tsv, json, ndjson, xlsx or parquet.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook.")] = None,
    sample_bytes: Annotated[int | None, typer.Option(help="Bytes to look at.")] = None,
) -> None:
    """Show what a file holds: its format, columns with types, and first rows. Nothing is loaded."""
    given: dict[str, Any] = {
        "limit": limit if limit is not None else 10,
        "delimiter": delimiter,
        "encoding": encoding,
        "quote": quote,
        "has_header": has_header,
        "skip_lines": skip_lines,
        "format": file_format,
        "sheet": sheet,
        "sample_bytes": sample_bytes,
    }
    named = {name: each for name, each in given.items() if each is not None}
    options = cast("PreviewOptions", named)

    async def show(client: Client, output: Output) -> int:
        if remote:
            found = await client.preview_path(file, **options)
        else:
            found = await client.preview_file(Path(file), **options)
        if output.json:
            output.document(found)
        else:
            _print(found, output)
        return CLEAN

    run(context, show)


def _print(found: Preview, output: Output) -> None:
    about = "" if found.rows_are_exact else "about "
    size = f"{about}{count_text(found.estimated_total_rows, 'row')}"
    output.line(
        f"[bold]{escape(found.file_name)}[/]: {escape(_kind(found))}, "
        f"{size_text(found.file_size_bytes)}, {size}"
    )
    unsure = sorted(name for name, each in found.confidences.items() if each < _SURE)
    if unsure:
        output.line(f"[yellow]not sure of: {', '.join(unsure)}[/]")
    for count, what in (
        (found.preamble_rows, "lines before the table"),
        (found.ragged_rows, "rows with more or fewer fields than columns"),
        (found.unreadable_rows, "rows that cannot be read"),
    ):
        if count:
            output.line(f"[yellow]{count:,} {what}[/]")
    columns = [
        f"{'>' if column.data_type in _NUMBERS else ''}{escape(column.name)}\n{column.data_type}"
        for column in found.column_details
    ]
    if columns:
        rows = [MessageToDict(row) for row in found.preview_data]
        output.table(columns, [[_cell(row.get(name)) for name in found.columns] for row in rows])


def _kind(found: Preview) -> str:
    """What the file is, in words."""
    words = [found.detected_format]
    if found.detected_compression != "none":
        words.append(found.detected_compression)
    if found.HasField("detected_encoding"):
        words.append(found.detected_encoding)
    if found.HasField("detected_delimiter"):
        words.append(f"fields parted by {found.detected_delimiter!r}")
    if found.HasField("sheet"):
        words.append(f"sheet {found.sheet!r}")
    return ", ".join(words)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(str(value).split())
    return text if len(text) <= _WIDEST_CELL else f"{text[: _WIDEST_CELL - 1]}…"
