"""How runs and their steps are shown to people."""

import json
from collections.abc import Sequence

from google.protobuf.struct_pb2 import Struct, Value
from headrace.v1.run_pb2 import Run, RunStep
from rich.markup import escape

from headrace_client.commands.output import Output, when
from headrace_client.commands.session import CLEAN, FAILED, WITH_ERRORS
from headrace_client.held_job import json_fields
from headrace_client.queries import whole

_STYLES: dict[Run.Status, str] = {
    Run.SUCCEEDED: "green",
    Run.FAILED: "red",
    Run.CANCELLED: "red",
    Run.WAITING: "yellow",
}
_STEP_STYLES: dict[RunStep.Status, str] = {
    RunStep.PENDING: "dim",
    RunStep.SUCCEEDED: "green",
    RunStep.FAILED: "red",
    RunStep.CANCELLED: "red",
    RunStep.SKIPPED: "yellow",
    RunStep.WAITING: "yellow",
}
#: of what a step of each kind made, what is shown
_MADE: dict[str, tuple[str, ...]] = {
    "ingest": ("request_id", "rows_rejected", "rows_parked"),
    "import_file": ("import_id", "rows_rejected", "rows_parked"),
    "refresh_datamart": ("refresh_id",),
    "score_dataset": ("readiness_score", "readiness_status"),
    "export": ("export_id", "file_name"),
    "remote_job": ("job_id",),
}
_MINUTE = 60


def run_status(run: Run) -> str:
    """Return the status of a run as rich markup."""
    return f"[{_STYLES.get(run.status, 'cyan')}]{Run.Status.Name(run.status)}[/]"


def step_status(step: RunStep) -> str:
    """Return the status of a step as rich markup."""
    return f"[{_STEP_STYLES.get(step.status, 'cyan')}]{RunStep.Status.Name(step.status)}[/]"


def seconds_text(seconds: float) -> str:
    """Return a duration in the units that fit."""
    whole_seconds = round(seconds)
    if whole_seconds < _MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(whole_seconds, _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // _MINUTE} h {minutes % _MINUTE:02} min"


def duration_text(thing: Run | RunStep) -> str:
    """Return how long a run or a step took; a dash before it began."""
    return seconds_text(thing.duration_seconds) if thing.HasField("duration_seconds") else "-"


def json_text(fields: Struct | Value) -> str:
    """Return JSON on one line, whole numbers as such."""
    return json.dumps(whole(json_fields(fields)), ensure_ascii=False)


def exit_status_of(run: Run) -> int:
    """Return the exit status that a run deserves; one that has not ended is clean."""
    if run.status in {Run.FAILED, Run.CANCELLED}:
        return FAILED
    return WITH_ERRORS if run.terminal and run.failed_steps else CLEAN


def show_list(runs: Sequence[Run], output: Output) -> None:
    """Print runs as a table, and why those failed that did."""
    rows = [
        (
            run.run_id,
            escape(run.pipeline_id),
            run_status(run),
            f"{run.ended_steps}/{run.total_steps}",
            f"{run.rows_processed:,}",
            duration_text(run),
            when(run, "created_at"),
            run.trigger_id or "-",
        )
        for run in runs
    ]
    columns = ("id", "pipeline", "status", ">steps", ">rows", ">took", "created", "trigger")
    spare = ("trigger", ">rows", ">took", "created", ">steps")
    output.table(columns, rows, markup=True, spare=spare)


def show_run(run: Run, output: Output) -> None:
    """Print a run with its steps, and what to do next."""
    output.facts(_facts(run))
    output.line("")
    show_steps(run, output)
    if way := _next(run, output):
        output.line(f"next: {escape(way)}")


def show_steps(run: Run, output: Output) -> None:
    """Print the steps of a run as a table, with what went wrong or waits."""
    rows = [
        (
            step.id,
            step.kind,
            step_status(step),
            f"{step.rows_processed:,}" if step.rows_processed else "-",
            duration_text(step),
            str(step.attempt) if step.attempt else "-",
            escape(_made(step)) or "-",
        )
        for step in run.steps
    ]
    columns = ("step", "does", "status", ">rows", ">took", ">attempt", "made")
    spare = ("made", ">attempt", "does", ">rows", ">took")
    output.table(columns, rows, markup=True, spare=spare)
    for step in run.steps:
        # What says no more than the run itself is left out.
        if step.HasField("error") and step.error != run.error:
            output.line(f"[red]{escape(f'{step.id}: {one_line(step.error)}')}[/]")
        if step.status == RunStep.WAITING:
            asked = escape(one_line(step.message) or "may the run go on?")
            output.line(f"[yellow]{escape(step.id)} waits:[/] {asked}")


def _facts(run: Run) -> list[tuple[str, str]]:
    pairs = [
        ("id", run.run_id),
        ("pipeline", f"{escape(run.pipeline_id)}, version {run.pipeline_version}"),
        ("status", run_status(run) + ("" if run.terminal else f", {run.progress} %")),
        ("stands for", when(run, "nominal_time")),
        ("started", when(run, "started_at")),
        ("took", duration_text(run)),
        ("rows", f"{run.rows_processed:,}"),
    ]
    if run.trigger_id:
        pairs.insert(2, ("trigger", run.trigger_id))
    if run.parameters.fields:
        pairs.append(("given", escape(json_text(run.parameters))))
    if run.event.fields:
        pairs.append(("fired by", escape(_fired_by(run))))
    if run.HasField("error"):
        pairs.append(("error", f"[red]{escape(one_line(run.error))}[/]"))
    return pairs


def _next(run: Run, output: Output) -> str:
    """What to do about a run; empty for nothing."""
    waiting = [step.id for step in run.steps if step.status == RunStep.WAITING]
    if waiting:
        return output.command(f"runs approve {run.run_id} {waiting[0]}")
    if not run.terminal:
        return output.command(f"runs watch {run.run_id}")
    if run.status != Run.SUCCEEDED:
        return output.command(f"runs resume {run.run_id}")
    made = (whole(json_fields(step.output)) for step in run.steps if step.kind == "export")
    files = [each["export_id"] for each in made if "export_id" in each]
    return output.command(f"export download {files[-1]}") if files else ""


def _made(step: RunStep) -> str:
    """What a step made, by name, as far as somebody goes on with it; --json has all."""
    made = whole(json_fields(step.output)) if step.HasField("output") else {}
    return ", ".join(f"{name} {made[name]}" for name in _MADE.get(step.kind, ()) if name in made)


def _fired_by(run: Run) -> str:
    """What fired the trigger of a run, without the triggers that led to it."""
    event = whole(json_fields(run.event))
    return json.dumps({name: event[name] for name in event if name != "chain"}, ensure_ascii=False)


def one_line(text: str) -> str:
    """Return a text without its line breaks."""
    return " ".join(text.split())
