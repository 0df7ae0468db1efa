"""What becomes of pipelines and triggers that files declare: created, updated, or left alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from headrace.v1.pipeline_pb2 import Pipeline
from headrace.v1.pipeline_service_pb2 import CreatePipelineRequest
from headrace.v1.trigger_pb2 import Trigger
from headrace.v1.trigger_service_pb2 import CreateTriggerRequest

from headrace_client.client import Client
from headrace_client.errors import NotFoundError
from headrace_client.held_job import json_fields
from headrace_client.pipeline_files import (
    Declared,
    PipelineFileError,
    completed_pipeline,
    completed_trigger,
    declared_pipeline,
    declared_trigger,
)
from headrace_client.triggers import TriggerSettings
from headrace_client.yaml_messages import as_yaml


class Action(Enum):
    """What is done about a declaration."""

    CREATE = "create"
    UPDATE = "update"
    NONE = "unchanged"


@dataclass(frozen=True, slots=True)
class Change:
    """A declaration beside what is there."""

    declared: Declared
    #: what is there; None for nothing
    present: Pipeline | Trigger | None
    #: both as YAML; empty where there is nothing
    before: str
    after: str

    @property
    def action(self) -> Action:
        """What is to be done."""
        if self.present is None:
            return Action.CREATE
        return Action.NONE if self.before == self.after else Action.UPDATE

    @property
    def kind(self) -> str:
        """What it is about: "pipeline" or "trigger"."""
        return "pipeline" if isinstance(self.declared.request, CreatePipelineRequest) else "trigger"

    @property
    def title(self) -> str:
        """The same with its name."""
        request = self.declared.request
        if self.kind == "pipeline":
            return f"pipeline {request.pipeline_id}"
        return f"trigger {request.name} of {request.pipeline_id}"


async def planned(client: Client, declared: Sequence[Declared]) -> list[Change]:
    """Compare declarations with what is there, pipelines first.

    Raises PipelineFileError for what contradicts itself or what is there, and HeadraceError.
    """
    pipelines = [each for each in declared if isinstance(each.request, CreatePipelineRequest)]
    triggers = [each for each in declared if isinstance(each.request, CreateTriggerRequest)]
    _refuse_doubles(pipelines)
    _refuse_doubles(triggers)
    known = {each.request.pipeline_id for each in pipelines}
    return [
        *[await _of_pipeline(client, each) for each in pipelines],
        *[await _of_trigger(client, each, known) for each in triggers],
    ]


async def validated(client: Client, change: Change) -> None:
    """Have the server say what is wrong with a declaration. Raises HeadraceError."""
    request = change.declared.request
    if isinstance(request, CreatePipelineRequest):
        await _create_pipeline(client, request, validate_only=True)
    else:
        await _create_trigger(client, request, validate_only=True)


async def carried_out(client: Client, change: Change) -> Pipeline | Trigger:
    """Create or update what a change is about, and return it. Raises HeadraceError."""
    request, present = change.declared.request, change.present
    if isinstance(request, CreatePipelineRequest):
        version = present.version if isinstance(present, Pipeline) else None
        return await _write_pipeline(client, request, version)
    if isinstance(present, Trigger):
        return await _update_trigger(client, request, present)
    return await _create_trigger(client, request)


async def _of_pipeline(client: Client, declared: Declared) -> Change:
    request = declared.request
    assert isinstance(request, CreatePipelineRequest)  # noqa: S101  # the caller sorted them
    present = await _pipeline(client, request.pipeline_id)
    if present is None:
        return Change(declared, None, "", as_yaml(request))
    before = completed_pipeline(declared_pipeline(present))
    return Change(declared, present, as_yaml(before), as_yaml(completed_pipeline(request)))


async def _of_trigger(client: Client, declared: Declared, known: set[str]) -> Change:
    request = declared.request
    assert isinstance(request, CreateTriggerRequest)  # noqa: S101  # the caller sorted them
    if request.pipeline_id not in known and not await _pipeline(client, request.pipeline_id):
        raise _wrong(declared, "pipeline_id", f"there is no pipeline {request.pipeline_id!r}")
    named = [
        each async for each in client.list_triggers(request.pipeline_id)
        if each.name == request.name
    ]  # fmt: skip
    if not named:
        return Change(declared, None, "", as_yaml(request))
    if len(named) > 1:
        ids = ", ".join(each.trigger_id for each in named)
        raise _wrong(declared, "name", f"several triggers of the pipeline are called so: {ids}")
    (present,) = named
    before, after = declared_trigger(present), completed_trigger(request)
    for field in ("trigger_type", "webhook_auth"):
        if getattr(before, field) != getattr(after, field):
            way = f"`headrace triggers delete {present.trigger_id}` first"
            raise _wrong(declared, field, f"is fixed for a trigger that is there: {way}")
    if not request.HasField("enabled"):  # it stays as somebody left it
        before.ClearField("enabled")
    return Change(declared, present, as_yaml(before), as_yaml(after))


async def _pipeline(client: Client, pipeline_id: str) -> Pipeline | None:
    try:
        return await client.get_pipeline(pipeline_id)
    except NotFoundError:
        return None


async def _write_pipeline(
    client: Client, request: CreatePipelineRequest, version: int | None
) -> Pipeline:
    if version is None:
        return await _create_pipeline(client, request)
    return await client.update_pipeline(
        request.pipeline_id,
        request.steps,
        name=request.name,
        description=request.description,
        parameters=request.parameters,
        timeout_seconds=_timeout(request),
        expected_version=version,
    )


async def _create_pipeline(
    client: Client, request: CreatePipelineRequest, *, validate_only: bool = False
) -> Pipeline:
    return await client.create_pipeline(
        request.steps,
        pipeline_id=request.pipeline_id,
        name=request.name,
        description=request.description,
        parameters=request.parameters,
        timeout_seconds=_timeout(request),
        validate_only=validate_only,
    )


def _timeout(request: CreatePipelineRequest) -> float | None:
    return request.timeout_seconds if request.HasField("timeout_seconds") else None


async def _create_trigger(
    client: Client, request: CreateTriggerRequest, *, validate_only: bool = False
) -> Trigger:
    return await client.create_trigger(
        request.name,
        request.pipeline_id,
        request.trigger_type,
        enabled=request.enabled if request.HasField("enabled") else True,
        webhook_auth=request.webhook_auth,
        validate_only=validate_only,
        **_settings(request),
    )


async def _update_trigger(
    client: Client, request: CreateTriggerRequest, present: Trigger
) -> Trigger:
    trigger = await client.update_trigger(present.trigger_id, request.name, **_settings(request))
    is_active = present.status == Trigger.ACTIVE
    if not request.HasField("enabled") or request.enabled == is_active:
        return trigger
    if request.enabled:
        return await client.resume_trigger(present.trigger_id)
    return await client.pause_trigger(present.trigger_id)


def _settings(request: CreateTriggerRequest) -> TriggerSettings:
    settings: TriggerSettings = {
        "cron_schedule": request.cron_schedule,
        "time_zone": request.time_zone,
        "parameters": json_fields(request.parameters),
        "overlap": request.overlap,
        "catch_up": request.catch_up,
        "on_resume": request.on_resume,
        "pause_after_failures": request.pause_after_failures,
        "folder_path": request.folder_path,
        "file_pattern": request.file_pattern,
    }
    if request.HasField("catch_up_window_seconds"):
        settings["catch_up_window_seconds"] = request.catch_up_window_seconds
    if request.HasField("jitter_seconds"):
        settings["jitter_seconds"] = request.jitter_seconds
    return settings


def _refuse_doubles(declared: Sequence[Declared]) -> None:
    places: dict[tuple[str, str], Declared] = {}
    for each in declared:
        key = (each.request.pipeline_id, each.request.name)
        if isinstance(each.request, CreatePipelineRequest):
            key = (each.request.pipeline_id, "")
        first = places.setdefault(key, each)
        if first is not each:
            raise _wrong(each, "", f"declared before, at {first.place_of('')}")


def _wrong(declared: Declared, field: str, why: str) -> PipelineFileError:
    name = f" {field}:" if field else ""
    return PipelineFileError(f"{declared.place_of(field)}:{name} {why}")


def violations(declared: Declared, found: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield what the server says of fields, each with the place where it stands."""
    for field, text in found:
        yield f"{declared.place_of(field)}: {field}: {text.removeprefix(f'{field}: ')}"
