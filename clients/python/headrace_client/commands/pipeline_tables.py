"""How pipelines are shown to people."""

from collections.abc import Callable, Sequence

from headrace.v1.pipeline_pb2 import (
    ExportStep,
    Pipeline,
    PipelineParameter,
    PipelineStep,
    StepRetry,
)
from rich.markup import escape

from headrace_client.commands.output import Output, when
from headrace_client.commands.run_tables import json_text, one_line, seconds_text

#: what StepRetry says where nothing is given
_DELAY, _BACKOFF = 10.0, 2.0
#: attempts between which there is one wait only
_PAIR = 2


def show_list(pipelines: Sequence[Pipeline], output: Output) -> None:
    """Print pipelines as a table."""
    rows = [
        (
            escape(pipeline.pipeline_id),
            escape(one_line(pipeline.name)),
            str(pipeline.version),
            str(len(pipeline.steps)),
            escape(", ".join(parameter.name for parameter in pipeline.parameters)) or "-",
            when(pipeline, "updated_at"),
        )
        for pipeline in pipelines
    ]
    columns = ("id", "name", ">version", ">steps", "takes", "written")
    output.table(columns, rows, markup=True, spare=("takes", "written", "name"))


def show_versions(versions: Sequence[Pipeline], output: Output) -> None:
    """Print versions of a pipeline, newest first, with what came and went in each."""
    older: list[Pipeline | None] = [*versions[1:], None]
    rows = [
        (
            str(version.version),
            when(version, "updated_at"),
            str(len(version.steps)),
            escape(_news(version, before)),
        )
        for version, before in zip(versions, older, strict=True)
    ]
    output.table((">version", "written", ">steps", "what is new"), rows, markup=True)


def show_pipeline(pipeline: Pipeline, output: Output) -> None:
    """Print what a pipeline is given and what it does."""
    output.line(f"[bold]{escape(pipeline.name)}[/], version {pipeline.version}")
    if pipeline.description:
        output.line(escape(pipeline.description))
    pairs = [
        ("id", escape(pipeline.pipeline_id)),
        ("created", when(pipeline, "created_at")),
        ("written", when(pipeline, "updated_at")),
    ]
    if pipeline.HasField("timeout_seconds"):
        pairs.append(("at most", seconds_text(pipeline.timeout_seconds)))
    output.facts(pairs)
    if pipeline.parameters:
        output.line("")
        rows = [_parameter_row(parameter) for parameter in pipeline.parameters]
        output.table(("takes", "type", "if not given", "for"), rows, spare=("for",))
    output.line("")
    steps = [_step_row(step) for step in pipeline.steps]
    columns = ("step", "does", "after", "tried again", "when it fails")
    output.table(columns, steps, spare=("tried again", "when it fails"))


def _parameter_row(parameter: PipelineParameter) -> tuple[str, str, str, str]:
    usual = "refused" if parameter.required else "null"
    if parameter.HasField("default"):
        usual = json_text(parameter.default)
    kind = PipelineParameter.Type.Name(parameter.type or PipelineParameter.STRING).lower()
    return parameter.name, kind, usual, one_line(parameter.description)


def _step_row(step: PipelineStep) -> tuple[str, str, str, str, str]:
    chosen = step.on_failure or PipelineStep.FAIL
    return (
        step.id,
        _does(step),
        ", ".join(step.depends_on) or "-",
        _retry_text(step.retry) if step.HasField("retry") else "-",
        PipelineStep.OnFailure.Name(chosen).lower(),
    )


def _does(step: PipelineStep) -> str:
    """What a step does, in a line."""
    kind = step.WhichOneof("kind")
    return _DOES[kind](step) if kind else "-"


def _import(step: PipelineStep) -> str:
    into = f" into {step.import_file.target_table}" if step.import_file.target_table else ""
    return f"import {step.import_file.file_path}{into}"


def _refresh(step: PipelineStep) -> str:
    mart = step.refresh_datamart
    return f"refresh {mart.schema or 'analytics'}.{mart.datamart}"


def _convert(step: PipelineStep) -> str:
    return f"convert {step.remote_job.source_file_path} as {step.remote_job.content_type}"


_DOES: dict[str, Callable[[PipelineStep], str]] = {
    "ingest": lambda step: f"ingest {len(step.ingest.mappings)} mappings",
    "import_file": _import,
    "refresh_datamart": _refresh,
    "score_dataset": lambda step: f"score {step.score_dataset.dataset}",
    "export": lambda step: f"export {_exported(step.export)}",
    "remote_job": _convert,
    "approval": lambda step: f"wait for approval: {one_line(step.approval.message)}",
}


def _exported(export: ExportStep) -> str:
    if export.HasField("datamart"):
        return f"datamart {export.datamart.name}"
    if export.HasField("report"):
        return f"report {export.report.report_name}"
    source = export.query.data_source
    return one_line(source.query) or source.name


def _retry_text(retry: StepRetry) -> str:
    attempts = retry.attempts or 1
    if attempts == 1:
        return "-"
    delay = retry.delay_seconds if retry.HasField("delay_seconds") else _DELAY
    backoff = retry.backoff if retry.HasField("backoff") else _BACKOFF
    longer = f", then {backoff:g} times as long" if backoff > 1 and attempts > _PAIR else ""
    return f"{attempts} attempts, after {delay:g} s{longer}"


def _news(version: Pipeline, before: Pipeline | None) -> str:
    """What changed since the version before, by the names of steps and parameters."""
    if before is None:
        return ""
    words = [
        *_changes({step.id: step for step in version.steps}, {s.id: s for s in before.steps}),
        *_changes(
            {parameter.name: parameter for parameter in version.parameters},
            {parameter.name: parameter for parameter in before.parameters},
        ),
    ]
    others = ("name", "description", "timeout_seconds")
    words += [f"~{name}" for name in others if getattr(version, name) != getattr(before, name)]
    return ", ".join(words) or "the order"


def _changes(now: dict[str, object], before: dict[str, object]) -> list[str]:
    return [
        *(f"+{name}" for name in now if name not in before),
        *(f"-{name}" for name in before if name not in now),
        *(f"~{name}" for name in now if name in before and now[name] != before[name]),
    ]
