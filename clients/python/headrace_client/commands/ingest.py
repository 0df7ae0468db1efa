"""ingest."""

import asyncio
from collections.abc import Awaitable
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.priority_pb2 import Priority
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.output import Output
from headrace_client.commands.session import CLEAN, EPILOG, FAILED, exit_status, explained, run
from headrace_client.commands.statuses import show
from headrace_client.errors import HeadraceError
from headrace_client.progress import IngestionProgress, Row, follow


class PriorityName(Enum):
    """The names of the priorities, as typed."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


_PRIORITIES: dict[PriorityName, Priority] = {
    PriorityName.HIGH: Priority.HIGH,
    PriorityName.MEDIUM: Priority.MEDIUM,
    PriorityName.LOW: Priority.LOW,
}

PriorityOption = Annotated[
    PriorityName | None,
    typer.Option(case_sensitive=False, help="How urgently it is loaded; medium if not given."),
]


def priority_of(name: PriorityName | None) -> Priority | None:
    """Return the priority of a name."""
    return _PRIORITIES[name] if name else None


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(ingest)


def ingest(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False, readable=True)
    ],
    data_type: Annotated[
        str | None, typer.Option(help="The table they hold; read off the file names if not given.")
    ] = None,
    priority: PriorityOption = None,
    watch: Annotated[bool, typer.Option(help="Whether to follow the loading to its end.")] = True,
    idempotency_key: Annotated[
        str | None,
        typer.Option(help="Makes a repeated run find the first one's upload. For one FILE only."),
    ] = None,
) -> None:
    """Upload files and load them.

    Uploads survive cuts and restarts of the server. Exit status: 0 clean, 3 finished with errors
    (see `headrace rejects`), 1 failed.

    Examples:
    - `headrace ingest customers_0001.ndjson orders_*.ndjson`
    - `headrace ingest dump.ndjson --data-type orders --no-watch --json`

    """
    if idempotency_key and len(files) > 1:
        raise typer.BadParameter("--idempotency-key goes with one FILE only")

    async def one(client: Client, file: Path, row: Row) -> Ingestion:
        upload = await client.upload(
            file,
            data_type=data_type,
            priority=priority_of(priority),
            idempotency_key=idempotency_key,
            on_progress=row.uploading,
        )
        request_id = upload.request_id or ""
        if watch:
            return await follow(client, request_id, row)
        return await client.get_status(request_id)

    async def work(client: Client, output: Output) -> int:
        with IngestionProgress(output.remarks) as progress:
            rows = [progress.add(file.name, file.stat().st_size) for file in files]
            pairs = zip(files, rows, strict=True)
            results = await asyncio.gather(
                *(_caught(one(client, file, row), row) for file, row in pairs)
            )
        return _report(files, results, client.address, output)

    again = "run the same command again"
    run(context, work, when_interrupted=again)


async def _caught(work: Awaitable[Ingestion], row: Row) -> Ingestion | HeadraceError:
    try:
        return await work
    except HeadraceError as error:
        row.failed(error.message)
        return error


def _report(
    files: list[Path], results: list[Ingestion | HeadraceError], address: str, output: Output
) -> int:
    status = CLEAN
    for file, result in zip(files, results, strict=True):
        if isinstance(result, HeadraceError):
            text = f"error: {file.name}: {explained(result, address)}"
            output.remarks.print(f"[red]{escape(text)}[/]", soft_wrap=True)
            status = FAILED
        elif output.json:
            output.document(result)
        else:
            output.say(f"[bold]{escape(file.name)}[/]")
            show(result, output)
    ended = exit_status(*(result for result in results if isinstance(result, Ingestion)))
    return status or ended
