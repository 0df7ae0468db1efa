"""Runs, their steps and what happened to them."""

from collections.abc import Mapping
from datetime import datetime

from headrace.v1 import run_pb2 as pb

from headrace_server.model.run import LogLine, Run, RunStatus, RunStep, StepStatus
from headrace_server.rpc.messages.instant import timestamp_of
from headrace_server.rpc.messages.structs import struct_of


def run_message(record: Run, now: datetime, links: Mapping[str, str]) -> pb.Run:
    """Show a run as it stands; `links` are where files are downloaded, by step."""
    return pb.Run(
        run_id=record.run_id,
        pipeline_id=record.pipeline_id,
        status=record.status.name,
        started_at=timestamp_of(record.started_at),
        parameters=struct_of(record.parameters),
        pipeline_version=record.pipeline_version,
        trigger_id=record.trigger_id or "",
        nominal_time=timestamp_of(record.nominal_time),
        event=struct_of(record.event or None),
        steps=[_step_message(step, now, links.get(step.step_id)) for step in record.steps],
        progress=record.progress,
        rows_processed=record.rows,
        ended_steps=record.ended_steps,
        total_steps=record.total_steps,
        failed_steps=record.failed_steps,
        error=record.error,
        revision=record.revision,
        terminal=record.terminal,
        created_at=timestamp_of(record.created_at),
        completed_at=timestamp_of(record.completed_at),
        duration_seconds=_seconds(record.started_at, record.completed_at or now),
    )


def _step_message(record: RunStep, now: datetime, link: str | None) -> pb.RunStep:
    verdict = record.verdict
    output = {**record.output, "download_url": link} if link else record.output
    return pb.RunStep(
        id=record.step_id,
        kind=record.kind.value,
        status=record.status.name,
        attempt=record.attempt,
        started_at=timestamp_of(record.started_at),
        completed_at=timestamp_of(record.completed_at),
        duration_seconds=_seconds(record.started_at, record.completed_at or now),
        progress=100 if record.status is StepStatus.SUCCEEDED else record.progress,
        rows_processed=record.rows,
        output=struct_of(output or None),
        error=record.error,
        next_attempt_at=timestamp_of(record.next_attempt_at),
        message=record.message,
        decided_by=verdict.decided_by if verdict else None,
        decided_at=timestamp_of(verdict.decided_at if verdict else None),
        comment=(verdict.comment or None) if verdict else None,
    )


def _seconds(started: datetime | None, ended: datetime) -> float | None:
    return None if started is None else (ended - started).total_seconds()


def line_message(record: LogLine) -> pb.RunLogLine:
    """Show a line of what happened to a step."""
    return pb.RunLogLine(
        at=timestamp_of(record.at),
        step_id=record.step_id,
        attempt=record.attempt,
        message=record.message,
    )


def status_filter(status: pb.Run.Status) -> RunStatus | None:
    """Read which status is asked for; None for any."""
    if status == pb.Run.STATUS_UNSPECIFIED:
        return None
    return RunStatus[pb.Run.Status.Name(status)]
