"""The runner of the job that moves a run on.

It holds no slot while a run waits: it looks at what the steps started, settles what ended, begins
what may, and ends. It is called again when a child ends, when somebody decides, or at a time.
What a step starts has an id that follows from the run, the step and the attempt, and is written
down before it is started: whatever is cut off between the two is found, and started once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.jobs.recalls import end_until
from headrace_server.core.pipelines.children import ChildrenByKind
from headrace_server.core.pipelines.deciding import decide
from headrace_server.core.pipelines.ending import RunEnds
from headrace_server.core.pipelines.settings import settings_of, with_message
from headrace_server.db import pipelines as pipeline_rows
from headrace_server.db import runs as run_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import RUNS, Wakeups, run_topic
from headrace_server.model.errors import HeadraceError, QuotaExceededError, StorageUnavailableError
from headrace_server.model.job import Job, JobStatus
from headrace_server.model.pipeline import Definition, StepKind
from headrace_server.model.run import (
    OPEN_RUNS,
    ChildState,
    Run,
    RunStatus,
    RunStep,
    StepStatus,
)
from headrace_server.model.tenant import Principal, Scope

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Attempt:
    """What an attempt of the job knows that is not written down."""

    job: Job
    #: children that were refused, and why
    refused: dict[str, str] = field(default_factory=dict)
    #: children that must wait for others to end, and how many seconds
    postponed: dict[str, float] = field(default_factory=dict)
    #: children that were started, and those that were asked to end
    started: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Turn:
    """What is to be done after what is written."""

    run: Run
    definition: Definition
    to_start: tuple[RunStep, ...] = ()
    to_cancel: tuple[RunStep, ...] = ()
    #: whether what was written lets steps begin that could not before
    again: bool = False

    @property
    def idle(self) -> bool:
        """Whether there is nothing."""
        return not (self.to_start or self.to_cancel or self.again)


class Advancing:
    """Moves runs on."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        children: ChildrenByKind,
        ends: RunEnds,
        wakeups: Wakeups,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._children = children
        self._ends = ends
        self._wakeups = wakeups

    async def run(self, job: Job) -> None:
        """Move the run on as far as it goes now, and end the job. Raises StaleAttemptError."""
        attempt = _Attempt(job)
        while (turn := await self._turn(attempt)) is not None:
            await self._cancel(attempt, turn)
            await self._start(attempt, turn)

    async def _turn(self, attempt: _Attempt) -> _Turn | None:
        """Write what follows from how things stand; None where that was all."""
        job, topics = attempt.job, list[str]()
        async with self._store.begin() as connection:
            await self._jobs.hold(connection, job.job_id, job.attempt)
            run = await run_rows.lock(connection, job.payload["run_id"])
            if run is None:
                await self._jobs.complete(connection, job.job_id, job.attempt)
                return None
            definition = await pipeline_rows.definition(
                connection, run.tenant_id, run.pipeline_id, run.pipeline_version
            )
            children = await self._states(connection, run)
            now = await self._jobs.now(connection)
            wake_at = None
            if not run.terminal:
                seen = {**children, **_refusals(attempt)}
                run, wake_at, topics = await self._move(connection, run, definition, seen, now)
            turn = await self._left(connection, attempt, run, definition, children)
            if turn.idle:
                wake_at = min([*_times(wake_at), *_later(attempt, now)], default=None)
                await end_until(self._jobs, connection, job.job_id, job.attempt, wake_at)
        attempt.refused.clear()
        for topic in (run_topic(run.run_id), *topics):
            self._wakeups.notify(topic)
        return None if turn.idle else turn

    async def _states(self, connection: Connection, run: Run) -> dict[str, ChildState]:
        """Return how the open children stand that there are, by id."""
        by_kind: dict[StepKind, list[str]] = {}
        for step in run.steps:
            if step.child_open and step.child_id is not None:
                by_kind.setdefault(step.kind, []).append(step.child_id)
        found: dict[str, ChildState] = {}
        for kind, child_ids in by_kind.items():
            found |= await self._children[kind].states(connection, child_ids)
        return found

    async def _move(
        self,
        connection: Connection,
        run: Run,
        definition: Definition,
        children: Mapping[str, ChildState],
        now: datetime,
    ) -> tuple[Run, datetime | None, list[str]]:
        """Decide and write it; returns the run as it is then, and what to notify."""
        decision = decide(run, definition, children, now)
        changed = [with_message(run, definition, step) for step in decision.steps]
        moved = replace(
            run,
            status=decision.status,
            error=decision.error,
            started_at=run.started_at or now,
            completed_at=None if decision.status in OPEN_RUNS else now,
            steps=_merged(run.steps, changed),
        )
        if not decision.steps and moved == run:
            return run, decision.wake_at, []
        await run_rows.write_steps(connection, run.run_id, changed)
        await run_rows.log(connection, run.run_id, decision.lines)
        await run_rows.update(
            connection,
            run.run_id,
            status=moved.status.value,
            error=moved.error,
            started_at=moved.started_at,
            completed_at=moved.completed_at,
        )
        topics = [RUNS]
        if moved.terminal:
            topics += await self._ends.tell(connection, moved)
        return moved, decision.wake_at, topics

    async def _left(
        self,
        connection: Connection,
        attempt: _Attempt,
        run: Run,
        definition: Definition,
        children: Mapping[str, ChildState],
    ) -> _Turn:
        """Return what is to be started and ended; writes which children are known to have ended."""
        to_start, to_cancel, closed = [], [], []
        for step in run.steps:
            if not step.child_open:
                continue
            child = children.get(str(step.child_id))
            if step.status is StepStatus.RUNNING:
                if child is None and step.child_id not in attempt.postponed:
                    to_start.append(step)
            elif child is not None and not child.ended and step.child_id not in attempt.cancelled:
                to_cancel.append(step)
            else:
                closed.append(replace(step, child_open=False))
        if closed:
            await run_rows.write_steps(connection, run.run_id, closed)
            run = replace(run, steps=_merged(run.steps, closed))
        again = bool(closed) and not run.terminal
        return _Turn(run, definition, tuple(to_start), tuple(to_cancel), again)

    async def _start(self, attempt: _Attempt, turn: _Turn) -> None:
        for step in turn.to_start:
            try:
                await self._start_child(attempt, turn, step)
            except QuotaExceededError as error:
                attempt.postponed[str(step.child_id)] = error.retry_after
            except HeadraceError as error:
                attempt.refused[str(step.child_id)] = error.message

    async def _start_child(self, attempt: _Attempt, turn: _Turn, step: RunStep) -> None:
        child_id = str(step.child_id)
        if child_id in attempt.started:
            attempt.refused[child_id] = "what it started is gone"
            return
        settings = settings_of(turn.run, turn.definition, step.step_id)
        await self._children[step.kind].start(_principal(turn.run), child_id, settings)
        attempt.started.add(child_id)

    async def _cancel(self, attempt: _Attempt, turn: _Turn) -> None:
        for step in turn.to_cancel:
            child_id = str(step.child_id)
            try:
                await self._children[step.kind].cancel(_principal(turn.run), child_id)
            except StorageUnavailableError:
                raise
            except HeadraceError as error:
                _log.info("runs.child_ended_by_itself", step=step.step_id, error=error.message)
            attempt.cancelled.add(child_id)

    async def failed(self, connection: Connection, job: Job) -> Iterable[str]:
        """Fail the run whose job failed for good; returns what to notify."""
        if job.status is JobStatus.PENDING:
            return []
        run = await run_rows.lock(connection, job.payload["run_id"])
        if run is None or run.terminal:
            return []
        now = await self._jobs.now(connection)
        why = f"it could not be moved on: {job.last_error}"
        topics = await self._ends.cut(connection, run, RunStatus.FAILED, why, now)
        return [run_topic(run.run_id), *topics]


def _refusals(attempt: _Attempt) -> dict[str, ChildState]:
    return {
        child_id: ChildState(ended=True, error=why) for child_id, why in attempt.refused.items()
    }


def _merged(steps: Iterable[RunStep], changed: Iterable[RunStep]) -> tuple[RunStep, ...]:
    by_id = {step.step_id: step for step in changed}
    return tuple(by_id.get(step.step_id, step) for step in steps)


def _times(*times: datetime | None) -> list[datetime]:
    return [time for time in times if time is not None]


def _later(attempt: _Attempt, now: datetime) -> list[datetime]:
    return [now + timedelta(seconds=seconds) for seconds in attempt.postponed.values()]


def _principal(run: Run) -> Principal:
    return Principal(run.tenant_id, frozenset({Scope.READ, Scope.WRITE}), None)
