"""The runner of jobs that score datasets for steps."""

from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.readiness.datasets import Datasets
from headrace_server.core.readiness.observing import Observer
from headrace_server.db import run_children
from headrace_server.db import runs as run_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import RUNS, Wakeups
from headrace_server.model.dataset import Dataset
from headrace_server.model.errors import NotFoundError
from headrace_server.model.job import Job
from headrace_server.model.tenant import Principal, Scope


class Scoring:
    """Scores the dataset that a job names, and tells its step."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        datasets: Datasets,
        observer: Observer,
        wakeups: Wakeups,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._datasets = datasets
        self._observer = observer
        self._wakeups = wakeups

    async def run(self, job: Job) -> None:
        """Score, and end the job with what the step is told. Raises StaleAttemptError."""
        try:
            dataset = await self._score(job)
        except NotFoundError as error:
            # Trying again would not help.
            values: dict[str, object] = {"error": error.message}
        else:
            values = _told(dataset, int(job.payload["minimum_score"]))
        async with self._store.begin() as connection:
            await self._jobs.complete(connection, job.job_id, job.attempt)
            run_id = await run_children.run_of(connection, job.job_id)
            if run_id is not None:
                await run_rows.note_child(connection, run_id, job.job_id, values)
        self._wakeups.notify(RUNS)

    async def _score(self, job: Job) -> Dataset:
        caller = Principal(job.tenant_id, frozenset({Scope.READ, Scope.WRITE}), None)
        score = self._observer.observe if job.payload["observe"] else self._datasets.score
        return await score(caller, job.payload["dataset"])


def _told(dataset: Dataset, least: int) -> dict[str, object]:
    score = dataset.evaluation.score
    observation = dataset.observation
    return {
        "output": {
            "dataset": dataset.declaration.full_name,
            "dataset_id": dataset.dataset_id,
            "readiness_score": score,
            "readiness_status": dataset.evaluation.status.name,
        },
        "rows": 0 if observation is None else observation.profile.rows,
        "error": f"the score is {score}, less than {least}" if score < least else None,
    }
