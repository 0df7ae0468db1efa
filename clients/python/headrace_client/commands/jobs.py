"""jobs."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from headrace.v1.priority_pb2 import Priority
from headrace.v1.remote_job_pb2 import RemoteJob
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.downloads import save
from headrace_client.commands.ingest import PriorityOption, priority_of
from headrace_client.commands.job_tables import (
    show_dead,
    show_job,
    show_list,
    show_section,
    show_workers,
    status_text,
)
from headrace_client.commands.output import Output
from headrace_client.commands.session import CLEAN, EPILOG, FAILED, run

app = typer.Typer(invoke_without_command=True)

JobId = Annotated[str, typer.Argument(metavar="ID", help="The id of a job.")]


class StatusName(Enum):
    """The names of the statuses, as typed."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


_STATUSES: dict[StatusName, RemoteJob.Status] = {
    StatusName.PENDING: RemoteJob.PENDING,
    StatusName.PROCESSING: RemoteJob.PROCESSING,
    StatusName.COMPLETED: RemoteJob.COMPLETED,
    StatusName.FAILED: RemoteJob.FAILED,
    StatusName.TIMEOUT: RemoteJob.TIMEOUT,
    StatusName.CANCELLED: RemoteJob.CANCELLED,
}
_DEAD = (RemoteJob.FAILED, RemoteJob.TIMEOUT)
_LimitOption = Annotated[int, typer.Option(min=1, help="The most jobs of a table.")]


@app.callback(epilog=EPILOG)
def overview(context: typer.Context, limit: _LimitOption = 20) -> None:
    """Remote jobs; alone it shows what waits, which workers hold which jobs, and the dead jobs.

    Examples:
    - `headrace jobs`
    - `headrace jobs list --status failed --content-type document`
    - `headrace jobs rearm ID`

    """
    if context.invoked_subcommand is not None:
        return

    async def work(client: Client, output: Output) -> int:
        waiting = await _first(client.list_jobs(status=RemoteJob.PENDING), limit)
        held = await _first(client.list_jobs(status=RemoteJob.PROCESSING), limit)
        dead = [j for s in _DEAD for j in await _first(client.list_jobs(status=s), limit)]
        if output.json:
            for job in (*waiting, *held, *dead):
                output.document(job)
            return CLEAN
        show_section("waiting", waiting, limit, output, show_list)
        show_section("workers", held, limit, output, show_workers)
        show_section("dead", dead, limit, output, show_dead)
        return CLEAN

    run(context, work)


@app.command("list", epilog=EPILOG)
def list_jobs(
    context: typer.Context,
    status: Annotated[
        StatusName | None, typer.Option(case_sensitive=False, help="Only jobs of this status.")
    ] = None,
    content_type: Annotated[str, typer.Option(help="Only jobs of this content type.")] = "",
    limit: _LimitOption = 20,
) -> None:
    """List jobs, newest first. With --json each is one line."""
    chosen = _STATUSES[status] if status else RemoteJob.STATUS_UNSPECIFIED

    async def work(client: Client, output: Output) -> int:
        jobs = client.list_jobs(
            status=chosen, content_type=content_type, page_size=min(limit, 1000)
        )
        found = await _first(jobs, limit)
        if output.json:
            for job in found:
                output.document(job)
        elif found:
            show_list(found, output)
        else:
            output.say("no such jobs")
        return CLEAN

    run(context, work)


@app.command("create", epilog=EPILOG)
def create(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="The token of a completed upload, a place that the workers know how to reach, or "
            "with --upload a file.",
        ),
    ],
    content_type: Annotated[str, typer.Option(help="What it is; workers ask by it.")],
    options: Annotated[str, typer.Option(help="What the worker is asked for, as JSON.")] = "{}",
    upload: Annotated[
        bool, typer.Option("--upload", help="SOURCE is a file here: upload it, and only keep it.")
    ] = False,
    ingestion: Annotated[str, typer.Option(help="The ingestion that waits for it.")] = "",
    priority: PriorityOption = None,
) -> None:
    """Queue a job.

    Examples:
    - `headrace jobs create report.html --upload --content-type document`
    - `headrace jobs create s3://inbox/talk.mp3 --content-type audio --ingestion ID`

    """
    fields = _object(options)
    is_here = Path(source).is_file()
    if upload and not is_here:
        raise typer.BadParameter(f"{source} is no file", param_hint="SOURCE")

    async def work(client: Client, output: Output) -> int:
        kept = await client.upload(source, keep=True) if upload else None
        if is_here and not upload:
            output.remarks.print(
                f"{escape(source)} is a file here and stays here: --upload brings it to workers",
                soft_wrap=True,
            )
        answer = await client.create_remote_job(
            kept.upload_token if kept else source,
            content_type,
            task_options=fields,
            ingestion_task_id=ingestion,
            priority=priority_of(priority) or Priority.PRIORITY_UNSPECIFIED,
        )
        if output.json:
            output.document(answer)
        else:
            output.line(answer.job_id)
        return CLEAN

    run(context, work)


