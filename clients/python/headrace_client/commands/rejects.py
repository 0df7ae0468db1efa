"""rejects."""

import json
from pathlib import Path
from typing import Annotated

import typer
from headrace.v1.reject_pb2 import Reject

from headrace_client.client import Client
from headrace_client.commands.output import Output
from headrace_client.commands.session import CLEAN, EPILOG, exit_status, run
from headrace_client.commands.statuses import RequestId, show
from headrace_client.ingestions import Correction, Filter
from headrace_client.progress import follow

_BATCH = 1000
_SHOWN = 100


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command(epilog=EPILOG)(rejects)


def rejects(
    context: typer.Context,
    request_id: RequestId,
    parked: Annotated[
        bool | None, typer.Option("--parked/--rejected", help="Only these; both if not given.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most rows to print.")] = _SHOWN,
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
    - `headrace rejects ID --json > rows.ndjson`
    - `headrace rejects ID --corrections rows.ndjson`

    """
    if corrections is not None:
        rows = read_corrections(corrections)
        run(context, lambda client, output: _correct(client, request_id, rows, output))
    if replay:
        run(context, lambda client, output: _replay(client, request_id, output))
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
    client: Client, request_id: str, parked: bool | None, limit: int, output: Output
) -> int:
    chosen = {None: Filter.FILTER_UNSPECIFIED, True: Filter.PARKED, False: Filter.REJECTED}[parked]
    rows: list[Reject] = []
    page_size = min(limit, _BATCH)
    more = False
    async for reject in client.list_rejects(request_id, filter_by=chosen, page_size=page_size):
        more = len(rows) == limit
        if more:
            break
        rows.append(reject)
    if output.json:
        for reject in rows:
            output.document(reject)
    elif rows:
        columns = ("id", "file", ">line", "column", "reason", "message", "raw")
        output.table(columns, map(_row, rows))
    else:
        output.say("no such rows")
    if more:
        output.remarks.print(f"there are more: --limit {limit * 10}")
    return CLEAN


def _row(reject: Reject) -> tuple[str, ...]:
    message = reject.message
    if reject.HasField("missing_parent"):
        parent = reject.missing_parent
        message = f"waits for {parent.table} with {parent.column} = {parent.value}"
    return (
        reject.reject_id,
        reject.file_name,
        str(reject.line),
        reject.column,
        Reject.Reason.Name(reject.reason),
        message,
        reject.raw if len(reject.raw) < _SHOWN else reject.raw[:_SHOWN] + "…",
    )


async def _replay(client: Client, request_id: str, output: Output) -> int:
    answer = await client.replay_rejects(request_id)
    return await _ended(client, request_id, answer.replayed, output)


async def _correct(client: Client, request_id: str, rows: list[Correction], output: Output) -> int:
    replayed = 0
    for start in range(0, len(rows), _BATCH):
        if start:  # the ingestion must have ended before it takes the next rows
            await follow(client, request_id)
        batch = rows[start : start + _BATCH]
        answer = await client.replay_rejects(request_id, batch, only_corrections=True)
        replayed += answer.replayed
    return await _ended(client, request_id, replayed, output)


async def _ended(client: Client, request_id: str, replayed: int, output: Output) -> int:
    ingestion = await follow(client, request_id)
    if output.json:
        output.document(ingestion)
    else:
        output.say(f"{replayed:,} rows replayed")
        show(ingestion, output)
    return exit_status(ingestion)
