"""sql."""

import csv
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any

import typer
from headrace.v1.warehouse_service_pb2 import RunQueryResponse
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.output import Output
from headrace_client.commands.queries import cell, plain, query_of, told_with_tables
from headrace_client.commands.session import CLEAN, EPILOG, run, settings_of
from headrace_client.errors import HeadraceError
from headrace_client.progress import count_text
from headrace_client.queries import Column, values

#: seconds that a query may take at most
_LONGEST = 300
_NUMBERS = {RunQueryResponse.INTEGER, RunQueryResponse.DECIMAL, RunQueryResponse.FLOAT}

#: takes the columns and rows of one piece
Print = Callable[[Sequence[Column], Iterable[list[Any]]], None]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(sql)


def sql(
    context: typer.Context,
    query: Annotated[
        str | None, typer.Argument(metavar="[SQL]", help="The query; - or none: standard input.")
    ] = None,
    *,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", exists=True, dir_okay=False, help="Read the query from FILE."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="The most rows to print.")
    ] = 1000,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Ask the warehouse: run one query that only reads.

    It is in the words of the warehouse's database, SQLite or PostgreSQL. --timeout says how long it
    may run, --json prints a row a line. Ends with status 2 where the query is wrong or refused.
    """
    text = query_of(query, file)
    seconds = min(_LONGEST, max(1, math.ceil(settings_of(context).timeout)))

    async def ask(client: Client, output: Output) -> int:
        try:
            await _answer(client, output, text, limit, seconds, as_csv=as_csv)
        except HeadraceError as error:
            return await told_with_tables(client, error, text)
        return CLEAN

    run(context, ask)


async def _answer(
    client: Client, output: Output, text: str, limit: int, seconds: int, *, as_csv: bool
) -> None:
    columns: Sequence[Column] = ()
    held: list[list[Any]] = []
    to_print = _csv if as_csv else _json(output) if output.json else None
    messages = client.run_query(text, max_rows=limit, timeout_seconds=seconds)
    async with aclosing(messages):
        async for message in messages:
            if message.columns:
                columns = message.columns
                if as_csv:
                    _writer().writerow([column.name for column in columns])
            rows = [values(row, columns) for row in message.rows]
            if to_print is not None:
                to_print(columns, rows)
            else:
                held += rows
            if message.HasField("summary"):
                summary = message.summary
    if to_print is None:
        _table(output, columns, held, summary)
    elif summary.truncated:
        output.remarks.print(_more(summary), style="yellow")


def _writer() -> Any:
    return csv.writer(sys.stdout, lineterminator="\n")


def _csv(_columns: Sequence[Column], rows: Iterable[list[Any]]) -> None:
    _writer().writerows([plain(value) for value in row] for row in rows)


def _json(output: Output) -> Print:
    def to_print(columns: Sequence[Column], rows: Iterable[list[Any]]) -> None:
        names = [column.name for column in columns]
        for row in rows:
            output.document(dict(zip(names, row, strict=True)))

    return to_print


def _table(
    output: Output,
    columns: Sequence[Column],
    rows: list[list[Any]],
    summary: RunQueryResponse.Summary,
) -> None:
    if rows:
        heads = [f"{'>' if each.kind in _NUMBERS else ''}{escape(each.name)}" for each in columns]
        output.table(heads, [[cell(value) for value in row] for row in rows])
    taken = f"{count_text(summary.rows, 'row')} in"
    output.line(f"[dim]{taken} {summary.elapsed_seconds:.2f} s[/]")
    if summary.truncated:
        output.line(f"[yellow]{_more(summary)}[/]")


def _more(summary: RunQueryResponse.Summary) -> str:
    return f"only the first {summary.rows:,} rows: there are more, see --limit"
