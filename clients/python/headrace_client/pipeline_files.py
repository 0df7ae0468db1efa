"""Pipelines and triggers declared in YAML files: each document is one of the two."""

from dataclasses import dataclass
from typing import TypeAlias

from headrace.v1.pipeline_pb2 import Pipeline
from headrace.v1.pipeline_service_pb2 import CreatePipelineRequest
from headrace.v1.trigger_pb2 import Trigger
from headrace.v1.trigger_service_pb2 import CreateTriggerRequest

from headrace_client.yaml_messages import YamlDocument, YamlMessageError, read_yaml

#: seconds of the catch-up window of a trigger that says nothing about it
_DAY = 86_400.0

Request: TypeAlias = CreatePipelineRequest | CreateTriggerRequest


class PipelineFileError(ValueError):
    """A file that declares nothing that could be made; the message has its name, line and field."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A pipeline or a trigger of a file."""

    #: what it is to be
    request: Request
    #: the file, as named
    file: str
    document: YamlDocument

    def place_of(self, field: str) -> str:
        """Return where a field of the request stands: `FILE:LINE`."""
        return f"{self.file}:{self.document.line_of(field)}"


def read_declared(text: str, file: str) -> list[Declared]:
    """Read the pipelines and triggers of a file. Raises PipelineFileError.

    A document with `steps` is a pipeline, with the fields of CreatePipelineRequest; one with
    `trigger_type` a trigger, with those of CreateTriggerRequest. Enums may be in small letters.
    """
    try:
        declared = [Declared(_request(document), file, document) for document in read_yaml(text)]
    except YamlMessageError as error:
        line, _, words = str(error).removeprefix("line ").partition(":")
        raise PipelineFileError(f"{file}:{line}:{words}") from None
    for each in declared:
        if each.request.validate_only:
            place = each.place_of("validate_only")
            raise PipelineFileError(f"{place}: validate_only: is no part of it; give --dry-run")
    if not declared:
        raise PipelineFileError(f"{file}:1: there is no pipeline and no trigger in it")
    return declared


def declared_pipeline(pipeline: Pipeline) -> CreatePipelineRequest:
    """Return what declares a pipeline as it stands."""
    return CreatePipelineRequest(
        pipeline_id=pipeline.pipeline_id,
        name=pipeline.name,
        description=pipeline.description,
        parameters=pipeline.parameters,
        steps=pipeline.steps,
        timeout_seconds=(
            pipeline.timeout_seconds if pipeline.HasField("timeout_seconds") else None
        ),
    )


def declared_trigger(trigger: Trigger) -> CreateTriggerRequest:
    """Return what declares a trigger as it stands, without what its type has no use for."""
    declared = CreateTriggerRequest(
        name=trigger.name,
        pipeline_id=trigger.pipeline_id,
        trigger_type=trigger.trigger_type,
        enabled=trigger.status == Trigger.ACTIVE,
        parameters=trigger.parameters if trigger.parameters.fields else None,
        overlap=trigger.overlap,
        on_resume=trigger.on_resume,
        pause_after_failures=trigger.pause_after_failures,
        folder_path=trigger.folder_path,
        file_pattern=trigger.file_pattern,
        webhook_auth=trigger.webhook_auth,
    )
    if trigger.trigger_type == Trigger.CRON:
        declared.cron_schedule = trigger.cron_schedule
        declared.time_zone = trigger.time_zone
        declared.catch_up = trigger.catch_up
        declared.catch_up_window_seconds = trigger.catch_up_window_seconds
        declared.jitter_seconds = trigger.jitter_seconds
    return declared


def completed_pipeline(declared: CreatePipelineRequest) -> CreatePipelineRequest:
    """Return a declaration with what the server takes where it says nothing."""
    full = CreatePipelineRequest()
    full.CopyFrom(declared)
    full.name = full.name or full.pipeline_id
    return full


def completed_trigger(declared: CreateTriggerRequest) -> CreateTriggerRequest:
    """Return a declaration with what the server takes where it says nothing."""
    full = CreateTriggerRequest()
    full.CopyFrom(declared)
    full.overlap = full.overlap or Trigger.SKIP
    full.on_resume = full.on_resume or Trigger.CONTINUE
    if not full.parameters.fields:
        full.ClearField("parameters")
    if full.trigger_type == Trigger.WEBHOOK:
        full.webhook_auth = full.webhook_auth or Trigger.SIGNATURE
    if full.trigger_type == Trigger.CRON:
        full.time_zone = full.time_zone or "UTC"
        full.catch_up = full.catch_up or Trigger.LATEST
        if not full.HasField("catch_up_window_seconds"):
            full.catch_up_window_seconds = _DAY
        full.jitter_seconds = full.jitter_seconds  # 0 is said as well
    return full


def _request(document: YamlDocument) -> Request:
    if "trigger_type" in document.names:
        trigger = document.read(CreateTriggerRequest())
        _require(document, trigger.name, "name")
        _require(document, trigger.pipeline_id, "pipeline_id")
        return trigger
    if "steps" in document.names:
        pipeline = document.read(CreatePipelineRequest())
        _require(document, pipeline.pipeline_id, "pipeline_id")
        return pipeline
    line = document.line_of("")
    raise YamlMessageError(
        f"line {line}: neither a pipeline, which has steps, nor a trigger, which has a trigger_type"
    )


def _require(document: YamlDocument, value: str, field: str) -> None:
    if not value:
        raise YamlMessageError(f"line {document.line_of(field)}: {field}: is needed to know it by")
