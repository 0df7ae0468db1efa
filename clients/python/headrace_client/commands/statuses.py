"""status, watch, cancel, retry, health."""

from typing import Annotated

import typer
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.status_service_pb2 import GetHealthResponse
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.output import Output, size_text, when
from headrace_client.commands.session import CLEAN, EPILOG, FAILED, exit_status, run
from headrace_client.progress import IngestionProgress, follow, rows_text, status_text

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
            await _show_files(client, ingestion, output)
        return exit_status(ingestion)

    async def several(client: Client, output: Output) -> int:
        ingestions: list[Ingestion] = []
        async for ingestion in client.list_statuses(page_size=min(limit, 1000)):
            ingestions.append(ingestion)
            if len(ingestions) == limit:
                break
        _list(ingestions, output)
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

    run(context, work, when_interrupted=f"it goes on; headrace watch {request_id}")


def cancel(context: typer.Context, request_id: RequestId) -> None:
    """End an ingestion: what is loaded stays, the rest ends CANCELLED."""

    async def work(client: Client, output: Output) -> int:
        _print(await client.cancel_ingestion(request_id), output)
        return CLEAN

    run(context, work)


def retry(context: typer.Context, request_id: RequestId) -> None:
    """Run again what failed or was cancelled; nothing is loaded twice."""

    async def work(client: Client, output: Output) -> int:
        _print(await client.retry_ingestion(request_id), output)
        return CLEAN

    run(context, work)


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
    total = size_text(ingestion.bytes_total)
    pairs = [
        ("id", ingestion.request_id),
        ("status", f"{status_text(ingestion)}, {ingestion.progress} % of {total}"),
        ("rows", rows_text(ingestion)),
        ("created", when(ingestion, "created_at")),
        ("completed", when(ingestion, "completed_at")),
    ]
    if ingestion.HasField("details"):
        pairs.append(("details", escape(ingestion.details)))
    if ingestion.rows_rejected or ingestion.rows_parked:
        pairs.append(("next", f"headrace rejects {ingestion.request_id}"))
    elif ingestion.status in {Ingestion.FAILED, Ingestion.CANCELLED}:
        pairs.append(("next", f"headrace retry {ingestion.request_id}"))
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
    output.table(("file", "type", "status", ">loaded", ">rejected", ">parked", "error"), rows)


def _list(ingestions: list[Ingestion], output: Output) -> None:
    if output.json:
        for ingestion in ingestions:
            output.document(ingestion)
    elif not ingestions:
        output.say("no ingestions yet: headrace ingest FILE")
    else:
        rows = [
            (i.request_id, status_text(i), f"{i.progress} %", rows_text(i), when(i, "created_at"))
            for i in ingestions
        ]
        output.table(("id", "status", ">progress", "rows", "created"), rows, markup=True)
