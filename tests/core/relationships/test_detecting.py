"""Jobs that detect, on a whole core, on both engines."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from headrace_server.app import Core, open_core
from headrace_server.config import Config
from headrace_server.core.relationships.detections import DETECT_RELATIONSHIPS, MOST_TABLES
from headrace_server.db import jobs as job_rows
from headrace_server.model.errors import StaleAttemptError
from headrace_server.model.job import Job
from headrace_server.model.relationship import DetectionRequest, DetectionStatus
from headrace_server.model.tenant import Principal, Scope

CALLER = Principal("default", frozenset({Scope.READ, Scope.WRITE}), None)
ALL = DetectionRequest("public", (), 0.8, use_ai=True)


@pytest.fixture
async def core(migrated_url: str, tmp_path: Path) -> AsyncIterator[Core]:
    config = Config(data_dir=tmp_path / "data", database_url=migrated_url, parsers=1)
    async with open_core(config) as opened:
        yield opened


async def fill(core: Core, *statements: str) -> None:
    async with core.warehouses.use("default") as warehouse:
        await warehouse.list_tables()
        async with warehouse._writing() as connection:  # type: ignore[attr-defined]
            for statement in statements:
                await connection.execute(text(statement))


async def claimed(core: Core) -> Job:
    (job,) = await core.jobs.claim("worker", [DETECT_RELATIONSHIPS], 1)
    return job


async def test_a_job_detects_and_ends(core: Core) -> None:
    await fill(
        core,
        "CREATE TABLE people (id BIGINT PRIMARY KEY, boss BIGINT REFERENCES people)",
        "INSERT INTO people VALUES (1, NULL), (2, 1)",
    )
    detections = core.services.relationships
    begun = await detections.start(CALLER, ALL)
    job = await claimed(core)
    await core.detecting.run(job)
    found = await detections.wait(CALLER, begun.detection_id, 5)
    assert (found.status, found.tables_read, found.total_tables) == (
        DetectionStatus.COMPLETED, 1, 1,
    )  # fmt: skip
    assert [each.from_columns for each in found.relationships] == [("boss",)]
    assert await detections.cancel(CALLER, begun.detection_id) == found
    with pytest.raises(StaleAttemptError):
        await core.detecting.run(job)


async def test_a_table_that_goes_meanwhile_fails_it_for_good(core: Core) -> None:
    await fill(core, "CREATE TABLE people (id BIGINT)")
    detections = core.services.relationships
    begun = await detections.start(CALLER, DetectionRequest("public", ("people",), 0.8, True))
    await fill(core, "DROP TABLE people")
    await core.detecting.run(await claimed(core))
    found = await detections.get(CALLER, begun.detection_id)
    assert found.status is DetectionStatus.FAILED
    assert "people" in (found.error or "")


async def test_failed_attempts_are_told_and_end_it(core: Core) -> None:
    detections = core.services.relationships
    begun = await detections.start(CALLER, ALL)
    for attempt in (1, 2, 3):
        job = await claimed(core)
        await core.jobs.record_failure(job.job_id, job.attempt, "the disk is full")
        found = await detections.get(CALLER, begun.detection_id)
        assert "the disk is full" in (found.error or "")
        if attempt < 3:
            assert found.status is DetectionStatus.PENDING
            async with core.store.begin() as connection:
                await job_rows.update(connection, job.job_id, {"available_at": found.created_at})
    assert found.status is DetectionStatus.FAILED


async def test_a_cancelled_one_is_not_run(core: Core) -> None:
    detections = core.services.relationships
    begun = await detections.start(CALLER, ALL)
    job = await claimed(core)
    assert (await detections.cancel(CALLER, begun.detection_id)).terminal
    with pytest.raises(StaleAttemptError):
        await core.detecting.run(job)


async def test_a_schema_of_too_many_tables_is_refused(core: Core) -> None:
    await fill(core, *(f"CREATE TABLE t{n} (id BIGINT)" for n in range(MOST_TABLES + 1)))
    begun = await core.services.relationships.start(CALLER, ALL)
    await core.detecting.run(await claimed(core))
    found = await core.services.relationships.get(CALLER, begun.detection_id)
    assert found.error == "the schema has too many tables: name some"


async def test_an_endpoint_of_the_settings_is_asked(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path, parsers=1, ai_url="http://127.0.0.1:1/v1", ai_model="m")
    async with open_core(config) as opened:
        assert opened.detecting._inference._judge is not None
