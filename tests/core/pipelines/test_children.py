"""What steps start elsewhere is waited for, ended with its run, and started once."""

import asyncio
from typing import Any

import pytest

from headrace_server.core.jobs.recalls import call
from headrace_server.core.pipelines.runs import ADVANCE_RUN
from headrace_server.db import jobs as job_rows
from headrace_server.db import runs as run_rows
from headrace_server.model.datamart import NewDatamart
from headrace_server.model.dataset import Declaration
from headrace_server.model.errors import AlreadyExistsError, InvalidFieldError
from headrace_server.model.export import (
    ExportFormat,
    ExportOutput,
    ExportRequest,
    ExportSource,
    SourceType,
)
from headrace_server.model.job import JobStatus
from headrace_server.model.mapping import Mapping
from headrace_server.model.pipeline import (
    Definition,
    Ingest,
    Parameter,
    RefreshDatamart,
    ScoreDataset,
    Settings,
)
from headrace_server.model.run import RunStatus

from .conftest import CALLER, Floor, step

MAPPINGS = Ingest((Mapping("m", "source", "target", {}),))
REFRESH = RefreshDatamart("numbers")
EXPORT = ExportRequest(
    ExportOutput(ExportFormat.CSV), ExportSource(SourceType.QUERY, "SELECT {{ n }} AS n")
)


async def work(floor: Floor, *kinds: str) -> None:
    """Run the jobs of these kinds that wait, then move the runs."""
    core = floor.core
    runners: dict[str, Any] = {
        "run_mappings": core.mappings.run,
        "export": core.answers.exporting.run,
        "refresh_datamart": core.answers.marts.refreshing.run,
    }
    for job in await core.jobs.claim("tests", kinds, 10):
        await runners[job.kind](job)
    await floor.move()


async def make_mart(floor: Floor, query: str = "SELECT 7 AS n") -> None:
    mart = NewDatamart("analytics", "numbers", query)
    await floor.core.answers.marts.definitions.create(CALLER, mart)


async def test_a_datamart_is_refreshed_and_exported(floor: Floor) -> None:
    await make_mart(floor)
    number = Parameter("n", default="5")
    run_id = await floor.run_of(
        step("mart", settings=REFRESH), step("file", "mart", settings=EXPORT), parameters=[number]
    )
    await work(floor, "refresh_datamart")
    await work(floor, "export")
    run = await floor.get(run_id)
    assert run.status is RunStatus.SUCCEEDED
    mart, file = (each.output for each in run.steps)
    assert (mart["datamart"], run.steps[0].rows) == ("analytics.numbers", 1)
    assert (file["export_id"], run.steps[1].rows) == (run.steps[1].child_id, 1)
    assert str(file["file_name"]).endswith(".csv")


async def test_a_refresh_waits_for_another_one_of_the_datamart(floor: Floor) -> None:
    """That one may not see what the steps before have written."""
    await make_mart(floor)
    other = await floor.core.answers.marts.refreshes.start(CALLER, "analytics", "numbers")
    run_id = await floor.run_of(step("mart", settings=REFRESH))
    assert (await floor.steps(run_id))["mart"] == "RUNNING"
    async with floor.core.store.read() as connection:
        job_id = await run_rows.job_of(connection, "default", run_id)
        job = await job_rows.find(connection, str(job_id))
    assert job is not None
    # It looks again at a time, and holds no slot until then.
    assert job.status is JobStatus.PENDING
    await floor.core.answers.marts.refreshes.cancel(
        CALLER, "analytics", "numbers", other.refresh_id
    )
    async with floor.core.store.begin() as connection:
        await call(floor.core.jobs, connection, "default", job.job_id)
    await floor.move()
    await work(floor, "refresh_datamart")
    run = await floor.get(run_id)
    assert (run.status, run.steps[0].attempt) == (RunStatus.SUCCEEDED, 1)


