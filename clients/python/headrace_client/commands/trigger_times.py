"""triggers history, next, backfill."""

from datetime import datetime
from typing import Annotated

import typer
from headrace.v1.trigger_pb2 import TriggerExecution

from headrace_client.client import Client
from headrace_client.commands.instants import parse_instant
from headrace_client.commands.output import Output
from headrace_client.commands.session import CLEAN, EPILOG, run, usage_errors
from headrace_client.commands.trigger_names import TriggerName, trigger_id_of
from headrace_client.commands.trigger_tables import show_history, show_missed, show_times


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("history", epilog=EPILOG)(history)
    app.command("next", epilog=EPILOG)(next_times)
    app.command("backfill", epilog=EPILOG)(backfill)


def history(
    context: typer.Context,
    trigger: TriggerName,
    limit: Annotated[int, typer.Option(min=1, help="The most entries to list.")] = 20,
) -> None:
    """List how often a trigger fired, newest first, skipped times with the reason.

    With --json each is one line.
    """

    async def work(client: Client, output: Output) -> int:
        named = await trigger_id_of(client, trigger)
        found: list[TriggerExecution] = []
        async for each in client.list_trigger_history(named, page_size=min(limit, 1000)):
            found.append(each)
            if len(found) == limit:
                break
        if output.json:
            for each in found:
                output.document(each)
        elif found:
            show_history(found, output)
        else:
            output.say("it has not fired yet")
        return CLEAN

    run(context, work)


def next_times(
    context: typer.Context,
    trigger: TriggerName,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=100, help="How many times.")
    ] = 5,
) -> None:
    """Tell when a trigger fires next, as if it were not paused: where its clock hangs, and here."""

    async def work(client: Client, output: Output) -> int:
        with usage_errors(client.address):
            named = await trigger_id_of(client, trigger)
            answer = await client.preview_trigger(named, limit=limit)
        if output.json:
            output.document(answer)
        else:
            show_times(answer, output)
        return CLEAN

    run(context, work)


def backfill(
    context: typer.Context,
    trigger: TriggerName,
    *,
    start: Annotated[
        datetime,
        typer.Option("--from", parser=parse_instant, metavar="TIME", help="The first moment."),
    ],
    until: Annotated[
        datetime | None,
        typer.Option(
            parser=parse_instant, metavar="TIME", help="The last moment; now if not given."
        ),
    ] = None,
    every_time: Annotated[
        bool, typer.Option("--all", help="Run times again for which there was a run, too.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be started.")
    ] = False,
) -> None:
    """Start a run for each time of a schedule that was missed, oldest first.

    TIME is ISO 8601, local if it names no offset.

    Examples:
    - `headrace triggers backfill nightly --from 2026-03-01 --dry-run`
    - `headrace triggers backfill nightly --from 2026-03-01 --until 2026-03-31 --all`

    """

    async def work(client: Client, output: Output) -> int:
        with usage_errors(client.address):
            answer = await client.backfill_trigger(
                await trigger_id_of(client, trigger),
                start,
                until,
                every_time=every_time,
                dry_run=dry_run,
            )
        if output.json:
            output.document(answer)
            return CLEAN
        if answer.executions:
            show = show_missed if dry_run else show_history
            show(answer.executions, output)
        runs = "would be started" if dry_run else "started"
        output.line(
            f"{len(answer.executions):,} runs {runs}; "
            f"{answer.times_left_out:,} times had runs before"
        )
        return CLEAN

    run(context, work)
