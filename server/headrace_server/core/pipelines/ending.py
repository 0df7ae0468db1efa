"""The end of a run: who is told of it, in the transaction that ends it."""

import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime

from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.storage.notifications import ATTEMPTS, NOTIFY
from headrace_server.db import runs as run_rows
from headrace_server.db.engine import Connection
from headrace_server.db.wakeups import RUNS
from headrace_server.model.job import NewJob
from headrace_server.model.run import LogLine, Run, RunStatus, StepStatus

#: Called in the transaction that ends a run, with the run as it is then, its steps included.
#: Changes what depends on it and returns the topics to notify after the commit.
EndRecorder = Callable[[Connection, Run], Awaitable[Iterable[str]]]
RunLock = Callable[[Connection, Run], Awaitable[None]]


class RunEnds:
    """What follows from the end of a run."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._recorders: list[EndRecorder] = []
        self._takers_back: list[EndRecorder] = []
        self._locks: list[RunLock] = []

    def on_end(self, record: EndRecorder) -> None:
        """Have the ends of runs take effect elsewhere too."""
        self._recorders.append(record)

    def on_resume(self, take_back: EndRecorder, lock: RunLock) -> None:
        """Have what followed from the end of a run taken back where the run is resumed.

        `lock` is called before the run is locked.
        """
        self._takers_back.append(take_back)
        self._locks.append(lock)

    async def resuming(self, connection: Connection, run: Run) -> None:
        """Lock what `resumed` changes, and what others lock before a run."""
        for lock in self._locks:
            await lock(connection, run)

    async def resumed(self, connection: Connection, run: Run) -> list[str]:
        """Tell those who asked that a run goes on; returns what to notify."""
        return [topic for record in self._takers_back for topic in await record(connection, run)]

    async def tell(self, connection: Connection, run: Run) -> list[str]:
        """Queue the mail, and tell those who asked; returns what to notify."""
        if run.notification_email:
            await self._jobs.enqueue(connection, _mail(run))
        return [topic for record in self._recorders for topic in await record(connection, run)]

    async def cut(
        self, connection: Connection, run: Run, status: RunStatus, why: str, now: datetime
    ) -> list[str]:
        """End a run that is locked with all its open steps; returns what to notify.

        What they have under way is ended by the run's job, once that is called.
        """
        ended = [
            replace(
                step,
                status=StepStatus.CANCELLED,
                completed_at=now,
                next_attempt_at=None,
                error=why,
            )
            for step in run.steps
            if not step.ended
        ]
        lines = [LogLine(step.step_id, step.attempt, now, f"cancelled: {why}") for step in ended]
        await run_rows.write_steps(connection, run.run_id, ended)
        await run_rows.log(connection, run.run_id, lines)
        values = {"status": status.value, "error": why, "completed_at": now}
        await run_rows.update(connection, run.run_id, **values)
        by_id = {step.step_id: step for step in ended}
        steps = tuple(by_id.get(step.step_id, step) for step in run.steps)
        cut = replace(run, status=status, error=why, completed_at=now, steps=steps)
        return [RUNS, *await self.tell(connection, cut)]


def _mail(run: Run) -> NewJob:
    subject, text = _in_words(run)
    payload = {
        "id": f"msg_{uuid.uuid4().hex}",
        "email": run.notification_email,
        "subject": subject,
        "text": text,
        "event": {"type": f"run.{run.status.value.lower()}", "data": {"run_id": run.run_id}},
    }
    return NewJob(NOTIFY, run.tenant_id, payload, max_retries=ATTEMPTS)


def _in_words(run: Run) -> tuple[str, str]:
    """Return the subject and the text of a mail about a run."""
    taken = (
        f"{(run.completed_at - run.started_at).total_seconds():.0f} s"
        if (run.completed_at and run.started_at)
        else None
    )
    shown = (
        ("Pipeline", f"{run.pipeline_id}, version {run.pipeline_version}"),
        ("Run", run.run_id),
        ("For", run.local_time),
        ("Took", taken),
        ("Rows processed", sum(step.rows for step in run.steps)),
        ("What went wrong", run.error),
        *(
            (f"Step {step.step_id}", f"{step.status.value.lower()}{_reason(step.error)}")
            for step in run.steps
        ),
    )
    text = "".join(f"{name}: {value}\n" for name, value in shown if value is not None)
    return f"Run {run.status.value.lower()}: {run.pipeline_id}", text


def _reason(error: str | None) -> str:
    return f": {error}" if error else ""
