"""Datamarts, their refreshes, schedules and previews."""

from datetime import UTC, datetime
from typing import Any, Protocol

from google.protobuf.message import Message
from headrace.v1 import datamart_pb2
from headrace.v1 import datamart_service_pb2 as pb

from headrace_server.core.datamarts.datamarts import MartPreview, ShownMart
from headrace_server.model.datamart import (
    DEFAULT_SCHEMA,
    Datamart,
    MartSchedule,
    MartType,
    NewDatamart,
    Refresh,
    RefreshStrategy,
    Version,
)
from headrace_server.model.query import unique_names
from headrace_server.model.schedule import Schedule
from headrace_server.rpc.messages.query import rows_messages
from headrace_server.rpc.messages.structs import object_of, struct_of

_WAIT, _LIMIT, _RETENTION_DAYS = 5.0, 100, 90
_MEGABYTE = 1_000_000


class OfSchema(Protocol):
    """A request that may name a schema."""

    schema: str


def schema_of(request: OfSchema) -> str:
    """Read the schema."""
    return request.schema or DEFAULT_SCHEMA


def given(request: Message, field: str) -> Any:
    """Read an optional field; None where it is not given."""
    return getattr(request, field) if request.HasField(field) else None


def wait_seconds(request: Message) -> float:
    """Read how long the caller waits."""
    seconds = given(request, "wait_seconds")
    return _WAIT if seconds is None else float(seconds)


def preview_limit(request: pb.PreviewDatamartRequest) -> int:
    """Read how many rows are wanted."""
    return request.limit if request.HasField("limit") else _LIMIT


def new_datamart(request: pb.CreateDatamartRequest) -> NewDatamart:
    """Read what is to be created."""
    schedule = Schedule(request.schedule, request.time_zone or "UTC") if request.schedule else None
    usual = RefreshStrategy.SCHEDULED if schedule else RefreshStrategy.ON_DEMAND
    return NewDatamart(
        schema=schema_of(request),
        name=request.name,
        query=request.query,
        type=_type(request.type),
        strategy=RefreshStrategy[
            datamart_pb2.Datamart.RefreshStrategy.Name(request.refresh_strategy)
        ]
        if request.refresh_strategy
        else usual,
        schedule=schedule,
        concurrent=request.concurrent if request.HasField("concurrent") else True,
        description=request.description,
        metadata=object_of(request.metadata, "metadata"),
    )


def _type(type_: datamart_pb2.Datamart.Type) -> MartType:
    if not type_:
        return MartType.MATERIALIZED_VIEW
    return MartType[datamart_pb2.Datamart.Type.Name(type_)]


def new_version(request: pb.CreateVersionedDatamartRequest) -> tuple[NewDatamart, Version]:
    """Read which version is to be created."""
    days = request.retention_days if request.HasField("retention_days") else _RETENTION_DAYS
    new = NewDatamart(
        schema=schema_of(request),
        name=f"{request.name}__{request.version}",
        query=request.query,
        type=_type(request.type),
        description=request.description,
        metadata=object_of(request.metadata, "metadata"),
    )
    return new, Version(request.version, request.name, days)


def schedule_of(request: pb.ScheduleDatamartRequest) -> Schedule:
    """Read when it is to be refreshed."""
    return Schedule(request.schedule, request.time_zone or "UTC")


def datamart_message(shown: ShownMart, *, statistics: bool = True) -> datamart_pb2.Datamart:
    """Show a datamart."""
    mart = shown.mart
    message = datamart_pb2.Datamart(
        datamart_id=mart.datamart_id,
        name=mart.name,
        type=mart.type.name,
        schema=mart.schema,
        status=mart.status.name,
        created_at=mart.created_at,
        refresh_required=mart.refresh_required,
        last_refresh=mart.last_refresh,
        refresh_strategy=mart.strategy.name,
        description=mart.description,
        metadata=struct_of(mart.metadata),
        query=mart.query,
        sources=[
            datamart_pb2.Datamart.Source(
                schema=source[0], table=source[1], datamart=source in shown.marts_read
            )
            for source in mart.sources
        ],
        dependants=map(".".join, shown.dependants),
        unique_key=mart.unique_key,
        expires_at=mart.expires_at,
        error=mart.error,
        concurrent=mart.concurrent,
    )
    if statistics:
        message.rows_count, message.size_mb = mart.rows, mart.size_bytes / _MEGABYTE
    _show_schedule(message, mart.schedule)
    _show_version(message, mart.version)
    return message


def _show_schedule(message: datamart_pb2.Datamart, schedule: MartSchedule | None) -> None:
    if schedule is None:
        return
    message.schedule, message.time_zone = schedule.schedule.cron, schedule.schedule.time_zone
    if schedule.next_run is not None:
        message.next_run.FromDatetime(schedule.next_run)


def _show_version(message: datamart_pb2.Datamart, version: Version | None) -> None:
    if version is not None:
        message.version, message.versioned_name = version.version, version.versioned_name
        message.retention_days = version.retention_days


def refresh_message(refresh: Refresh) -> datamart_pb2.DatamartRefresh:
    """Show a refresh."""
    done = refresh.status.name == "COMPLETED"
    return datamart_pb2.DatamartRefresh(
        datamart_name=refresh.datamart_name,
        refresh_id=refresh.refresh_id,
        status=refresh.status.name,
        rows_refreshed=refresh.rows,
        size_mb=refresh.size_bytes / _MEGABYTE,
        refresh_duration_seconds=_duration(refresh),
        refreshed_at=refresh.completed_at if done else None,
        schema=refresh.schema,
        cause=refresh.cause.name,
        concurrent=refresh.concurrent,
        rows_written=refresh.rows_written,
        error=refresh.error,
        note=refresh.note,
        after=refresh.after,
        revision=refresh.revision,
        terminal=refresh.terminal,
        created_at=refresh.created_at,
        started_at=refresh.started_at,
        completed_at=refresh.completed_at,
    )


def _duration(refresh: Refresh) -> float:
    if refresh.started_at is None:
        return 0
    until = refresh.completed_at or datetime.now(UTC)
    return max(0.0, (until - refresh.started_at).total_seconds())


def schedule_message(mart: Datamart, schedule: MartSchedule, status: str) -> pb.DatamartSchedule:
    """Show a schedule that was set, or that was ended."""
    return pb.DatamartSchedule(
        datamart_name=mart.name,
        schedule_id=schedule.schedule_id,
        cron_expression=schedule.schedule.cron,
        next_run=schedule.next_run if status == "SCHEDULED" else None,
        status=status,
        schema=mart.schema,
        time_zone=schedule.schedule.time_zone,
        concurrent=schedule.concurrent,
    )


def preview_message(preview: MartPreview, name: str) -> pb.PreviewDatamartResponse:
    """Show the first rows of a datamart, by the name that they were asked for."""
    names = unique_names(preview.columns)
    answer = pb.PreviewDatamartResponse(
        datamart_name=name,
        schema=preview.mart.schema,
        columns=names,
        total_rows=preview.total_rows,
    )
    for piece in preview.pieces:
        for message in rows_messages(names, preview.columns, piece):
            answer.data.extend(message.rows)
    answer.rows_returned = len(answer.data)
    return answer
