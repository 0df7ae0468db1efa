"""tables."""

from typing import Annotated

import typer

from headrace_client.client import Client
from headrace_client.commands.output import Output, when
from headrace_client.commands.session import CLEAN, EPILOG, run
from headrace_client.progress import count_text, size_text


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(tables)


def tables(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A table, or schema.table.")
    ] = None,
) -> None:
    """List the tables of the warehouse, or describe one."""
    if name is None:
        run(context, _list)
    schema, _, table = name.rpartition(".")
    run(context, lambda client, output: _describe(client, schema or "public", table, output))


async def _list(client: Client, output: Output) -> int:
    found = [table async for table in client.list_tables()]
    if output.json:
        for table in found:
            output.document(table)
    else:
        rows = [
            (
                f"{table.schema}.{table.name}",
                f"{table.rows:,}",
                size_text(table.size_bytes) if table.HasField("size_bytes") else "-",
                table.contract,
                when(table, "updated_at"),
            )
            for table in found
        ]
        output.table(("table", ">rows", ">size", "contract", "updated"), rows)
    return CLEAN


async def _describe(client: Client, schema: str, name: str, output: Output) -> int:
    table = await client.describe_table(name, schema)
    if output.json:
        output.document(table)
        return CLEAN
    output.say(f"[bold]{table.schema}.{table.name}[/], {count_text(table.rows, 'row')}")
    rows = [
        (
            column.name + (" *" if column.primary_key else ""),
            column.type,
            "null" if column.nullable else "",
            column.references,
        )
        for column in table.columns
    ]
    output.table(("column", "type", "", "refers to"), rows)
    return CLEAN
