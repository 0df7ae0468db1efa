"""A whole core on each engine whose runs move when the test says so.

Steps have files converted, so that a test decides when and how each of them ends.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headrace_server.app import Core, open_core
from headrace_server.config import Config
from headrace_server.core.pipelines.job_children import SCORE_DATASET
from headrace_server.core.pipelines.runs import ADVANCE_RUN
from headrace_server.model.errors import NotFoundError
from headrace_server.model.job import Job
from headrace_server.model.page import PageRequest
from headrace_server.model.pipeline import ConvertFile, Definition, Parameter, Settings, Step
from headrace_server.model.remote_job import Submission
from headrace_server.model.run import Run, StepStatus
from headrace_server.model.tenant import Principal, Scope

CALLER = Principal("default", frozenset({Scope.READ, Scope.WRITE}), "key_1")
WORKER = Principal("default", frozenset({Scope.WORKER}), None)


def step(step_id: str, *depends_on: str, settings: Settings | None = None, **more: Any) -> Step:
    """A step that has a file converted whose content is of a type called after the step."""
    return Step(step_id, settings or ConvertFile("file", step_id), depends_on, **more)


@dataclass
class Floor:
    """Where runs are moved by hand."""

    core: Core

    async def create(self, *steps: Step, parameters: Sequence[Parameter] = (), **more: Any) -> None:
        """Create the pipeline `p`, or its next version."""
        definition = Definition("p", steps, tuple(parameters), **more)
        try:
            await self.core.runs.pipelines.update(CALLER, "p", definition)
        except NotFoundError:
            await self.core.runs.pipelines.create(CALLER, "p", definition)

    async def start(self, **options: Any) -> str:
        """Start a run of `p` and move it as far as it goes; gives its id."""
        options = {"parameters": {}, **options}
        async with self.core.store.begin() as connection:
            run = await self.core.runs.runs.start(connection, "default", "p", **options)
        await self.move()
        return run.run_id

    async def run_of(self, *steps: Step, **more: Any) -> str:
        """Create the pipeline and start it."""
        await self.create(*steps, **more)
        return await self.start()

    async def move(self) -> None:
        """Move all runs as far as they go without what the test is to end."""
        await self.core.runs.watcher.look()
        while jobs := await self.claim():
            for job in jobs:
                await self.work(job)
            await self.core.runs.watcher.look()

    async def claim(self) -> list[Job]:
        return await self.core.jobs.claim("tests", [ADVANCE_RUN, SCORE_DATASET], 10)

    async def work(self, job: Job) -> None:
        runs = self.core.runs
        await (runs.advancing.run if job.kind == ADVANCE_RUN else runs.scoring.run)(job)

    async def end(self, *step_ids: str, error: str | None = None) -> None:
        """End the conversions of steps, well unless an error is given, and move on."""
        for step_id in step_ids:
            (claimed,) = await self.core.services.remote_claims.poll(WORKER, "w", [step_id], 1, 0)
            submission = Submission(
                claimed.job.job_id, claimed.job.attempt, error is None, error_message=error
            )
            await self.core.services.remote_results.submit(WORKER, submission)
        await self.move()

    async def fail(self, *step_ids: str) -> None:
        """End conversions badly: a job has three attempts."""
        for step_id in step_ids:
            run_step = next(
                each
                for run in await self.runs()
                for each in run.steps
                if each.step_id == step_id and each.status is StepStatus.RUNNING
            )
            await self.core.services.remote_jobs.cancel(CALLER, str(run_step.child_id))
        await self.move()

    async def runs(self) -> list[Run]:
        page = await self.core.runs.runs.list(CALLER, PageRequest())
        return [await self.get(run.run_id) for run in page.items]

    async def get(self, run_id: str) -> Run:
        return await self.core.runs.runs.get(CALLER, run_id)

    async def steps(self, run_id: str) -> dict[str, str]:
        """Where each step stands."""
        return {each.step_id: each.status.value for each in (await self.get(run_id)).steps}

    async def log(self, run_id: str) -> list[str]:
        """What happened, each line with its step."""
        page = await self.core.runs.runs.logs(CALLER, run_id, "", PageRequest(1000))
        return [f"{line.step_id} {line.message}" for line in page.items]


@pytest.fixture
async def floor(tmp_path: Path, migrated_url: str) -> AsyncIterator[Floor]:
    """The floor, once on each engine."""
    config = Config(
        data_dir=tmp_path / "data",
        database_url=migrated_url,
        parsers=1,
        simulated_latency_ms=0,
        simulated_success_rate=1.0,
    )
    async with open_core(config) as core:
        yield Floor(core)
