"""The documented requests of mapping ingestion, verbatim, through the real Envoy."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from .conftest import Json, Site, bad_fields, names, ok, reason, running_site

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENTED = """{
  "mappings": [
    {
      "id": "map_001",
      "source": "source_system_1",
      "target": "target_system_1",
      "transformation": { "field1": "value1" }
    }
  ],
  "priority": "HIGH"
}"""
WITH_CURL = """{
    "mappings": [
      {
        "id": "map_001",
        "source": "source_1",
        "target": "target_1"
      }
    ],
    "priority": "HIGH"
  }"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that mappings may read and write."""
    return tmp_path_factory.mktemp("allowed")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(
    site_database: str, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """A site whose simulated system fails no call."""
    place = tmp_path_factory.mktemp("site")
    settings: dict[str, Any] = {"simulated_success_rate": 1.0, "allowed_roots": str(folder)}
    async with running_site(place, site_database, **settings) as running:
        yield running


async def ingest(site: Site, body: str) -> Json:
    headers = {"content-type": "application/json"}
    return ok(await site.rest.post("/ingest", content=body, headers=headers))


def mapping(number: int, **changes: Any) -> Json:
    return {"id": f"m{number}", "source": "s", "target": "t"} | changes


@pytest.mark.parametrize(
    ("body", "record"),
    [
        (DOCUMENTED, {"field1": "value1"}),
        (WITH_CURL, {"id": "map_001", "source": "source_1"}),
    ],
)
async def test_the_documented_requests_work_as_they_are(
    site: Site, body: str, record: Json
) -> None:
    accepted = await ingest(site, body)
    request_id = accepted["request_id"]
    assert accepted["status"] == "PENDING"
    assert accepted["message"].startswith("Ingestion request created successfully")
    ended = await site.ended(request_id)
    status = await site.get(f"/status/{request_id}")
    assert status == ended
    expected = {"status": "COMPLETED", "kind": "MAPPINGS", "priority": "HIGH", "progress": 100}
    assert {name: status[name] for name in expected} == expected
    counted = {"total_mappings": 1, "processed_mappings": 1, "failed_mappings": 0}
    assert {name: status[name] for name in counted} == counted
    assert "details" not in status
    results = await site.get(f"/status/{request_id}/results")
    assert {name: results[name] for name in counted} == counted
    assert (results["request_id"], results["status"]) == (request_id, "COMPLETED")
    (result,) = results["results"]
    assert int(result.pop("latency_ms")) >= 20
    assert result == {
        "id": "map_001",
        "status": "COMPLETED",
        "attempts": 1,
        "output": {"accepted": 1, "record": record},
    }


async def test_health_counts_the_requests_that_have_not_ended(site: Site) -> None:
    health = await site.get("/health")
    assert (health["status"], health["active_requests"]) == ("HEALTHY", "0")
    datetime.fromisoformat(health["timestamp"])
    body = {"mappings": [mapping(number) for number in range(1000)]}
    accepted = await site.post("/ingest", body)
    assert (await site.get("/health"))["active_requests"] == "1"
    await site.ended(accepted["request_id"])


async def test_progress_is_streamed_and_results_come_in_pages(site: Site) -> None:
    body = {"mappings": [mapping(number) for number in range(2000)], "priority": "low"}
    request_id = (await site.post("/ingest", body))["request_id"]
    messages = await site.watched(request_id)
    assert len(messages) > 2
    done = [message["processed_mappings"] for message in messages]
    assert done == sorted(done)
    assert [message["progress"] for message in messages] == [count // 20 for count in done]
    assert (messages[-1]["terminal"], done[-1]) == (True, 2000)
    found, token = [], ""
    while True:
        page = await site.get(f"/status/{request_id}/results", page_size=900, page_token=token)
        found += names(page["results"], "id")
        if not (token := page["next_page_token"]):
            break
    assert found == [f"m{number}" for number in range(2000)]


async def test_files_are_carried_and_transformed(site: Site, folder: Path) -> None:
    rows = [{"Name": "Ada", "n": "007", "x": 1}, {"Name": "Bob", "n": "8", "x": 2}]
    source, target = folder / "in.ndjson", folder / "out.json"
    await asyncio.to_thread(source.write_text, "\n".join(map(json.dumps, rows)))
    rules = {
        "name": {"from": "Name"},
        "number": {"from": "n", "cast": "integer"},
        "kind": "person",
        "rank": 5,
    }
    files = {"source": f"file://{source}", "target": f"file://{target}"}
    body = {"mappings": [mapping(0, transformation=rules, **files)]}
    ended = await site.ended((await site.post("/ingest", body))["request_id"])
    assert ended["status"] == "COMPLETED"
    assert json.loads(await asyncio.to_thread(target.read_text)) == [
        {"name": "Ada", "number": 7, "kind": "person", "rank": 5},
        {"name": "Bob", "number": 8, "kind": "person", "rank": 5},
    ]


async def test_tables_of_the_warehouse_are_read(site: Site, folder: Path) -> None:
    contract = {
        "name": "towns",
        "tables": [
            {
                "name": "towns",
                "columns": [{"name": "name", "type": "STRING"}],
                "primary_key": ["name"],
            }
        ],
    }
    await site.post("/api/v1/contracts", contract)
    await site.load("towns.ndjson", b'{"name": "Leeds"}\n', data_type="towns")
    target = folder / "towns.json"
    tables = {"source": "table:public.towns", "target": f"file://{target}"}
    missing = {"source": "table:public.nowhere", "target": "t"}
    body = {"mappings": [mapping(0, **tables), mapping(1, **missing)]}
    request_id = (await site.post("/ingest", body))["request_id"]
    ended = await site.ended(request_id)
    assert (ended["status"], ended["failed_mappings"]) == ("COMPLETED_WITH_ERRORS", 1)
    assert json.loads(await asyncio.to_thread(target.read_text)) == {"name": "Leeds"}
    results = (await site.get(f"/status/{request_id}/results"))["results"]
    assert results[1]["error"] == "there is no table public.nowhere"


async def test_private_addresses_are_refused(site: Site) -> None:
    target = f"http://{site.http}/health"
    body = {"mappings": [mapping(0, target=target)]}
    request_id = (await site.post("/ingest", body))["request_id"]
    assert (await site.ended(request_id))["status"] == "FAILED"
    (result,) = (await site.get(f"/status/{request_id}/results"))["results"]
    assert (result["status"], result["attempts"]) == ("FAILED", 1)
    assert "private address" in result["error"]
    retried = await site.post(f"/ingest/{request_id}/retry")
    assert (retried["status"], retried["processed_mappings"]) == ("PENDING", 0)
    await site.ended(request_id)
    (result,) = (await site.get(f"/status/{request_id}/results"))["results"]
    assert result["attempts"] == 2


@pytest.mark.parametrize(
    ("mappings", "field"),
    [
        ([], "mappings"),
        ([mapping(0), mapping(0)], "mappings[1].id"),
        ([mapping(0, id="")], "mappings[0].id"),
        ([mapping(0, target="ftp://a/")], "mappings[0].target"),
        ([mapping(0, transformation={"a": {"from": "b", "cast": "c"}})],
         "mappings[0].transformation"),
    ],
)  # fmt: skip
async def test_a_wrong_request_is_refused_by_field(
    site: Site, mappings: list[Json], field: str
) -> None:
    answer = await site.rest.post("/ingest", json={"mappings": mappings})
    assert bad_fields(answer) == [field]
    assert reason(answer) == "INVALID_FIELD"


async def test_a_request_can_be_cancelled(site: Site) -> None:
    body = {"mappings": [mapping(number) for number in range(20_000)]}
    request_id = (await site.post("/ingest", body))["request_id"]
    cancelled = await site.post(f"/ingest/{request_id}/cancel")
    assert (cancelled["status"], cancelled["terminal"]) == ("CANCELLED", True)
    page = await site.get(f"/status/{request_id}/results", page_size=1000)
    assert {result["status"] for result in page["results"]} <= {"COMPLETED", "CANCELLED"}
    rejects = await site.rejects(request_id)
    assert rejects == []
    answer = await site.rest.post(f"/api/v1/ingest/{request_id}/rejects/replay", json={})
    assert reason(answer) == "WRONG_STATE"


async def test_a_request_that_is_too_large_is_told_to_be_split(site: Site) -> None:
    body = {"mappings": [mapping(number, source="s" * 4000) for number in range(2300)]}
    headers = {"content-type": "application/json"}
    answer = await site.rest.post("/ingest", content=json.dumps(body), headers=headers)
    assert (answer.status_code, reason(answer)) == (400, "TOO_LARGE")
    assert "may have 8388608: split it into several" in answer.json()["message"]


async def test_a_hundred_thousand_mappings_are_one_request(site: Site) -> None:
    body = {"mappings": [mapping(number) for number in range(100_000)]}
    accepted = await ingest(site, json.dumps(body))
    request_id = accepted["request_id"]
    assert (await site.get(f"/status/{request_id}"))["total_mappings"] == 100_000
    ok(await site.rest.post(f"/ingest/{request_id}/cancel"))
