"""How triggers and what they started are shown to people."""

from collections.abc import Sequence

from headrace.v1.trigger_pb2 import Trigger, TriggerExecution
from headrace.v1.trigger_service_pb2 import PreviewTriggerResponse
from rich.markup import escape

from headrace_client.commands.output import Output, when
from headrace_client.commands.run_tables import json_text, one_line, seconds_text

_STYLES: dict[TriggerExecution.Status, str] = {
    TriggerExecution.SUCCESS: "green",
    TriggerExecution.FAILED: "red",
    TriggerExecution.CANCELLED: "red",
    TriggerExecution.SKIPPED: "yellow",
}


def show_list(triggers: Sequence[Trigger], output: Output) -> None:
    """Print triggers as a table, and why those are paused that are."""
    rows = [
        (
            escape(one_line(trigger.name)),
            escape(trigger.pipeline_id),
            escape(_fired_by(trigger)),
            _status(trigger),
            when(trigger, "next_execution"),
            when(trigger, "last_execution"),
            f"{trigger.execution_count:,}",
            _success(trigger),
            trigger.trigger_id,
        )
        for trigger in triggers
    ]
    columns = (
        "name", "pipeline", "fired by", "status", "next", "last", ">runs", ">success", "id",
    )  # fmt: skip
    spare = ("id", "last", ">success", ">runs", "next")
    output.table(columns, rows, markup=True, spare=spare)
    for trigger in triggers:
        if trigger.HasField("pause_reason"):
            why = f"{trigger.name} is paused: {trigger.pause_reason}"
            output.line(f"[yellow]{escape(one_line(why))}[/]")


def show_trigger(trigger: Trigger, output: Output) -> None:
    """Print a trigger with its policies; its secret where the answer has it."""
    pairs = [
        ("id", trigger.trigger_id),
        ("name", escape(one_line(trigger.name))),
        ("pipeline", escape(trigger.pipeline_id)),
        ("fired by", escape(_fired_by(trigger))),
        ("status", _status(trigger)),
        ("runs", f"{trigger.execution_count:,}, success {_success(trigger)}"),
        ("last", when(trigger, "last_execution")),
    ]
    if trigger.HasField("pause_reason"):
        pairs.append(("paused", f"{when(trigger, 'paused_at')}: {escape(trigger.pause_reason)}"))
    if trigger.parameters.fields:
        pairs.append(("given", escape(json_text(trigger.parameters))))
    if trigger.trigger_type == Trigger.CRON:
        pairs += _schedule(trigger)
    pairs += _policies(trigger)
    if trigger.webhook_path:
        pairs.append(("posted to", trigger.webhook_path))
    if trigger.secret:
        pairs.append(("secret", f"{trigger.secret} (it is not shown again)"))
    elif trigger.live_secrets > 1:
        pairs.append(("secrets", f"{trigger.live_secrets} are taken"))
    output.facts(pairs)


def show_history(executions: Sequence[TriggerExecution], output: Output) -> None:
    """Print how often a trigger fired, or would have, and why nothing was started."""
    rows = [
        (
            when(each, "executed_at"),
            when(each, "nominal_time"),
            f"[{_STYLES.get(each.status, 'cyan')}]{TriggerExecution.Status.Name(each.status)}[/]",
            seconds_text(each.duration_seconds) if each.HasField("duration_seconds") else "-",
            f"{each.rows_processed:,}" if each.HasField("rows_processed") else "-",
            each.run_id or "-",
            escape(_why(each)),
        )
        for each in executions
    ]
    columns = ("fired", "stands for", "status", ">took", ">rows", "run", "")
    spare = (">took", ">rows", "stands for", "")
    output.table(columns, rows, markup=True, spare=spare)


def show_missed(executions: Sequence[TriggerExecution], output: Output) -> None:
    """Print the times that runs would be started for."""
    output.table(("stands for",), [(when(each, "nominal_time"),) for each in executions])


def show_times(answer: PreviewTriggerResponse, output: Output) -> None:
    """Print when a trigger fires next: as a clock shows it there, and here."""
    rows = [(each.local_time, when(each, "fires_at")) for each in answer.times]
    output.table(("there", "here"), rows)


def _fired_by(trigger: Trigger) -> str:
    """What fires a trigger, in words."""
    if trigger.trigger_type == Trigger.CRON:
        zone = "" if trigger.time_zone in {"", "UTC"} else f" {trigger.time_zone}"
        return f"{trigger.cron_schedule}{zone}"
    if trigger.trigger_type == Trigger.FILE:
        return f"{trigger.folder_path}/{trigger.file_pattern or '*'}"
    if trigger.trigger_type == Trigger.WEBHOOK:
        return f"webhook, {Trigger.WebhookAuth.Name(trigger.webhook_auth).lower()}"
    return "hand"


def _status(trigger: Trigger) -> str:
    style = "green" if trigger.status == Trigger.ACTIVE else "yellow"
    return f"[{style}]{Trigger.Status.Name(trigger.status)}[/]"


def _success(trigger: Trigger) -> str:
    return f"{trigger.success_rate:.0%}" if trigger.HasField("success_rate") else "-"


def _schedule(trigger: Trigger) -> list[tuple[str, str]]:
    caught = Trigger.CatchUp.Name(trigger.catch_up).lower()
    window = seconds_text(trigger.catch_up_window_seconds)
    pairs = [
        ("next", when(trigger, "next_execution")),
        ("missed times", caught if trigger.catch_up == Trigger.NONE else f"{caught} of {window}"),
    ]
    if trigger.jitter_seconds:
        pairs.append(("jitter", f"up to {seconds_text(trigger.jitter_seconds)}"))
    return pairs


def _policies(trigger: Trigger) -> list[tuple[str, str]]:
    pairs = [
        ("overlap", _words(Trigger.Overlap.Name(trigger.overlap))),
        ("on resume", _words(Trigger.OnResume.Name(trigger.on_resume))),
    ]
    if trigger.pause_after_failures:
        so_far = f", {trigger.consecutive_failures} so far" if trigger.consecutive_failures else ""
        pairs.append(("pauses", f"after {trigger.pause_after_failures} failures{so_far}"))
    return pairs


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


def _why(execution: TriggerExecution) -> str:
    """Why an execution is as it is, in a line."""
    words = [one_line(execution.reason)] if execution.HasField("reason") else []
    if execution.HasField("file_path"):
        words.append(execution.file_path)
    if execution.backfill:
        words.append("backfill")
    if execution.times > 1:
        words.append(f"{execution.times:,} times")
    return ", ".join(words)
