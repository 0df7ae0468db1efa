"""datamarts refresh, watch, cancel, refreshes."""

from collections.abc import Callable
from typing import Annotated

import typer
from headrace.v1.datamart_pb2 import DatamartRefresh

from headrace_client.client import Client
from headrace_client.commands.datamart_tables import refresh_text, show_refresh, show_refreshes
from headrace_client.commands.output import Output
from headrace_client.commands.session import (
    CLEAN,
    EPILOG,
    FAILED,
    WITH_ERRORS,
    run,
    settings_of,
)
from headrace_client.errors import NotFoundError
from headrace_client.row_bars import RowBar

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Its name, or SCHEMA.NAME; the schema is analytics.")
]
RefreshId = Annotated[
    str, typer.Argument(metavar="ID", help="The id of a refresh; the newest if not given.")
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (refresh, refreshes, watch, cancel):
        app.command(epilog=EPILOG)(command)


def parted(name: str) -> tuple[str, str]:
    """Return schema and name; the schema is empty where none was typed."""
    schema, _, table = name.rpartition(".")
    return schema, table


def refresh(
    context: typer.Context,
    name: Name,
    concurrent: Annotated[
        bool | None,
        typer.Option(help="Whether readers are left undisturbed; as it was created."),
    ] = None,
    upstream: Annotated[
        bool, typer.Option("--upstream", help="First refresh the datamarts that it reads.")
    ] = False,
    watch: Annotated[bool, typer.Option(help="Whether to follow it to its end.")] = True,
) -> None:
    """Bring the rows of a datamart up to date.

    The rows of before can be read meanwhile, and stay where it fails. Exit status: 0 done or not
    followed, 3 skipped, since another refresh was under way, 1 failed or cancelled.

    Examples:
    - `headrace datamarts refresh sales`
    - `headrace datamarts refresh analytics.sales --concurrent --upstream`
    - `headrace datamarts refresh sales --no-watch --json`

    """
    schema, table = parted(name)
    running: list[DatamartRefresh] = []

    async def work(client: Client, output: Output) -> int:
        begun = await client.refresh_datamart(
            table,
            schema=schema,
            concurrent=concurrent,
            include_upstream=upstream,
            wait_seconds=0,
        )
        if not watch:
            _print(begun, output)
            return _exit_status(begun)
        running.append(begun)
        return await follow(client, output, begun)

    run(context, work, way_on=_way_on(context, running))


def refreshes(
    context: typer.Context,
    name: Name,
    limit: Annotated[int, typer.Option(min=1, max=200, help="The most to list.")] = 20,
) -> None:
    """List the refreshes of a datamart, newest first. With --json each is one line."""
    schema, table = parted(name)

    async def work(client: Client, output: Output) -> int:
        found = await newest_refreshes(client, schema, table, limit)
        if output.json:
            for each in found:
                output.document(each)
        elif found:
            show_refreshes(found, output)
        else:
            output.say(f"never refreshed: {output.command(f'datamarts refresh {name}')}")
        return CLEAN

    run(context, work)


def watch(context: typer.Context, name: Name, refresh_id: RefreshId = "") -> None:
    """Follow a refresh until it ends.

    With --json each change is one line. Exit status: 0 done, 3 skipped, 1 failed or cancelled.
    """
    schema, table = parted(name)
    running: list[DatamartRefresh] = []

    async def work(client: Client, output: Output) -> int:
        newest = begun = await _chosen(client, schema, table, refresh_id)
        running.append(begun)
        if not output.json:
            return await follow(client, output, begun)
        async for newest in client.watch_refresh(table, begun.refresh_id, schema=schema):
            output.document(newest)
        return _exit_status(newest)

    run(context, work, way_on=_way_on(context, running))


def cancel(context: typer.Context, name: Name, refresh_id: RefreshId = "") -> None:
    """End a refresh that has not ended; the rows stay those of before."""
    schema, table = parted(name)

    async def work(client: Client, output: Output) -> int:
        chosen = await _chosen(client, schema, table, refresh_id)
        if chosen.terminal:
            output.remarks.print(f"already {refresh_text(chosen)}", soft_wrap=True)
        else:
            chosen = await client.cancel_refresh(table, chosen.refresh_id, schema=schema)
        _print(chosen, output)
        return CLEAN

    run(context, work)


async def newest_refreshes(
    client: Client, schema: str, name: str, limit: int
) -> list[DatamartRefresh]:
    """Return so many refreshes of a datamart at most, newest first."""
    found: list[DatamartRefresh] = []
    async for each in client.list_refreshes(name, schema=schema, page_size=limit):
        found.append(each)
        if len(found) == limit:
            break
    return found


async def _chosen(client: Client, schema: str, name: str, refresh_id: str) -> DatamartRefresh:
    if refresh_id:
        return await client.get_refresh(name, refresh_id, schema=schema)
    found = await newest_refreshes(client, schema, name, 1)
    if not found:
        raise NotFoundError(f"{name} was never refreshed")
    return found[0]


async def follow(
    client: Client, output: Output, begun: DatamartRefresh, *, quiet: bool = False
) -> int:
    """Watch a refresh to its end with a bar, print it unless `quiet`, return the exit status."""
    name, schema, newest = begun.datamart_name, begun.schema, begun
    if not begun.terminal:
        before = (await client.get_datamart(name, schema=schema)).rows_count or None
        with RowBar(output.remarks, f"{schema}.{name}") as bar:
            async for newest in client.watch_refresh(name, begun.refresh_id, schema=schema):
                written = newest.rows_written
                bar.show(refresh_text(newest), written, before if written else None)
            if newest.status == DatamartRefresh.COMPLETED:
                bar.ended(refresh_text(newest), newest.rows_refreshed)
    status = _exit_status(newest)
    if not quiet or status:
        _print(newest, output)
    return status


def _print(refresh: DatamartRefresh, output: Output) -> None:
    if output.json:
        output.document(refresh)
    else:
        show_refresh(refresh, output)


def _exit_status(refresh: DatamartRefresh) -> int:
    if refresh.status == DatamartRefresh.SKIPPED:
        return WITH_ERRORS
    return FAILED if refresh.terminal and refresh.status != DatamartRefresh.COMPLETED else CLEAN


def _way_on(context: typer.Context, running: list[DatamartRefresh]) -> Callable[[], str]:
    def way_on() -> str:
        output = settings_of(context).output()
        return "".join(
            f"the refresh goes on at the server: {output.command(f'datamarts watch {words}')}, "
            f"{output.command(f'datamarts cancel {words}')}"
            for words in (f"{r.schema}.{r.datamart_name} {r.refresh_id}" for r in running)
        )

    return way_on
