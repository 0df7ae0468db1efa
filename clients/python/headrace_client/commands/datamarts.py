"""datamarts."""

from typing import Annotated

import typer
from headrace.v1.datamart_service_pb2 import DatamartSchedule, PreviewDatamartResponse
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands import datamart_creation, datamart_refreshes, exports
from headrace_client.commands.datamart_creation import ConcurrentOption, TimeZoneOption
from headrace_client.commands.datamart_refreshes import Name, newest_refreshes, parted
from headrace_client.commands.datamart_tables import (
    drawn,
    full_name,
    show_datamart,
    show_list,
    show_refreshes,
    show_versions,
)
from headrace_client.commands.output import Output, when
from headrace_client.commands.queries import cell
from headrace_client.commands.session import CLEAN, EPILOG, run, usage_errors
from headrace_client.errors import NotFoundError, WrongStateError
from headrace_client.queries import named_values

app = typer.Typer(
    no_args_is_help=True, help="Datamarts: queries whose rows are kept, and brought up to date."
)
_SHOWN_REFRESHES = 5


@app.command("list", epilog=EPILOG)
def list_datamarts(
    context: typer.Context,
    schema: Annotated[str, typer.Option(help="Only those of this schema.")] = "",
) -> None:
    """List the datamarts with their rows, size, last refresh and schedule. With --json one a line.

    Examples:
    - `headrace datamarts list`
    - `headrace datamarts list --schema analytics --json`

    """

    async def work(client: Client, output: Output) -> int:
        found = [each async for each in client.list_datamarts(schema=schema, page_size=1000)]
        if output.json:
            for each in found:
                output.document(each)
        elif found:
            show_list(found, output)
        else:
            output.say(f"no datamarts yet: {output.command('datamarts create NAME --query SQL')}")
        return CLEAN

    run(context, work)


@app.command("show", epilog=EPILOG)
def show(context: typer.Context, name: Name) -> None:
    """Show a datamart: its query, what it reads and what reads it, and its last refreshes."""
    schema, name = parted(name)

    async def work(client: Client, output: Output) -> int:
        found = await client.get_datamart(name, schema=schema)
        if output.json:
            output.document(found)
            return CLEAN
        others = client.list_datamarts(include_statistics=False, page_size=1000)
        show_datamart(found, output)
        for tree in drawn(found, [each async for each in others]):
            output.line("")
            output.console.print(tree)
        refreshes = await newest_refreshes(client, found.schema, found.name, _SHOWN_REFRESHES)
        if refreshes:
            output.line("\n[bold]last refreshes[/]")
            show_refreshes(refreshes, output)
        return CLEAN

    run(context, work)


@app.command("preview", epilog=EPILOG)
def preview(
    context: typer.Context,
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The most rows.")] = 20,
) -> None:
    """Show the first rows of a datamart. With --json a row a line."""
    schema, name = parted(name)

    async def work(client: Client, output: Output) -> int:
        found = await client.preview_datamart(name, schema=schema, limit=limit)
        if output.json:
            for row in found.data:
                values = named_values(row, found.columns)
                output.document(dict(zip(found.columns, values, strict=True)))
        else:
            _show_rows(found, output)
        return CLEAN

    run(context, work)


def _show_rows(found: PreviewDatamartResponse, output: Output) -> None:
    rows = [named_values(row, found.columns) for row in found.data]
    if rows:
        columns = [
            f"{'>' if all(_is_number(row[place]) for row in rows) else ''}{escape(name)}"
            for place, name in enumerate(found.columns)
        ]
        output.table(columns, [[cell(value) for value in row] for row in rows])
    output.line(f"[dim]{found.rows_returned:,} of {found.total_rows:,} rows[/]")


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


@app.command("versions", epilog=EPILOG)
def versions(context: typer.Context, name: Name) -> None:
    """List the versions of a datamart, and until when each is kept. With --json one a line."""
    schema, name = parted(name)

    async def work(client: Client, output: Output) -> int:
        newest = await client.get_datamart(name, schema=schema)
        listed = client.list_datamarts(schema=newest.schema, page_size=1000)
        found = [
            each
            async for each in listed
            if each.HasField("version") and each.versioned_name == newest.versioned_name
        ]
        if not found:
            raise NotFoundError(f"{full_name(newest)} has no versions")
        if output.json:
            for each in found:
                output.document(each)
        else:
            show_versions(found, output)
        return CLEAN

    run(context, work)


@app.command("schedule", epilog=EPILOG)
def schedule(
    context: typer.Context,
    name: Name,
    cron: Annotated[
        str, typer.Argument(metavar="CRON", help='Five fields in quotes, such as "0 2 * * *".')
    ],
    time_zone: TimeZoneOption = "",
    concurrent: ConcurrentOption = None,
) -> None:
    """Have a datamart refreshed by a schedule, and say when next.

    Examples:
    - `headrace datamarts schedule sales "0 2 * * *"`
    - `headrace datamarts schedule sales "*/15 8-18 * * mon-fri" --time-zone Europe/Berlin`

    """
    schema, name = parted(name)

    async def work(client: Client, output: Output) -> int:
        with usage_errors(client.address):
            made = await client.schedule_datamart(
                name, cron, schema=schema, time_zone=time_zone, concurrent=concurrent
            )
        _print_schedule(made, output)
        return CLEAN

    run(context, work)


@app.command("unschedule", epilog=EPILOG)
def unschedule(context: typer.Context, name: Name) -> None:
    """End the schedule of a datamart; it is refreshed when asked for from then on."""
    schema, name = parted(name)

    async def work(client: Client, output: Output) -> int:
        _print_schedule(await client.unschedule_datamart(name, schema=schema), output)
        return CLEAN

    run(context, work)


def _print_schedule(schedule: DatamartSchedule, output: Output) -> None:
    name = escape(f"{schedule.schema}.{schedule.datamart_name}")
    if output.json:
        output.document(schedule)
    elif schedule.status == DatamartSchedule.UNSCHEDULED:
        output.line(f"{name} is refreshed when asked for")
    else:
        output.line(f"{name} is refreshed next at {when(schedule, 'next_run')}")


@app.command("delete", epilog=EPILOG)
def delete(
    context: typer.Context,
    name: Name,
    cascade: Annotated[
        bool, typer.Option("--cascade", help="Delete its schedule and what reads it too.")
    ] = False,
) -> None:
    """Delete a datamart, and with a name that has versions all of them.

    Where others read it, or it has a schedule, that is refused with their names.
    """
    schema, name = parted(name)

    async def work(client: Client, output: Output) -> int:
        try:
            gone = await client.delete_datamart(name, schema=schema, cascade=cascade)
        except WrongStateError as error:
            error.message = error.message.replace("give cascade", "give --cascade")
            raise
        if output.json:
            output.document({"deleted": gone})
        else:
            for each in gone:
                output.line(f"deleted {escape(each)}")
        return CLEAN

    run(context, work)


datamart_creation.add_to(app)
datamart_refreshes.add_to(app)
app.command("export", epilog=EPILOG)(exports.export_datamart)
