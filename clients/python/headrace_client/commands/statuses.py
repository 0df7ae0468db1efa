"""status, watch, cancel, retry, health."""

import asyncio
from collections.abc import Callable
from itertools import chain, repeat
from typing import Annotated

import typer
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.status_service_pb2 import GetHealthResponse, GetResultsResponse
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.output import Output, when
from headrace_client.commands.session import (
    CLEAN,
    EPILOG,
    FAILED,
    exit_status,
    follow_text,
    run,
    settings_of,
)
from headrace_client.progress import IngestionProgress, done_text, follow, size_text, status_text

_NAMED = 20

RequestId = Annotated[str, typer.Argument(metavar="ID", help="The request id of an ingestion.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (status, watch, cancel, retry, health):
        app.command(epilog=EPILOG)(command)


def status(
    context: typer.Context,
    request_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One ingestion; all without it.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most ingestions to list.")] = 20,
) -> None:
    """Show the ingestions, newest first, or one of them with its files.

    With an ID the exit status is that of the ingestion: 0 clean or still running, 3 finished with
    errors, 1 failed.
    """

    async def one(client: Client, output: Output) -> int:
        ingestion = await client.get_status(request_id or "")
        if output.json:
            output.document(ingestion)
        else:
            show(ingestion, output)
            if ingestion.kind != Ingestion.MAPPINGS:
                await _show_files(client, ingestion, output)
        return exit_status(ingestion)

    async def several(client: Client, output: Output) -> int:
        ingestions: list[Ingestion] = []
        async for ingestion in client.list_statuses(page_size=min(limit, 1000)):
            ingestions.append(ingestion)
            if len(ingestions) == limit:
                break
        if output.json or not ingestions:
            _list(ingestions, output)
        else:
            await _show_list(client, ingestions, output)
        return CLEAN

    run(context, one if request_id else several)


def watch(context: typer.Context, request_id: RequestId) -> None:
    """Follow an ingestion until it ends.

    With --json each change is one line. Exit status: 0 clean, 3 finished with errors, 1 failed.
    """

    async def work(client: Client, output: Output) -> int:
        if output.json:
            newest = Ingestion()
            async for newest in client.watch(request_id):
                output.document(newest)
            return exit_status(newest)
        with IngestionProgress(output.remarks, total=False) as progress:
            newest = await follow(client, request_id, progress.add(request_id, 0))
        show(newest, output)
        return exit_status(newest)

    run(context, work, way_on=_way_on(context, request_id))


def cancel(context: typer.Context, request_id: RequestId) -> None:
    """End an ingestion: what is loaded stays, the rest ends CANCELLED."""

    async def work(client: Client, output: Output) -> int:
        known = await client.get_status(request_id)
        if known.terminal:
            output.remarks.print(f"already {status_text(known)}", soft_wrap=True)
        else:
            known = await client.cancel_ingestion(request_id)
        _print(known, output)
        return CLEAN

    run(context, work)


def retry(
    context: typer.Context,
    request_id: RequestId,
    watch: Annotated[bool, typer.Option(help="Whether to follow the loading to its end.")] = True,
) -> None:
    """Run again what failed or was cancelled; nothing is loaded twice.

    Exit status: 0 clean or not followed, 3 finished with errors, 1 failed.
    """

    async def work(client: Client, output: Output) -> int:
        ingestion = await client.retry_ingestion(request_id)
        if not watch:
            _print(ingestion, output)
            return CLEAN
        with IngestionProgress(output.remarks, total=False) as progress:
            ingestion = await follow(client, request_id, progress.add(request_id, 0))
        _print(ingestion, output)
        return exit_status(ingestion)

    run(context, work, way_on=_way_on(context, request_id))


def _way_on(context: typer.Context, request_id: str) -> Callable[[], str]:
    return lambda: follow_text(request_id, settings_of(context).output())


def health(context: typer.Context) -> None:
    """Tell whether the server works. Exit status 1 when it does not."""

    async def work(client: Client, output: Output) -> int:
        answer = await client.get_health()
        if output.json:
            output.document(answer)
        else:
            name = GetHealthResponse.Status.Name(answer.status)
            output.say(f"{name}: {client.address}, {answer.active_requests} ingestions running")
        return CLEAN if answer.status == GetHealthResponse.HEALTHY else FAILED

    run(context, work)


def show(ingestion: Ingestion, output: Output) -> None:
    """Print an ingestion for people, with what to do about its errors."""
    mappings = ingestion.kind == Ingestion.MAPPINGS
    total = "" if mappings else f" of {size_text(ingestion.bytes_total)}"
    pairs = [
        ("id", ingestion.request_id),
        ("status", f"{status_text(ingestion)}, {ingestion.progress} %{total}"),
        ("done" if mappings else "rows", done_text(ingestion)),
        ("created", when(ingestion, "created_at")),
        ("completed", when(ingestion, "completed_at")),
    ]
    if ingestion.HasField("details"):
        pairs.append(("details", escape(ingestion.details)))
    if ingestion.rows_rejected or ingestion.rows_parked:
        pairs.append(("next", output.command(f"rejects {ingestion.request_id}")))
    elif mappings and ingestion.failed_mappings:
        pairs.append(("next", output.command(f"mappings results {ingestion.request_id} --failed")))
    elif ingestion.status in {Ingestion.FAILED, Ingestion.CANCELLED}:
        pairs.append(("next", output.command(f"retry {ingestion.request_id}")))
    output.facts(pairs)


def _print(ingestion: Ingestion, output: Output) -> None:
    if output.json:
        output.document(ingestion)
    else:
        show(ingestion, output)


async def _show_files(client: Client, ingestion: Ingestion, output: Output) -> None:
    results = await client.get_results(ingestion.request_id)
    rows = (
        (
            file.id,
            file.data_type,
            Ingestion.Status.Name(file.status),
            f"{file.rows_loaded:,}",
            f"{file.rows_rejected:,}",
            f"{file.rows_parked:,}",
            file.error,
        )
        for file in results.files
    )
    columns = ("file", "type", "status", ">loaded", ">rejected", ">parked", "error")
    output.table(columns, rows, spare=("type",))


def _list(ingestions: list[Ingestion], output: Output) -> None:
    for ingestion in ingestions:
        output.document(ingestion)
    if not ingestions:
        output.say("no ingestions yet: headrace ingest FILE")


async def _show_list(client: Client, ingestions: list[Ingestion], output: Output) -> None:
    # Names cost a call each: a long list does without those of its end.
    calls = (client.get_results(i.request_id, page_size=1) for i in ingestions[:_NAMED])
    named = [_files_text(results) for results in await asyncio.gather(*calls)]
    rows = [
        (i.request_id, file, status_text(i), f"{i.progress} %", done_text(i), when(i, "created_at"))
        for i, file in zip(ingestions, chain(named, repeat("")), strict=False)
    ]
    columns = ("id", "file", "status", ">progress", "done", "created")
    output.table(columns, rows, markup=True, spare=("created", ">progress", "done"))


def _files_text(results: GetResultsResponse) -> str:
    names = [file.id for file in results.files]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return escape(names[0]) + more if names else ""
