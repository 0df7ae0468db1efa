"""What follows for a run from how its steps, and what they started, stand; without effects."""

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from headrace_server.model.pipeline import Definition, OnFailure, Step, StepKind
from headrace_server.model.row_counts import rows_text
from headrace_server.model.run import ChildState, LogLine, Run, RunStatus, RunStep, StepStatus

#: steps of one run that are under way at once
MOST_AT_ONCE = 20
#: steps that an error names
_MOST_NAMED = 5
_IDS = uuid.UUID("6f0c7f0e-8f0d-5d0e-9f43-2f4c4f4d9a11")


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be written."""

    #: steps that changed
    steps: tuple[RunStep, ...]
    lines: tuple[LogLine, ...]
    status: RunStatus
    #: why the run failed; None unless it did
    error: str | None
    #: when time alone changes something; None for never
    wake_at: datetime | None


def child_id_of(run_id: str, step_id: str, attempt: int) -> str:
    """Return the id of what an attempt starts: the same however often that is tried."""
    return str(uuid.uuid5(_IDS, f"{run_id}/{step_id}/{attempt}"))


def decide(
    run: Run, definition: Definition, children: Mapping[str, ChildState], now: datetime
) -> Decision:
    """Settle the steps whose children ended, and begin those that may.

    `children` are by their ids; what is not there has not been started yet.
    """
    board = _Board(run, definition, now)
    for step in definition.steps:
        board.settle(step, children)
    if run.deadline_at is not None and run.deadline_at <= now:
        board.stop("the run took longer than it may")
    board.halt_after_failure()
    while board.skip_those_without_hope():
        pass
    board.begin_those_ready()
    return board.decision()


@dataclass(slots=True)
class _Board:
    """The steps of a run while it is decided on them."""

    run: Run
    definition: Definition
    now: datetime
    steps: dict[str, RunStep] = field(init=False)
    declared: dict[str, Step] = field(init=False)
    lines: list[LogLine] = field(default_factory=list)
    stopped: str | None = None

    def __post_init__(self) -> None:
        self.steps = {step.step_id: step for step in self.run.steps}
        self.declared = {step.step_id: step for step in self.definition.steps}

    def settle(self, step: Step, children: Mapping[str, ChildState]) -> None:
        """Take note of what became of an attempt."""
        state = self.steps[step.step_id]
        child = children.get(state.child_id or "")
        if state.status is StepStatus.WAITING and state.verdict is not None:
            self._settle_verdict(state)
        elif state.status is StepStatus.RUNNING and child is not None:
            self._settle_child(step, state, child)
        state = self.steps[step.step_id]
        if not state.ended and (due := _due_at(step, state)) is not None and due <= self.now:
            seconds = step.timeout.total_seconds() if step.timeout else 0
            self._fail(step, f"it took longer than {seconds:g} s")

    def _settle_verdict(self, state: RunStep) -> None:
        verdict = state.verdict
        if verdict is not None and verdict.approved:
            self._end(state, StepStatus.SUCCEEDED, f"approved by {verdict.decided_by}")
        elif verdict is not None:
            comment = f": {verdict.comment}" if verdict.comment else ""
            words = f"rejected by {verdict.decided_by}{comment}"
            self._end(state, StepStatus.FAILED, words, error=words)

    def _settle_child(self, step: Step, state: RunStep, child: ChildState) -> None:
        noted = replace(
            state,
            progress=min(child.progress, 99),
            rows=child.rows,
            output={**state.output, **child.output},
            child_open=not child.ended,
        )
        self.steps[step.step_id] = noted
        if child.ended and child.succeeded:
            rows = f", {rows_text(child.rows)}" if child.rows else ""
            self._end(noted, StepStatus.SUCCEEDED, f"succeeded{rows}", progress=100)
        elif child.ended:
            self._fail(step, child.error or "it failed")

    def _fail(self, step: Step, error: str) -> None:
        """Count a failed attempt: another follows where the policy says so."""
        state = self.steps[step.step_id]
        failures = state.failures + 1
        if failures >= step.retry.attempts or step.kind is StepKind.APPROVAL:
            self._end(state, StepStatus.FAILED, f"failed: {error}", error=error, failures=failures)
            return
        wait = step.retry.wait(failures)
        self._write(
            replace(
                state,
                status=StepStatus.PENDING,
                failures=failures,
                error=error,
                next_attempt_at=self.now + wait,
            ),
            f"failed: {error}; tried again in {wait.total_seconds():g} s",
        )

    def _end(self, state: RunStep, status: StepStatus, words: str, **values: Any) -> None:
        ended = replace(state, status=status, completed_at=self.now, next_attempt_at=None, **values)
        self._write(ended, words)

    def _write(self, state: RunStep, words: str) -> None:
        self.steps[state.step_id] = state
        self.lines.append(LogLine(state.step_id, state.attempt, self.now, words))

    def stop(self, why: str) -> None:
        """Let nothing begin any more, and end what is under way."""
        self.stopped = why
        for state in list(self.steps.values()):
            if state.status in (StepStatus.RUNNING, StepStatus.WAITING):
                self._end(state, StepStatus.FAILED, f"failed: {why}", error=why)

    def halt_after_failure(self) -> None:
        """Let nothing begin any more where a failed step says so; what runs is let end."""
        for step in self.definition.steps:
            failed = self.steps[step.step_id].status is StepStatus.FAILED
            if failed and step.on_failure is OnFailure.FAIL and self.stopped is None:
                self.stopped = f"step {step.step_id} failed"
        if self.stopped is not None:
            for state in self._with(StepStatus.PENDING):
                self._skip(state, self.stopped)

    def skip_those_without_hope(self) -> bool:
        """Skip steps that depend on what failed or was skipped; whether there was one."""
        found = False
        for state in self._with(StepStatus.PENDING):
            for dependency in self.declared[state.step_id].depends_on:
                if self._is_lost(dependency):
                    status = self.steps[dependency].status.value.lower()
                    self._skip(state, f"step {dependency} was {status}")
                    found = True
                    break
        return found

    def _skip(self, state: RunStep, why: str) -> None:
        # One that waited for another attempt has failed, and not been left out.
        status = StepStatus.FAILED if state.failures else StepStatus.SKIPPED
        error = state.error if state.failures else why
        self._end(state, status, f"{status.value.lower()}: {why}", error=error)

    def _is_lost(self, step_id: str) -> bool:
        status = self.steps[step_id].status
        tolerated = self.declared[step_id].on_failure is OnFailure.CONTINUE
        return status in (StepStatus.SKIPPED, StepStatus.CANCELLED) or (
            status is StepStatus.FAILED and not tolerated
        )

    def begin_those_ready(self) -> None:
        """Begin the steps whose dependencies are met, as many as there is room for."""
        room = MOST_AT_ONCE - len(list(self._with(StepStatus.RUNNING)))
        for step in self._ready():
            state = self.steps[step.step_id]
            waits = state.next_attempt_at is not None and state.next_attempt_at > self.now
            # What the attempt before left under way is ended first.
            if waits or state.child_open:
                continue
            if step.kind is StepKind.APPROVAL:
                self._begin(step, StepStatus.WAITING, None)
            elif room > 0:
                child_id = child_id_of(self.run.run_id, step.step_id, state.attempt + 1)
                self._begin(step, StepStatus.RUNNING, child_id)
                room -= 1

    def _begin(self, step: Step, status: StepStatus, child_id: str | None) -> None:
        state = self.steps[step.step_id]
        begun = RunStep(
            step_id=step.step_id,
            kind=step.kind,
            status=status,
            attempt=state.attempt + 1,
            failures=state.failures,
            child_id=child_id,
            child_open=child_id is not None,
            started_at=self.now,
        )
        self._write(begun, "waits for approval" if child_id is None else "begins")

    def _ready(self) -> Iterator[Step]:
        for step in self.definition.steps:
            waits = self.steps[step.step_id].status is StepStatus.PENDING
            if waits and all(map(self._is_met, step.depends_on)):
                yield step

    def _is_met(self, step_id: str) -> bool:
        status = self.steps[step_id].status
        tolerated = self.declared[step_id].on_failure is OnFailure.CONTINUE
        return status is StepStatus.SUCCEEDED or (status is StepStatus.FAILED and tolerated)

    def _with(self, status: StepStatus) -> list[RunStep]:
        return [state for state in self.steps.values() if state.status is status]

    def decision(self) -> Decision:
        """Return what is to be written."""
        before = {step.step_id: step for step in self.run.steps}
        status, error = self._outcome()
        return Decision(
            steps=tuple(step for step in self.steps.values() if step != before[step.step_id]),
            lines=tuple(self.lines),
            status=status,
            error=error,
            wake_at=min(self._times(), default=None) if status in _GOING_ON else None,
        )

    def _outcome(self) -> tuple[RunStatus, str | None]:
        states = self.steps.values()
        if not all(state.ended for state in states):
            moves = any(state.status is StepStatus.RUNNING for state in states) or any(
                True for _ in self._ready()
            )
            return (RunStatus.RUNNING if moves else RunStatus.WAITING), None
        bad = [step_id for step_id in self.steps if self._is_lost(step_id)]
        if not bad:
            return RunStatus.SUCCEEDED, None
        failed = [state.step_id for state in states if state.status is StepStatus.FAILED]
        words = f"{_named(failed)} failed" if failed else f"{_named(bad)} did not run"
        return RunStatus.FAILED, self.stopped if self._overdue else words

    @property
    def _overdue(self) -> bool:
        return self.run.deadline_at is not None and self.run.deadline_at <= self.now

    def _times(self) -> Iterable[datetime]:
        if self.run.deadline_at is not None:
            yield self.run.deadline_at
        for step in self.definition.steps:
            state = self.steps[step.step_id]
            due = _due_at(step, state)
            if due is not None:
                yield due
        for step in self._ready():
            due = self.steps[step.step_id].next_attempt_at
            if due is not None:
                yield due


_GOING_ON = frozenset({RunStatus.RUNNING, RunStatus.WAITING})


def _due_at(step: Step, state: RunStep) -> datetime | None:
    """When the attempt under way takes too long; None for never."""
    under_way = state.status in (StepStatus.RUNNING, StepStatus.WAITING)
    if not under_way or step.timeout is None or state.started_at is None:
        return None
    return state.started_at + step.timeout


def _named(step_ids: list[str]) -> str:
    shown = ", ".join(step_ids[:_MOST_NAMED])
    if len(step_ids) > _MOST_NAMED:
        shown += " and others"
    return f"step {shown}" if len(step_ids) == 1 else f"steps {shown}"
