"""runs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from enum import Enum
from typing import Annotated

import typer
from headrace.v1.run_pb2 import Run
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.output import Output, when
from headrace_client.commands.run_story import follow_run
from headrace_client.commands.run_tables import exit_status_of, one_line, show_list, show_run
from headrace_client.commands.session import CLEAN, EPILOG, run, settings_of

app = typer.Typer(no_args_is_help=True, help="Runs of pipelines, under way and ended.")

RunId = Annotated[str, typer.Argument(metavar="ID", help="The id of a run.")]
StepId = Annotated[str, typer.Argument(metavar="STEP", help="The id of the step that waits.")]
CommentOption = Annotated[str, typer.Option(help="Why; kept with the decision.")]
WatchOption = Annotated[bool, typer.Option("--watch", help="Follow the run to its end.")]


class StatusName(Enum):
    """The names of the statuses, as typed."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


_STATUSES: dict[StatusName, Run.Status] = {
    StatusName.PENDING: Run.PENDING,
    StatusName.RUNNING: Run.RUNNING,
    StatusName.WAITING: Run.WAITING,
    StatusName.SUCCEEDED: Run.SUCCEEDED,
    StatusName.FAILED: Run.FAILED,
    StatusName.CANCELLED: Run.CANCELLED,
}


@app.command("list", epilog=EPILOG)
def list_runs(
    context: typer.Context,
    pipeline: Annotated[str, typer.Option(help="Only runs of this pipeline.")] = "",
    trigger: Annotated[str, typer.Option(help="Only runs that this trigger started.")] = "",
    status: Annotated[
        StatusName | None, typer.Option(case_sensitive=False, help="Only runs of this status.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most runs to list.")] = 20,
) -> None:
    """List runs, newest first. With --json each is one line.

    Examples:
    - `headrace runs list --pipeline stock`
    - `headrace runs list --status failed --json`

    """
    chosen = _STATUSES[status] if status else Run.STATUS_UNSPECIFIED

    async def work(client: Client, output: Output) -> int:
        found = await _first(
            client.list_runs(
                pipeline_id=pipeline,
                trigger_id=trigger,
                status=chosen,
                page_size=min(limit, 1000),
            ),
            limit,
        )
        if output.json:
            for each in found:
                output.document(each)
        elif found:
            show_list(found, output)
        else:
            output.say("no such runs")
        return CLEAN

    run(context, work)


@app.command("show", epilog=EPILOG)
def show(context: typer.Context, run_id: RunId) -> None:
    """Show a run with its steps.

    Exit status: 0 succeeded or not ended, 3 succeeded though steps failed, 1 failed or cancelled.
    """
    _on_run(context, run_id, lambda client: client.get_run(run_id), judged=True)


@app.command("watch", epilog=EPILOG)
def watch(context: typer.Context, run_id: RunId) -> None:
    """Follow a run until it ends: a live table of its steps, or a line for each change.

    With --json each change is one line. Exit status: that of `runs show`.
    """
    run(
        context,
        lambda client, output: watched_to_its_end(client, run_id, output),
        way_on=lambda: way_on_text(context, run_id),
    )


@app.command("cancel", epilog=EPILOG)
def cancel(context: typer.Context, run_id: RunId) -> None:
    """End a run, and what its steps have under way."""
    _on_run(context, run_id, lambda client: client.cancel_run(run_id))


@app.command("resume", epilog=EPILOG)
def resume(context: typer.Context, run_id: RunId, *, watch: WatchOption = False) -> None:
    """Have a run that failed or was cancelled go on; steps that succeeded stay."""
    _on_run(context, run_id, lambda client: client.resume_run(run_id), watch=watch)


@app.command("approve", epilog=EPILOG)
def approve(
    context: typer.Context,
    run_id: RunId,
    step: StepId,
    *,
    reject: Annotated[bool, typer.Option("--reject", help="Have the step fail instead.")] = False,
    comment: CommentOption = "",
    watch: WatchOption = False,
) -> None:
    """Approve what a run waits for, or reject it.

    Examples:
    - `headrace runs approve ID sign_off --comment "figures checked" --watch`
    - `headrace runs approve ID sign_off --reject`

    """
    _on_run(
        context,
        run_id,
        lambda client: client.approve_step(run_id, step, approve=not reject, comment=comment),
        watch=watch,
    )


@app.command("logs", epilog=EPILOG)
def logs(
    context: typer.Context,
    run_id: RunId,
    step: Annotated[
        str | None, typer.Argument(metavar="[STEP]", help="Only lines of this step.")
    ] = None,
) -> None:
    """Print what happened to the steps of a run, oldest first. With --json each is one line."""

    async def work(client: Client, output: Output) -> int:
        async for line in client.list_run_logs(run_id, step_id=step or "", page_size=1000):
            if output.json:
                output.document(line)
            else:
                attempt = f", attempt {line.attempt}" if line.attempt > 1 else ""
                words = f"{line.step_id}{attempt}: {one_line(line.message)}"
                output.line(f"{when(line, 'at')} {escape(words)}")
        return CLEAN

    run(context, work)


async def watched_to_its_end(client: Client, run_id: str, output: Output) -> int:
    """Follow a run, and return the exit status that it deserves."""
    return exit_status_of(await follow_run(client, run_id, output))


def way_on_text(context: typer.Context, run_id: str) -> str:
    """Return how a run that is with the server is followed or ended."""
    output = settings_of(context).output()
    watch, cancel = (output.command(f"runs {verb} {run_id}") for verb in ("watch", "cancel"))
    return f"the run goes on at the server: {watch}, {cancel}"


def _on_run(
    context: typer.Context,
    run_id: str,
    call: Callable[[Client], Awaitable[Run]],
    *,
    watch: bool = False,
    judged: bool = False,
) -> None:
    async def work(client: Client, output: Output) -> int:
        found = await call(client)
        if watch:
            return await watched_to_its_end(client, run_id, output)
        if output.json:
            output.document(found)
        else:
            show_run(found, output)
        return exit_status_of(found) if judged else CLEAN

    run(context, work, way_on=lambda: way_on_text(context, run_id) if watch else "")


async def _first(runs: AsyncIterator[Run], limit: int) -> list[Run]:
    found: list[Run] = []
    async for each in runs:
        found.append(each)
        if len(found) == limit:
            break
    return found
