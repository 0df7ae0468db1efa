"""Pipelines and their runs over REST."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from .conftest import Json, Site, bad_fields, reason, running_site

pytestmark = pytest.mark.asyncio(loop_scope="module")

PIPELINES, RUNS = "/api/v1/pipelines", "/api/v1/mvp/runs"
MAPPING = {"id": "m", "source": "crm", "target": "shop", "transformation": {"day": "{{ day }}"}}
DAILY: Json = {
    "pipeline_id": "daily",
    "name": "Daily",
    "parameters": [{"name": "day", "type": "date", "default": "{{ execution_date }}"}],
    "steps": [
        {"id": "carry", "ingest": {"mappings": [MAPPING]}},
        {
            "id": "check",
            "depends_on": ["carry"],
            "approval": {"message": "publish {{ day }}?"},
            "on_failure": "skip",
        },
        {"id": "publish", "depends_on": ["check"], "ingest": {"mappings": [MAPPING]}},
    ],
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def works(
    site_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """A site whose simulated system never fails."""
    folder = tmp_path_factory.mktemp("works")
    settings: Json = {"simulated_success_rate": 1.0, "simulated_latency_ms": 0}
    async with running_site(folder, site_database, **settings) as running:
        await running.post(PIPELINES, DAILY)
        yield running


async def snapshots(site: Site, run_id: str, status: str) -> list[Json]:
    """What a watch shows until the run stands so."""
    seen: list[Json] = []
    async with (
        asyncio.timeout(20),
        site.rest.stream("GET", f"{RUNS}/{run_id}/watch") as answer,
    ):
        async for line in answer.aiter_lines():
            if line:
                seen.append(json.loads(line))
                if seen[-1]["status"] == status:
                    break
    assert seen[-1]["status"] == status, seen[-1]
    return seen


async def start(site: Site, **parameters: object) -> str:
    body = {"parameters": parameters}
    return str((await site.post("/api/v1/mvp/triggers/manual/daily", body))["run_id"])


async def test_a_run_from_its_start_over_an_approval_to_its_end(works: Site) -> None:
    run_id = await start(works, day="2024-06-30")
    seen = await snapshots(works, run_id, "WAITING")
    assert seen[-1]["steps"][1]["message"] == "publish 2024-06-30?"
    path = f"{RUNS}/{run_id}/steps/check/approve"
    decided = await works.post(path, {"decision": "approve", "comment": "go"})
    assert decided["steps"][1]["comment"] == "go"
    last = (await snapshots(works, run_id, "SUCCEEDED"))[-1]
    assert (last["terminal"], last["progress"], last["rows_processed"]) == (True, 100, "2")
    assert last["parameters"] == {"day": "2024-06-30"}
    assert await works.get(f"{RUNS}/{run_id}") | {"duration_seconds": 0} == last | {
        "duration_seconds": 0
    }
    logs = await works.get(f"{RUNS}/{run_id}/steps/carry/logs")
    assert [line["message"] for line in logs["lines"]] == ["begins", "succeeded, 1 row"]
    listed = await works.get(RUNS, pipeline_id="daily", status="SUCCEEDED")
    assert run_id in {run["run_id"] for run in listed["runs"]}


async def test_a_rejection_a_resumption_and_a_cancellation(works: Site) -> None:
    run_id = await start(works)
    await snapshots(works, run_id, "WAITING")
    await works.post(f"{RUNS}/{run_id}/steps/check/approve", {"decision": "reject"})
    failed = (await snapshots(works, run_id, "FAILED"))[-1]
    assert [step["status"] for step in failed["steps"]] == ["SUCCEEDED", "FAILED", "SKIPPED"]
    assert (await works.post(f"{RUNS}/{run_id}/resume", {}))["status"] == "RUNNING"
    await snapshots(works, run_id, "WAITING")
    cancelled = await works.post(f"{RUNS}/{run_id}/cancel", {})
    assert (cancelled["status"], cancelled["error"]) == ("CANCELLED", "cancelled on request")


async def test_a_pipeline_is_read_updated_and_deleted(works: Site) -> None:
    made = await works.post(PIPELINES, DAILY | {"pipeline_id": "other"})
    assert (made["version"], made["steps"][1]["on_failure"]) == (1, "SKIP")
    assert await works.get(f"{PIPELINES}/other") == made
    body = {"name": "Other", "steps": DAILY["steps"][:1], "parameters": DAILY["parameters"]}
    answer = await works.rest.put(f"{PIPELINES}/other", json=body)
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    stale = await works.rest.put(f"{PIPELINES}/other", json=body | {"expected_version": 1})
    assert (stale.status_code, reason(stale)) == (400, "WRONG_STATE")
    listed = await works.get(PIPELINES)
    assert [each["pipeline_id"] for each in listed["pipelines"]] == ["daily", "other"]
    assert (await works.rest.delete(f"{PIPELINES}/other")).status_code == 200
    assert (await works.rest.get(f"{PIPELINES}/other")).status_code == 404


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"steps": [{"id": "a", "depends_on": ["a"], "approval": {}}]}, "steps[0].depends_on"),
        (
            {"steps": [{"id": "a", "approval": {"message": "{{ nobody }}"}}]},
            "steps[0].approval.message",
        ),
        ({"steps": [{"id": "a"}]}, "steps[0].kind"),
    ],
)
async def test_a_bad_pipeline_names_its_field(works: Site, changes: Json, field: str) -> None:
    answer = await works.rest.post(PIPELINES, json=DAILY | {"pipeline_id": "bad"} | changes)
    assert bad_fields(answer) == [field]


async def test_a_bad_parameter_names_its_field(works: Site) -> None:
    body = {"parameters": {"day": "tomorrow"}}
    answer = await works.rest.post("/api/v1/mvp/triggers/manual/daily", json=body)
    assert bad_fields(answer) == ["parameters.day"]
