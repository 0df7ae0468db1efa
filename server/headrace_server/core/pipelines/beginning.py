"""Runs as they stand when they begin, and when they begin again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from headrace_server.core.pipelines.settings import names_of
from headrace_server.core.pipelines.values import resolved
from headrace_server.model.pipeline import Pipeline
from headrace_server.model.run import Run, RunStatus, RunStep, StepStatus


def new_run(
    run_id: str,
    pipeline: Pipeline,
    parameters: Mapping[str, Any],
    trigger_id: str | None,
    nominal_time: datetime,
    event: Mapping[str, Any],
    now: datetime,
) -> Run:
    """Return a run as it stands before its first step. Raises InvalidFieldError for a parameter."""
    definition = pipeline.definition
    names = names_of(
        run_id=run_id,
        pipeline_id=pipeline.pipeline_id,
        trigger_id=trigger_id,
        local_time=nominal_time,
        event=event,
    )
    values, address = resolved(definition.parameters, parameters, names)
    return Run(
        run_id=run_id,
        tenant_id=pipeline.tenant_id,
        pipeline_id=pipeline.pipeline_id,
        pipeline_version=pipeline.version,
        status=RunStatus.PENDING,
        revision=1,
        parameters=values,
        notification_email=address,
        trigger_id=trigger_id,
        nominal_time=nominal_time.astimezone(UTC),
        local_time=nominal_time.isoformat(),
        event=event,
        error=None,
        created_at=now,
        started_at=None,
        completed_at=None,
        deadline_at=now + definition.timeout if definition.timeout else None,
        steps=tuple(RunStep(step.step_id, step.kind) for step in definition.steps),
        total_steps=len(definition.steps),
    )


def reopened(run: Run) -> list[RunStep]:
    """Return the steps that run again when it is resumed: all that did not succeed.

    What one has under way still is known of, and ended before it begins.
    """
    return [
        RunStep(
            step_id=step.step_id,
            kind=step.kind,
            attempt=step.attempt,
            child_id=step.child_id,
            child_open=step.child_open,
        )
        for step in run.steps
        if step.status is not StepStatus.SUCCEEDED
    ]
