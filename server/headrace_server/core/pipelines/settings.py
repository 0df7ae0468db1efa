"""The settings of a step as a run carries them out: templates filled."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from headrace_server.core.pipelines.texts import with_values
from headrace_server.core.pipelines.values import usable
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.pipeline import Approval, Definition, Settings
from headrace_server.model.run import Run, RunStep, StepStatus


def names_of(
    *,
    run_id: str,
    pipeline_id: str,
    trigger_id: str | None,
    local_time: datetime,
    event: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what templates may name beside parameters.

    `execution_date` is the day of the nominal time and `execution_time` the moment, both in the
    time zone that it came with.
    """
    return {
        "run_id": run_id,
        "pipeline_id": pipeline_id,
        "trigger_id": trigger_id,
        "execution_date": local_time.date(),
        "execution_time": local_time,
        "event": dict(event),
    }


def settings_of(run: Run, definition: Definition, step_id: str) -> Settings:
    """Return what a step of a run is to do. Raises InvalidFieldError."""
    step = next(step for step in definition.steps if step.step_id == step_id)
    reserved = names_of(
        run_id=run.run_id,
        pipeline_id=run.pipeline_id,
        trigger_id=run.trigger_id,
        local_time=datetime.fromisoformat(run.local_time),
        event=run.event,
    )
    values = {**usable(definition.parameters, run.parameters), **reserved}
    return with_values(step.settings, values, step.kind.value)


def with_message(run: Run, definition: Definition, step: RunStep) -> RunStep:
    """Return a step; one that waits for approval with what is to be approved."""
    if step.status is not StepStatus.WAITING or step.message is not None:
        return step
    try:
        settings = settings_of(run, definition, step.step_id)
    except InvalidFieldError as error:
        # Somebody looks at it anyway.
        return replace(step, message=error.message)
    return replace(step, message=settings.message if isinstance(settings, Approval) else "")
