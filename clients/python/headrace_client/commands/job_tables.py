"""How remote jobs are shown to people."""

import json
from collections import defaultdict
from collections.abc import Callable

from headrace.v1.remote_job_pb2 import RemoteJob
from rich.markup import escape

from headrace_client.commands.output import Output, as_dict, when
from headrace_client.held_job import json_fields

_STYLES: dict[RemoteJob.Status, str] = {
    RemoteJob.COMPLETED: "green",
    RemoteJob.FAILED: "red",
    RemoteJob.TIMEOUT: "red",
    RemoteJob.CANCELLED: "yellow",
}


def status_text(job: RemoteJob) -> str:
    """Return the status as rich markup."""
    return f"[{_STYLES.get(job.status, 'cyan')}]{RemoteJob.Status.Name(job.status)}[/]"


def show_list(jobs: list[RemoteJob], output: Output) -> None:
    """Print jobs as a table."""
    rows = [
        (
            job.job_id,
            escape(job.content_type),
            status_text(job),
            str(job.retry_count),
            escape(job.worker_id) or "-",
            when(job, "created_at"),
        )
        for job in jobs
    ]
    columns = ("id", "content type", "status", ">failures", "worker", "created")
    output.table(columns, rows, markup=True, spare=("worker", ">failures", "created"))


def show_workers(jobs: list[RemoteJob], output: Output) -> None:
    """Print the workers with the jobs that they hold, a job a row."""
    held = defaultdict(list)
    for job in jobs:
        held[job.worker_id].append(job)
    rows = [
        (
            worker_id if number == 0 else "",
            job.job_id,
            job.content_type,
            when(job, "started_at"),
            when(job, "estimated_completion"),
            json.dumps(json_fields(job.checkpoint)) if job.HasField("checkpoint") else "-",
        )
        for worker_id in sorted(held)
        for number, job in enumerate(held[worker_id])
    ]
    columns = ("worker", "job", "content type", "since", "likely end", "checkpoint")
    output.table(columns, rows, spare=("checkpoint", "likely end", "since"))


def show_dead(jobs: list[RemoteJob], output: Output) -> None:
    """Print dead jobs with what killed them."""
    rows = [
        (
            job.job_id,
            escape(job.content_type),
            status_text(job),
            when(job, "completed_at"),
            escape(" ".join(job.error_message.split())[:100]),
        )
        for job in jobs
    ]
    columns = ("id", "content type", "status", "ended", "error")
    output.table(columns, rows, markup=True, spare=("content type", "ended"))
    output.line(f"again: {output.command('jobs rearm ID')}")


def show_job(job: RemoteJob, output: Output) -> None:
    """Print a job for people, with what to do next."""
    pairs = [
        ("id", job.job_id),
        ("content type", escape(job.content_type)),
        ("status", status_text(job)),
        ("attempt", f"{job.attempt}, {job.retry_count} failed"),
        ("worker", escape(job.worker_id) or "-"),
        ("created", when(job, "created_at")),
        ("started", when(job, "started_at")),
        ("completed", when(job, "completed_at")),
    ]
    if job.HasField("estimated_completion"):
        pairs.append(("likely end", when(job, "estimated_completion")))
    if job.HasField("checkpoint"):
        pairs.append(("checkpoint", escape(json.dumps(as_dict(job)["checkpoint"]))))
    if job.ingestion_task_id:
        pairs.append(("ingestion", escape(job.ingestion_task_id)))
    if job.HasField("error_message"):
        pairs.append(("error", escape(job.error_message)))
    if job.status == RemoteJob.COMPLETED:
        pairs.append(("next", output.command(f"jobs result {job.job_id}")))
    elif job.terminal:
        pairs.append(("next", output.command(f"jobs rearm {job.job_id}")))
    output.facts(pairs)


def show_section(
    name: str,
    jobs: list[RemoteJob],
    limit: int,
    output: Output,
    show_jobs: Callable[[list[RemoteJob], Output], None],
) -> None:
    """Print some jobs under their name and number; of more than the limit, that there are more."""
    more = " or more" if len(jobs) >= limit else ""
    unit = "jobs" if more or len(jobs) > 1 else "job"
    output.line(f"[bold]{name}[/]: {f'{len(jobs):,}{more} {unit}' if jobs else 'none'}")
    if jobs:
        show_jobs(jobs, output)
    output.line("")
