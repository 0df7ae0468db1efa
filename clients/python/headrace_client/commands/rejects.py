"""rejects."""

import json
from pathlib import Path
from typing import Annotated

import typer
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.reject_pb2 import Reject
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.output import Output
from headrace_client.commands.session import (
    CLEAN,
    EPILOG,
    exit_status,
    follow_text,
    run,
    settings_of,
)
from headrace_client.commands.statuses import RequestId, show
from headrace_client.ingestions import Correction, Filter
from headrace_client.progress import follow

_BATCH = 1000
_SHOWN = 100
_RAW = 100


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(rejects)


def rejects(
    context: typer.Context,
    request_id: RequestId,
    parked: Annotated[
        bool | None, typer.Option("--parked/--rejected", help="Only these; both if not given.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help=f"The most rows to print: {_SHOWN} on a terminal, else all."),
    ] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Load the rejected rows again, and wait for it.")
    ] = False,
    corrections: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False,
            help='Load these instead: lines of {"reject_id": "...", "raw": ...}.',
        ),
    ] = None,
) -> None:  # fmt: skip
    """List the rows that were kept aside, with the reason; or load them again.

    A parked row waits for its parent and is loaded by itself when that arrives.

    To correct rows: print them with --json, put the corrected object into raw, and give the file
    to --corrections. Each line needs reject_id and raw only.

    Examples:
    - `headrace rejects ID --rejected`
    - `headrace rejects ID --rejected --json > rows.ndjson`
    - `headrace rejects ID --corrections rows.ndjson`

    """

    def way_on() -> str:
        return follow_text(request_id, settings_of(context).output())

    if corrections is not None:
        rows = read_corrections(corrections)
        run(
            context,
            lambda client, output: _correct(client, request_id, rows, output),
            way_on=way_on,
        )
    if replay:
        run(context, lambda client, output: _replay(client, request_id, output), way_on=way_on)
    run(context, lambda client, output: _list(client, request_id, parked, limit, output))


def read_corrections(path: Path) -> list[Correction]:
    """Read lines of reject_id and raw, an object or its text. Raises typer.BadParameter."""
    rows = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
            raw = fields["raw"]
            text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False)
            rows.append(Correction(reject_id=fields["reject_id"], raw=text))
        except (ValueError, KeyError, TypeError):
            raise typer.BadParameter(
                f'{path}, line {number}: write {{"reject_id": "...", "raw": {{...}}}}'
            ) from None
    return rows


async def _list(
    client: Client, request_id: str, parked: bool | None, limit: int | None, output: Output
) -> int:
    chosen = {None: Filter.FILTER_UNSPECIFIED, True: Filter.PARKED, False: Filter.REJECTED}[parked]
    if limit is None and output.for_people:
        limit = _SHOWN
    shown, more = 0, False
    page_size = min(limit or _BATCH, _BATCH)
    async for reject in client.list_rejects(request_id, filter_by=chosen, page_size=page_size):
        more = shown == limit
        if more:
            break
        shown += 1
        if output.json:
            output.document(reject)
        else:
            _show(reject, output)
    if not shown:
        output.say("no such rows")
    if more:
        total = _kept_aside(await client.get_status(request_id), parked)
        output.remarks.print(
            f"{shown:,} of {total:,}; all with --json or --limit {total}", soft_wrap=True
        )
    return CLEAN


def _kept_aside(ingestion: Ingestion, parked: bool | None) -> int:
    counts = {True: ingestion.rows_parked, False: ingestion.rows_rejected}
    return sum(counts.values()) if parked is None else counts[parked]


def _show(reject: Reject, output: Output) -> None:
    """Print a row as a block: no part of it is cut or wrapped but by the terminal."""
    message = reject.message
    if reject.HasField("missing_parent"):
        parent = reject.missing_parent
        message = f"waits for {parent.table} with {parent.column} = {parent.value}"
    column = f", column {reject.column}" if reject.column else ""
    raw = reject.raw if len(reject.raw) <= _RAW else reject.raw[:_RAW] + "…"
    reason = Reject.Reason.Name(reject.reason)
    output.line(f"[bold]{reason}[/] {escape(f'{reject.file_name}, line {reject.line}{column}')}")
    for text in (reject.reject_id, message, raw):
        output.line(f"  {escape(text)}")


async def _replay(client: Client, request_id: str, output: Output) -> int:
    before = await client.get_status(request_id)
    answer = await client.replay_rejects(request_id)
    return await _ended(client, before, answer.replayed, output)


async def _correct(client: Client, request_id: str, rows: list[Correction], output: Output) -> int:
    before = await client.get_status(request_id)
    replayed = 0
    for start in range(0, len(rows), _BATCH):
        if start:  # the ingestion must have ended before it takes the next rows
            await follow(client, request_id)
        batch = rows[start : start + _BATCH]
        answer = await client.replay_rejects(request_id, batch, only_corrections=True)
        replayed += answer.replayed
    return await _ended(client, before, replayed, output)


async def _ended(client: Client, before: Ingestion, replayed: int, output: Output) -> int:
    ingestion = await follow(client, before.request_id)
    if output.json:
        output.document(ingestion)
    else:
        output.say(replayed_text(before, ingestion, replayed))
        show(ingestion, output)
    return exit_status(ingestion)


def replayed_text(before: Ingestion, after: Ingestion, replayed: int) -> str:
    """Say what became of replayed rows: a row that is rejected again counts among the rejected."""
    again = max(0, min(replayed, replayed + after.rows_rejected - before.rows_rejected))
    parked = max(0, min(replayed - again, after.rows_parked - before.rows_parked))
    text = f"{replayed:,} replayed: {replayed - again - parked:,} loaded"
    if parked:
        text += f", {parked:,} parked"
    if again:
        text += f", {again:,} rejected again; fix the contract or give --corrections"
    return text