async def test_what_fails_elsewhere_fails_the_step_with_its_reason(floor: Floor) -> None:
    await floor.core.services.datasets.declare(CALLER, [Declaration("public.things")])
    await make_mart(floor)
    steps = [
        step("mapping", settings=MAPPINGS),
        step("mart", settings=REFRESH),
        step("file", settings=EXPORT),
    ]
    run_id = await floor.run_of(*steps, parameters=[Parameter("n", default="5")])
    ids = {each.step_id: str(each.child_id) for each in (await floor.get(run_id)).steps}
    core = floor.core
    await core.services.ingestions.cancel(CALLER, ids["mapping"])
    await core.answers.marts.refreshes.cancel(CALLER, "analytics", "numbers", ids["mart"])
    await core.answers.exports.cancel(CALLER, ids["file"])
    await floor.move()
    run = await floor.get(run_id)
    assert run.status is RunStatus.FAILED
    errors = [str(each.error) for each in run.steps]
    assert "cancelled" in errors[0]
    assert errors[1:] == ["the refresh ended CANCELLED", "the export ended CANCELLED"]


@pytest.mark.parametrize("settings", [MAPPINGS, REFRESH, EXPORT, ScoreDataset("public.things")])
async def test_all_kinds_are_ended_with_their_run(floor: Floor, settings: Settings) -> None:
    await make_mart(floor)
    await floor.create(step("a", settings=settings), parameters=[Parameter("n", default="5")])
    async with floor.core.store.begin() as connection:
        run = await floor.core.runs.runs.start(connection, "default", "p", parameters={})
    for job in await floor.core.jobs.claim("tests", [ADVANCE_RUN], 1):
        await floor.work(job)
    await floor.core.runs.runs.cancel(CALLER, run.run_id)
    for job in await floor.core.jobs.claim("tests", [ADVANCE_RUN], 1):
        await floor.work(job)
    kinds = ["run_mappings", "refresh_datamart", "export", "score_dataset"]
    assert await floor.core.jobs.claim("tests", kinds, 10) == []
    (ended,) = (await floor.get(run.run_id)).steps
    assert (ended.status.value, ended.child_open) == ("CANCELLED", False)


async def test_mappings_that_are_not_all_written_fail_the_step(floor: Floor) -> None:
    wrong = Mapping("w", "table:public.customers", "target", {})
    settings = Ingest((*MAPPINGS.mappings, wrong))
    run_id = await floor.run_of(step("a", settings=settings))
    await work(floor, "run_mappings")
    (ended,) = (await floor.get(run_id)).steps
    assert ended.status.value == "FAILED"
    assert "1 of 2 mappings failed" in str(ended.error)
    assert ended.rows == 1


async def test_a_forgotten_child_fails_the_step(floor: Floor) -> None:
    """It is started once more, and no third time."""
    run_id = await floor.run_of(step("a"), step("b", "a"))
    (claimed,) = await floor.core.services.remote_claims.poll(CALLER, "w", ["a"], 1, 0)
    await floor.core.services.remote_jobs.cancel(CALLER, claimed.job.job_id)
    await floor.core.services.remote_jobs.delete(CALLER, claimed.job.job_id)
    async with floor.core.store.begin() as connection:
        job_id = await run_rows.job_of(connection, "default", run_id)
        await call(floor.core.jobs, connection, "default", str(job_id))
    await floor.move()
    assert (await floor.steps(run_id))["a"] == "RUNNING"
    await floor.end("a")
    assert (await floor.steps(run_id))["a"] == "SUCCEEDED"


async def test_a_job_whose_run_is_gone_ends(floor: Floor) -> None:
    run_id = await floor.run_of(step("a"))
    async with floor.core.store.begin() as connection:
        job_id = await run_rows.job_of(connection, "default", run_id)
        await call(floor.core.jobs, connection, "default", str(job_id))
        await run_rows.delete(connection, [run_id])
    await floor.move()
    job = await floor.core.jobs.find(str(job_id))
    assert job is not None
    assert job.status is JobStatus.COMPLETED


async def test_an_id_is_taken_once_also_at_the_same_time(floor: Floor) -> None:
    pipelines = floor.core.runs.pipelines
    definition = Definition("p", (step("a"),))
    made = await asyncio.gather(
        *(pipelines.create(CALLER, "same", definition) for _ in range(4)), return_exceptions=True
    )
    refused = [each for each in made if isinstance(each, BaseException)]
    assert len(refused) == 3
    assert all(isinstance(each, AlreadyExistsError) for each in refused), refused


async def test_priorities_and_paths_are_told_when_templates_make_them_wrong(floor: Floor) -> None:
    with pytest.raises(InvalidFieldError):
        await floor.create(step("a", settings=Ingest((Mapping("m", "{{ x }}", "t", {}),))))
