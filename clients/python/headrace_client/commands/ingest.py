"""ingest."""

import asyncio
import hashlib
import json
import platform
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.priority_pb2 import Priority
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.output import Output
from headrace_client.commands.session import (
    EPILOG,
    FAILED,
    USAGE,
    error_status,
    exit_status,
    explained,
    follow_text,
    run,
    settings_of,
)
from headrace_client.commands.statuses import show
from headrace_client.errors import HeadraceError, NotFoundError
from headrace_client.progress import IngestionProgress, Row, follow
from headrace_client.uploading import Upload


class PriorityName(Enum):
    """The names of the priorities, as typed."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


# Formats that are never JSON lines, told by the name before anything is sent.
_OTHER_FORMATS = {".csv", ".tsv", ".md", ".xml", ".xlsx", ".parquet", ".zip", ".pdf"}

_PRIORITIES: dict[PriorityName, Priority] = {
    PriorityName.HIGH: Priority.HIGH,
    PriorityName.MEDIUM: Priority.MEDIUM,
    PriorityName.LOW: Priority.LOW,
}

PriorityOption = Annotated[
    PriorityName | None,
    typer.Option(case_sensitive=False, help="How urgent it is; medium if not given."),
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
        typer.Option(
            help="Names the upload for a day, in place of the file's path, size and time. "
            "For one FILE only."
        ),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Load again what was ingested before.")
    ] = False,
) -> None:
    """Upload files and load them.

    Uploads survive cuts and restarts of the server; the same command goes on with one that was
    interrupted, and for a day finds again what it ingested while the file is unchanged. Exit
    status: 0 clean, 3 finished with errors (see `headrace rejects`), 2 refused before anything was
    sent, 1 failed.

    Examples, in server/headrace_server/demo_data:
    - `headrace ingest customers_0001.ndjson products_0001.ndjson`
    - `headrace ingest products_damaged.ndjson --data-type products --no-watch --json`

    """
    if idempotency_key and (len(files) > 1 or fresh):
        raise typer.BadParameter("--idempotency-key goes with one FILE, and without --fresh")
    files = _files(files)
    settings = settings_of(context)
    started: dict[Path, Started] = {}

    async def one(client: Client, file: Path, row: Row) -> Ingestion:
        async def upload(key: str | None) -> Upload:
            return await client.upload(
                file,
                data_type=data_type,
                priority=priority_of(priority),
                idempotency_key=key,
                on_progress=row.uploading,
            )

        derived = None if fresh else upload_key(file, settings.tenant_id, data_type, priority)
        try:
            sent = await upload(idempotency_key or derived)
        except NotFoundError:  # the upload of that key has expired
            if idempotency_key or fresh:
                raise
            sent = await upload(None)
        known = Started(sent.request_id or "", earlier=sent.earlier)
        started[file] = known
        if not watch:
            return await client.get_status(known.request_id)
        ingestion = await follow(client, known.request_id, row)
        started[file] = replace(known, ended=True)
        return ingestion

    async def work(client: Client, output: Output) -> int:
        with IngestionProgress(output.remarks) as progress:
            rows = [progress.add(file.name, file.stat().st_size) for file in files]
            pairs = zip(files, rows, strict=True)
            results = await asyncio.gather(
                *(_caught(one(client, file, row), row) for file, row in pairs)
            )
        return _report(files, results, started, client.address, output)

    def way_on() -> str:
        running = [each.request_id for each in started.values() if not each.ended]
        ways = [follow_text(request_id, settings.output()) for request_id in running]
        if len(started) < len(files):
            ways.append("run the same command again to go on with the upload")
        return "\n".join(ways)

    run(context, work, way_on=way_on)


def _files(named: list[Path]) -> list[Path]:
    """Return each file once. Raises typer.BadParameter for one that cannot be JSON lines."""
    for file in named:
        if file.suffix.lower() in _OTHER_FORMATS:
            raise typer.BadParameter(
                f"{file}: JSON lines are taken (.ndjson, .jsonl; .gz, .zst); "
                "`headrace import` takes other files, below a mount"
            )
    return list({file.resolve(): file for file in named}.values())


@dataclass(frozen=True, slots=True)
class Started:
    """A file that the server has."""

    #: its ingestion
    request_id: str
    #: whether an earlier command had uploaded it
    earlier: bool
    #: whether the ingestion was followed to its end
    ended: bool = False


def upload_key(
    file: Path, tenant_id: str | None, data_type: str | None, priority: PriorityName | None
) -> str:
    """Return the idempotency key that the same command finds again for an unchanged file."""
    stat = file.stat()
    named = [
        platform.node(), str(file.resolve()), stat.st_size, stat.st_mtime_ns,
        tenant_id, data_type, priority and priority.value,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()[:32]


async def _caught(work: Awaitable[Ingestion], row: Row) -> Ingestion | HeadraceError:
    try:
        return await work
    except HeadraceError as error:
        row.failed()
        return error


def _report(
    files: list[Path],
    results: list[Ingestion | HeadraceError],
    started: Mapping[Path, Started],
    address: str,
    output: Output,
) -> int:
    statuses = set()
    for file, result in zip(files, results, strict=True):
        known = started.get(file)
        if known and known.earlier:
            text = f"{file.name}: already ingested as {known.request_id}; --fresh loads it again"
            output.remarks.print(escape(text), soft_wrap=True)
        if isinstance(result, HeadraceError):
            text = f"error: {file.name}: {explained(result, address)}"
            if known:
                text += f"; {follow_text(known.request_id, output)}"
            output.remarks.print(f"[red]{escape(text)}[/]", soft_wrap=True)
            statuses.add(error_status(result))
        elif output.json:
            output.document(result)
        else:
            output.say(f"[bold]{escape(file.name)}[/]")
            show(result, output)
    ended = [result for result in results if isinstance(result, Ingestion)]
    if statuses:
        return USAGE if statuses == {USAGE} and not ended else FAILED
    return exit_status(*ended)
