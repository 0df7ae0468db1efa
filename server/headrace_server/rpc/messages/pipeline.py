"""Pipelines: what they are made of."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from google.protobuf.json_format import MessageToDict, ParseDict
from headrace.v1 import pipeline_pb2 as pb

from headrace_server.model.errors import FieldViolation, InvalidFieldError
from headrace_server.model.export import ExportRequest
from headrace_server.model.nesting import MAX_DEPTH, is_deeper
from headrace_server.model.pipeline import (
    Approval,
    ConvertFile,
    Definition,
    ImportFile,
    Ingest,
    OnFailure,
    Parameter,
    ParameterType,
    Pipeline,
    RefreshDatamart,
    Retry,
    ScoreDataset,
    Settings,
    Step,
)
from headrace_server.rpc.messages.export import mart_request, query_request, report_request
from headrace_server.rpc.messages.file_import import options_of
from headrace_server.rpc.messages.instant import timestamp_of
from headrace_server.rpc.messages.mapping import mapping_of, plain
from headrace_server.rpc.messages.priority import priority_of
from headrace_server.rpc.messages.structs import object_of, refuse_nul


class Written(Protocol):
    """A request that says what a pipeline is."""

    pipeline_id: str
    name: str
    description: str
    timeout_seconds: float

    @property
    def parameters(self) -> Sequence[pb.PipelineParameter]: ...

    @property
    def steps(self) -> Sequence[pb.PipelineStep]: ...

    def HasField(self, field_name: Any) -> bool: ...  # noqa: N802  # protobuf's name


def definition_of(request: Written) -> Definition:
    """Read what a pipeline is. Raises InvalidFieldError."""
    return Definition(
        name=request.name,
        description=request.description,
        parameters=tuple(
            _parameter(each, f"parameters[{place}].default")
            for place, each in enumerate(request.parameters)
        ),
        steps=tuple(_step(each, f"steps[{place}]") for place, each in enumerate(request.steps)),
        timeout=_timeout(request),
        written={
            "parameters": [_kept(each) for each in request.parameters],
            "steps": [_kept(each) for each in request.steps],
        },
    )


def _kept(message: pb.PipelineParameter | pb.PipelineStep) -> dict[str, Any]:
    kept: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return kept


def _parameter(message: pb.PipelineParameter, field: str) -> Parameter:
    types = pb.PipelineParameter.Type
    return Parameter(
        name=message.name,
        type=ParameterType[types.Name(message.type or types.STRING)],
        default=_value(message, field),
        required=message.required,
        description=message.description,
    )


def _value(message: pb.PipelineParameter, field: str) -> Any:
    if not message.HasField("default"):
        return None
    try:
        value = plain(MessageToDict(message.default))
    except ValueError as error:
        raise InvalidFieldError.of(field, "must hold finite numbers only") from error
    refuse_nul(value, field)
    if is_deeper(value, MAX_DEPTH):
        raise InvalidFieldError.of(field, f"must not be nested deeper than {MAX_DEPTH} levels")
    return value


def _step(message: pb.PipelineStep, field: str) -> Step:
    kind = str(message.WhichOneof("kind"))
    policies = pb.PipelineStep.OnFailure
    return Step(
        step_id=message.id,
        settings=_READERS[kind](getattr(message, kind), f"{field}.{kind}"),
        depends_on=tuple(message.depends_on),
        retry=_retry(message.retry),
        on_failure=OnFailure[policies.Name(message.on_failure or policies.FAIL)],
        timeout=_timeout(message),
    )


def _timeout(message: Written | pb.PipelineStep) -> timedelta | None:
    given = message.HasField("timeout_seconds")
    return timedelta(seconds=message.timeout_seconds) if given else None


def _retry(message: pb.StepRetry) -> Retry:
    usual = Retry()
    return Retry(
        attempts=message.attempts if message.HasField("attempts") else usual.attempts,
        delay=timedelta(seconds=message.delay_seconds)
        if message.HasField("delay_seconds")
        else usual.delay,
        backoff=message.backoff if message.HasField("backoff") else usual.backoff,
    )


def _ingest(message: pb.IngestStep, field: str) -> Ingest:
    mappings = tuple(
        mapping_of(each, f"{field}.mappings[{place}]")
        for place, each in enumerate(message.mappings)
    )
    return Ingest(mappings, priority_of(message).name)


def _import_file(message: pb.ImportFileStep, _field: str) -> ImportFile:
    infers = message.infer_schema if message.HasField("infer_schema") else True
    return ImportFile(
        message.file_path,
        message.target_table,
        options_of(message.options, infer_schema=infers, data_types={}),
        priority_of(message).name,
    )


def _refresh_datamart(message: pb.RefreshDatamartStep, _field: str) -> RefreshDatamart:
    return RefreshDatamart(
        message.datamart,
        message.schema or "analytics",
        message.concurrent if message.HasField("concurrent") else None,
    )


def _score_dataset(message: pb.ScoreDatasetStep, _field: str) -> ScoreDataset:
    observes = message.observe if message.HasField("observe") else True
    return ScoreDataset(message.dataset, observes, message.minimum_score)


def _export(message: pb.ExportStep, field: str) -> ExportRequest:
    what = str(message.WhichOneof("what"))
    try:
        return _EXPORTS[what](getattr(message, what))
    except InvalidFieldError as error:
        raise _within(error, f"{field}.{what}") from error


def _within(error: InvalidFieldError, field: str) -> InvalidFieldError:
    """Return the error of a message that stands in a field."""
    violations = [
        FieldViolation(f"{field}.{each.field}", each.description) for each in error.violations
    ]
    first = violations[0]
    words = f"{first.field}: {first.description}"
    return InvalidFieldError(words, *violations, field=first.field)


_EXPORTS: Mapping[str, Callable[[Any], ExportRequest]] = {
    "query": query_request,
    "datamart": mart_request,
    "report": report_request,
}


def _remote_job(message: pb.RemoteJobStep, field: str) -> ConvertFile:
    return ConvertFile(
        message.source_file_path,
        message.content_type,
        plain(object_of(message.task_options, f"{field}.task_options")),
        priority_of(message).name,
    )


def _approval(message: pb.ApprovalStep, _field: str) -> Approval:
    return Approval(message.message)


_READERS: Mapping[str, Callable[[Any, str], Settings]] = {
    "ingest": _ingest,
    "import_file": _import_file,
    "refresh_datamart": _refresh_datamart,
    "score_dataset": _score_dataset,
    "export": _export,
    "remote_job": _remote_job,
    "approval": _approval,
}


def pipeline_message(record: Pipeline) -> pb.Pipeline:
    """Show a pipeline as its caller wrote it."""
    definition = record.definition
    timeout = definition.timeout
    shown = pb.Pipeline(
        pipeline_id=record.pipeline_id,
        name=definition.name,
        description=definition.description,
        version=record.version,
        timeout_seconds=None if timeout is None else timeout.total_seconds(),
        created_at=timestamp_of(record.created_at),
        updated_at=timestamp_of(record.updated_at),
    )
    return ParseDict(dict(definition.written), shown)