@app.command("show", epilog=EPILOG)
def show(context: typer.Context, job_id: JobId) -> None:
    """Show a job. Exit status 1 when it ended without a result."""
    _on_job(context, lambda client: client.get_job_status(job_id))


@app.command("watch", epilog=EPILOG)
def watch(context: typer.Context, job_id: JobId) -> None:
    """Follow a job until it ends.

    With --json each change is one line. Exit status: 0 completed, 1 ended without a result.
    """

    async def work(client: Client, output: Output) -> int:
        job = RemoteJob()
        async for job in client.watch_job(job_id):
            if output.json:
                output.document(job)
            else:
                by = f" by {escape(job.worker_id)}" if job.status == RemoteJob.PROCESSING else ""
                output.remarks.print(
                    f"{status_text(job)}{by}, attempt {job.attempt}", soft_wrap=True
                )
        if not output.json:
            show_job(job, output)
        return _exit_status(job)

    run(context, work)


@app.command("result", epilog=EPILOG)
def result(
    context: typer.Context,
    job_id: JobId,
    output_file: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write the content to a file instead."),
    ] = None,
) -> None:
    """Print the content of a job's result; with --json what is known of it.

    Examples:
    - `headrace jobs result ID`
    - `headrace jobs result ID --output talk.txt`

    """

    async def work(client: Client, output: Output) -> int:
        if output_file:
            await save(client.download_result(job_id), output_file)
        found = await client.get_job_result(job_id)
        if output.json:
            output.document(found)
        elif output_file:
            output.say(f"wrote {escape(str(output_file))}")
        elif found.HasField("upload_token"):
            async with aclosing(client.download_result(job_id)) as blocks:
                async for block in blocks:
                    typer.echo(block, nl=False)
        else:
            typer.echo(found.content, nl=not found.content.endswith("\n"))
        return CLEAN

    run(context, work)


@app.command("cancel", epilog=EPILOG)
def cancel(context: typer.Context, job_id: JobId) -> None:
    """End a job that has not ended; its worker is told at its next heartbeat."""
    _on_job(context, lambda client: client.cancel_job(job_id), judged=False)


@app.command("rearm", epilog=EPILOG)
def rearm(context: typer.Context, job_id: JobId) -> None:
    """Queue a dead or cancelled job again, with all its attempts."""
    _on_job(context, lambda client: client.rearm_job(job_id))


@app.command("delete", epilog=EPILOG)
def delete(context: typer.Context, job_id: JobId) -> None:
    """Delete a job that has ended, and its result."""

    async def work(client: Client, output: Output) -> int:
        await client.delete_job(job_id)
        output.say(f"deleted {job_id}")
        return CLEAN

    run(context, work)


def _object(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint="--options") from None
    if not isinstance(fields, dict):
        raise typer.BadParameter("not a JSON object", param_hint="--options")
    return fields


def _on_job(
    context: typer.Context, call: Callable[[Client], Awaitable[RemoteJob]], *, judged: bool = True
) -> None:
    async def work(client: Client, output: Output) -> int:
        job = await call(client)
        if output.json:
            output.document(job)
        else:
            show_job(job, output)
        return _exit_status(job) if judged else CLEAN

    run(context, work)


async def _first(jobs: AsyncIterator[RemoteJob], limit: int) -> list[RemoteJob]:
    found: list[RemoteJob] = []
    async for job in jobs:
        found.append(job)
        if len(found) == limit:
            break
    return found


def _exit_status(job: RemoteJob) -> int:
    return FAILED if job.terminal and job.status != RemoteJob.COMPLETED else CLEAN
