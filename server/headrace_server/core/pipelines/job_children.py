"""Steps that have files converted or datasets scored: each starts a job."""

from collections.abc import Collection, Mapping

from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import Limits
from headrace_server.core.remote_jobs.requests import RemoteJobs
from headrace_server.db import run_children
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import RUNS, job_topic
from headrace_server.model.job import Clocks, JobStatus, NewJob, Priority
from headrace_server.model.pipeline import ConvertFile, ScoreDataset
from headrace_server.model.remote_job import NewRemoteJob
from headrace_server.model.run import ChildState
from headrace_server.model.tenant import Principal

#: kind of the job that scores a dataset for a step
SCORE_DATASET = "score_dataset"
_OPEN = frozenset({JobStatus.PENDING, JobStatus.RUNNING})


class ConversionChildren:
    """Remote jobs of steps that have files converted."""

    def __init__(self, remote_jobs: RemoteJobs) -> None:
        self._remote_jobs = remote_jobs

    async def start(self, caller: Principal, child_id: str, settings: ConvertFile) -> None:
        """Start one."""
        new = NewRemoteJob(
            settings.source_file_path,
            settings.content_type,
            settings.task_options,
            priority=Priority[settings.priority],
        )
        await self._remote_jobs.create_as(caller, new, child_id)

    async def states(
        self, connection: Connection, child_ids: Collection[str]
    ) -> Mapping[str, ChildState]:
        """Return how those stand that there are, by id."""
        found = await run_children.jobs_of(connection, child_ids)
        return {job_id: _state(job_id, *each) for job_id, each in found.items()}

    async def cancel(self, caller: Principal, child_id: str) -> None:
        """End one. Raises WrongStateError for one that has ended."""
        await self._remote_jobs.cancel(caller, child_id)

    def topic(self, child_id: str) -> str:
        """Topic of its changes."""
        return job_topic(child_id)


class ScoreChildren:
    """Jobs of steps that score datasets; `core.pipelines.scoring` runs them."""

    def __init__(self, store: ControlStore, jobs: Jobs, limits: Limits) -> None:
        self._store = store
        self._jobs = jobs
        self._limits = limits

    async def start(self, caller: Principal, child_id: str, settings: ScoreDataset) -> None:
        """Start one."""
        payload = {
            "dataset": settings.dataset,
            "observe": settings.observe,
            "minimum_score": settings.minimum_score,
        }
        clocks = Clocks(lease=self._limits.lease)
        new = NewJob(SCORE_DATASET, caller.tenant_id, payload, clocks=clocks, job_id=child_id)
        async with self._store.begin() as connection:
            await self._jobs.enqueue(connection, new)
        self._jobs.announce()

    async def states(
        self, connection: Connection, child_ids: Collection[str]
    ) -> Mapping[str, ChildState]:
        """Return how those stand that there are, by id."""
        found = await run_children.jobs_of(connection, child_ids)
        noted = await run_children.noted(connection, child_ids)
        return {
            job_id: _scored(status, last_error, *noted.get(job_id, (0, None)))
            for job_id, (status, last_error) in found.items()
        }

    async def cancel(self, caller: Principal, child_id: str) -> None:
        """End one. Raises WrongStateError for one that has ended."""
        async with self._store.begin() as connection:
            await self._jobs.cancel(connection, caller.tenant_id, child_id)
        self._jobs.announce_cancel(child_id)

    def topic(self, child_id: str) -> str:  # noqa: ARG002  # the runner tells of all alike
        """Topic of its end."""
        return RUNS


def _state(job_id: str, status: JobStatus, error: str | None) -> ChildState:
    succeeded = status is JobStatus.COMPLETED
    why = error or f"the job ended {status.value}"
    return ChildState(
        ended=status not in _OPEN,
        succeeded=succeeded,
        output={"job_id": job_id},
        error=None if succeeded or status in _OPEN else why,
    )


def _scored(status: JobStatus, last_error: str | None, rows: int, error: str | None) -> ChildState:
    succeeded = status is JobStatus.COMPLETED and error is None
    why = error or last_error or f"the job ended {status.value}"
    return ChildState(
        ended=status not in _OPEN,
        succeeded=succeeded,
        rows=rows,
        error=None if succeeded or status in _OPEN else why,
    )
