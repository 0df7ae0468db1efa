"""contracts list, show, register."""

from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import Parse, ParseError
from headrace.v1.contract_pb2 import Column, Contract, Table
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.output import Output
from headrace_client.commands.session import CLEAN, EPILOG, run

_TYPES = ", ".join(each.name for each in Column.Type.DESCRIPTOR.values if each.number)
_HOW = (
    f'Column types: {_TYPES}. minimum and maximum are strings, also of numbers: "0". '
    "See an example with: headrace contracts show commerce --json"
)

app = typer.Typer(no_args_is_help=True, help="The tables that files are loaded into.")


@app.command("list", epilog=EPILOG)
def list_contracts(context: typer.Context) -> None:
    """List the contracts with their tables."""

    async def work(client: Client, output: Output) -> int:
        contracts = [contract async for contract in client.list_contracts()]
        if output.json:
            for contract in contracts:
                output.document(contract)
        else:
            output.table(("name", ">version", "tables"), map(_row, contracts))
        return CLEAN

    run(context, work)


@app.command(epilog=EPILOG)
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The name of the contract.")],
    version: Annotated[int, typer.Option(min=0, help="The version; 0 is the newest.")] = 0,
) -> None:
    """Show the columns of a contract and their rules; with --json as register takes it, to edit."""

    async def work(client: Client, output: Output) -> int:
        contract = await client.get_contract(name, version)
        if output.json:
            output.document(contract, indent=2)
        else:
            output.say(f"[bold]{escape(contract.name)}[/], version {contract.version}")
            for table in contract.tables:
                _show_table(table, output)
        return CLEAN

    run(context, work)


@app.command(epilog=EPILOG)
def register(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A contract in JSON.")],
) -> None:
    """Register a contract, or a new version of it.

    Example:
    - `headrace contracts show commerce --json > mine.json`
    - `headrace contracts register mine.json`

    """
    contract = read_contract(file)

    async def work(client: Client, output: Output) -> int:
        registered = await client.register_contract(contract)
        if output.json:
            output.document(registered)
        else:
            output.say(f"registered {registered.name}, version {registered.version}")
        return CLEAN

    run(context, work)


def read_contract(path: Path) -> Contract:
    """Read a contract in protobuf JSON. Raises typer.BadParameter."""
    try:
        contract = Parse(path.read_text("utf-8"), Contract())
    except (ParseError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} is not a contract: {error}. {_HOW}") from None
    if not (contract.name and contract.tables):
        raise typer.BadParameter(f"{path} is not a contract: it needs a name and tables. {_HOW}")
    return contract


def _row(contract: Contract) -> tuple[str, str, str]:
    tables = ", ".join(table.name for table in contract.tables)
    builtin = " (built in)" if contract.builtin else ""
    return contract.name + builtin, str(contract.version), tables


def _show_table(table: Table, output: Output) -> None:
    refers = {
        column: reference.table for reference in table.references for column in reference.columns
    }
    rows = [
        (
            column.name + (" *" if column.name in table.primary_key else ""),
            _type(column),
            "null" if column.nullable else "",
            f"→ {refers[column.name]}" if column.name in refers else "",
            _rules(column),
        )
        for column in table.columns
    ]
    unknown = Table.UnknownColumns.Name(table.unknown_columns or Table.REJECT)
    rescue = f" into {table.rescue_column}" if table.rescue_column else ""
    output.say(
        f"\n[bold]{escape(table.name)}[/]   (* primary key; unknown columns: {unknown}{rescue})"
    )
    output.table(("column", "type", "null", "refers to", "rules"), rows)


def _rules(column: Column) -> str:
    rules = []
    if column.HasField("minimum"):
        rules.append(f">= {column.minimum}")
    if column.HasField("maximum"):
        rules.append(f"<= {column.maximum}")
    if column.HasField("pattern"):
        rules.append(f"matches {column.pattern}")
    if column.allowed_values:
        rules.append(f"one of {', '.join(column.allowed_values)}")
    return "; ".join(rules)


def _type(column: Column) -> str:
    name = Column.Type.Name(column.type).lower()
    if column.type == Column.STRING:
        return f"{name}({column.max_length or 255})"
    if column.type == Column.DECIMAL:
        if column.HasField("precision") and column.precision == 0:
            return name
        scale = column.scale if column.HasField("scale") else 4
        return f"{name}({column.precision or 18},{scale})"
    return name
