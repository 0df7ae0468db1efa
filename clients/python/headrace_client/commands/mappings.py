"""mappings."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.mapping_pb2 import MappingResult
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.ingest import PriorityOption, priority_of
from headrace_client.commands.output import Output
from headrace_client.commands.session import (
    CLEAN,
    EPILOG,
    exit_status,
    explained,
    follow_text,
    run,
    settings_of,
)
from headrace_client.commands.statuses import RequestId, show
from headrace_client.errors import InvalidRequestError
from headrace_client.mapping_files import MappingFileError, read_mappings
from headrace_client.progress import IngestionProgress, follow

app = typer.Typer(no_args_is_help=True, help="Mappings: from a source, transformed, to a target.")

#: results that a table has at most if nothing else is asked for
_SHOWN = 1000

_STYLES: dict[MappingResult.Status, str] = {
    MappingResult.COMPLETED: "green",
    MappingResult.FAILED: "red",
    MappingResult.CANCELLED: "red",
}


@app.command("submit", epilog=EPILOG)
def submit(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, readable=True, allow_dash=True,
            help="JSON or NDJSON; - is standard input.",
        ),
    ],
    priority: PriorityOption = None,
    wait: Annotated[bool, typer.Option(help="Whether to follow the work to its end.")] = True,
    idempotency_key: Annotated[
        str | None,
        typer.Option(help="The same request under the same key is the same for a day."),
    ] = None,
) -> None:  # fmt: skip
    """Submit the mappings of a file as one request, and follow it.

    FILE holds `{"mappings": [...], "priority": "HIGH"}`, a list of mappings, or one mapping a line.
    A mapping has an id, a source, a target and, if it changes something, a transformation. An
    address whose scheme is http, https, file or table, or that of a store the server allows (s3,
    gs, ...), is read or written there; a bare name is the simulated external system. Exit status: 0
    clean, 3 some mappings failed, 1 all failed, 2 refused.

    Examples:
    - `headrace mappings submit mappings.json --priority HIGH`
    - `headrace mappings submit mappings.ndjson --no-wait --json`

    """
    text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    try:
        request = read_mappings(text)
    except MappingFileError as error:
        raise typer.BadParameter(f"{file}: {error}") from None
    chosen = priority_of(priority) or request.priority
    started: list[str] = []

    async def work(client: Client, output: Output) -> int:
        try:
            answer = await client.create_ingestion(
                request.mappings, priority=chosen, idempotency_key=idempotency_key
            )
        except InvalidRequestError as error:
            raise typer.BadParameter(explained(error, client.address)) from None
        started.append(answer.request_id)
        if not wait:
            _print(await client.get_status(answer.request_id), output)
            return CLEAN
        name = f"{len(request.mappings):,} mappings"
        with IngestionProgress(output.remarks, total=False) as progress:
            ingestion = await follow(client, answer.request_id, progress.add(name, 0))
        started.clear()
        _print(ingestion, output)
        return exit_status(ingestion)

    def way_on() -> str:
        return "".join(follow_text(each, settings_of(context).output()) for each in started)

    run(context, work, way_on=way_on)


@app.command("results", epilog=EPILOG)
def results(
    context: typer.Context,
    request_id: RequestId,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed.")] = False,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="The most results to show; 1,000 if not given, all with --json."),
    ] = None,
) -> None:
    """Show what became of each mapping of a request.

    With --json each result is one line.

    Examples:
    - `headrace mappings results ID --failed`
    - `headrace mappings results ID --json > results.ndjson`

    """

    async def work(client: Client, output: Output) -> int:
        most = limit or (None if output.json else _SHOWN)
        found: list[MappingResult] = []
        number = 0
        async for result in client.list_mapping_results(request_id, page_size=1000):
            if failed and result.status != MappingResult.FAILED:
                continue
            number += 1
            if output.json:
                output.document(result)
            else:
                found.append(result)
            if number == most:
                break
        if not output.json:
            show_results(found, output)
            if number == _SHOWN and not limit:
                output.remarks.print(f"the first {_SHOWN:,}; see --limit and --json")
        return CLEAN

    run(context, work)


def show_results(results: list[MappingResult], output: Output) -> None:
    """Print what became of mappings as a table."""
    if not results:
        output.say("no such mappings")
        return
    rows = [
        (
            escape(result.id),
            f"[{_STYLES.get(result.status, 'cyan')}]{MappingResult.Status.Name(result.status)}[/]",
            str(result.attempts),
            f"{result.latency_ms:,} ms",
            escape(result.error),
        )
        for result in results
    ]
    columns = ("mapping", "status", ">attempts", ">latency", "error")
    output.table(columns, rows, markup=True, spare=(">latency", ">attempts"))


def _print(ingestion: Ingestion, output: Output) -> None:
    if output.json:
        output.document(ingestion)
    else:
        show(ingestion, output)
