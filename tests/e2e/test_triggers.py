"""Triggers, as 4-mvp-features.md documents them."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from standardwebhooks import Webhook

from .conftest import Json, Site, bad_fields, ok, reason, running_site

pytestmark = pytest.mark.asyncio(loop_scope="module")

MVP = "/api/v1/mvp"
TRIGGERS = f"{MVP}/triggers"
AUTHORIZED = {"Authorization": "Bearer whatever"}
PIPELINE = "pipe_customer_sync_001"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the server allows."""
    return tmp_path_factory.mktemp("share")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def starting(
    site_database: str, share: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """A site with the pipeline of the documents."""
    async with running_site(
        tmp_path_factory.mktemp("starting"),
        site_database,
        allowed_roots=str(share),
        secret_keys=f"one:{'A' * 43}=",
        simulated_success_rate=1.0,
        simulated_latency_ms=0,
    ) as running:
        await running.post(
            "/api/v1/pipelines",
            {
                "pipeline_id": PIPELINE,
                "name": "Customer sync",
                "parameters": [
                    {"name": "date", "type": "DATE"},
                    {"name": "full_refresh", "type": "BOOLEAN", "default": False},
                    {"name": "source", "type": "JSON", "default": "crm"},
                ],
                "steps": [
                    {
                        "id": "carry",
                        "ingest": {
                            "mappings": [
                                {"id": "m1", "source": "crm", "target": "warehouse"},
                            ]
                        },
                    }
                ],
            },
        )
        yield running


async def ended(site: Site, trigger_id: str, count: int = 1) -> list[Json]:
    """Wait until so many executions have ended; newest first."""
    async with asyncio.timeout(60):
        while True:
            history: list[Json] = (await site.get(f"{TRIGGERS}/{trigger_id}/history"))["history"]
            open_ones = [each for each in history if each["status"] in {"RUNNING", "QUEUED"}]
            if len(history) >= count and not open_ones:
                return history
            await asyncio.sleep(0.05)


async def test_the_documented_requests(starting: Site) -> None:
    created = ok(
        await starting.rest.post(
            f"{TRIGGERS}/create",
            headers=AUTHORIZED,
            json={
                "name": "daily_customer_sync",
                "pipeline_id": "pipe_customer_sync_001",
                "trigger_type": "cron",
                "cron_schedule": "0 2 * * *",
                "enabled": True,
                "parameters": {"date": "{{ execution_date }}", "full_refresh": False},
            },
        )
    )
    assert (created["name"], created["pipeline_id"]) == ("daily_customer_sync", PIPELINE)
    assert (created["trigger_type"], created["cron_schedule"]) == ("CRON", "0 2 * * *")
    assert (created["status"], created["next_execution"][11:]) == ("ACTIVE", "02:00:00Z")
    assert {"trigger_id", "created_at"} <= set(created)
    trigger_id = created["trigger_id"]

    run = ok(
        await starting.rest.post(
            f"{TRIGGERS}/manual/{PIPELINE}",
            headers=AUTHORIZED,
            json={
                "parameters": {
                    "date": "2024-06-30",
                    "full_refresh": True,
                    "notification_email": "data-team@company.com",
                }
            },
        )
    )
    assert {"run_id", "started_at"} <= set(run)
    assert (run["pipeline_id"], run["status"] in {"RUNNING", "SUCCEEDED"}) == (PIPELINE, True)
    wanted = {"date": "2024-06-30", "full_refresh": True}
    assert {name: run["parameters"][name] for name in wanted} == wanted

    paused = ok(await starting.rest.put(f"{TRIGGERS}/{trigger_id}/pause", headers=AUTHORIZED))
    assert (paused["trigger_id"], paused["status"]) == (trigger_id, "PAUSED")
    assert "paused_at" in paused
    resumed = ok(await starting.rest.put(f"{TRIGGERS}/{trigger_id}/resume", headers=AUTHORIZED))
    assert (resumed["status"], "paused_at" in resumed) == ("ACTIVE", False)

    filled = await starting.post(
        f"{TRIGGERS}/{trigger_id}/backfill",
        {"from": "2024-06-29T00:00:00Z", "until": "2024-06-30T23:00:00Z"},
    )
    assert [each["nominal_time"] for each in filled["executions"]] == [
        "2024-06-29T02:00:00Z",
        "2024-06-30T02:00:00Z",
    ]
    await ended(starting, trigger_id, 2)

    listed = ok(
        await starting.rest.get(
            f"{TRIGGERS}?pipeline_id=pipe_customer_sync_001", headers=AUTHORIZED
        )
    )
    assert listed["total"] == "1"
    (shown,) = listed["triggers"]
    assert (shown["trigger_id"], shown["status"]) == (trigger_id, "ACTIVE")
    assert (shown["execution_count"], shown["success_rate"]) == ("2", 1)
    assert {"last_execution", "next_execution"} <= set(shown)

    history = ok(
        await starting.rest.get(f"{TRIGGERS}/{trigger_id}/history?limit=50", headers=AUTHORIZED)
    )
    assert (history["trigger_id"], history["total_executions"]) == (trigger_id, "2")
    assert history["success_rate"] == 1
    for entry in history["history"]:
        documented = {"execution_id", "executed_at", "status", "duration_seconds", "rows_processed"}
        assert documented <= set(entry)
        assert entry["status"] == "SUCCESS"

    times = await starting.get(f"{TRIGGERS}/{trigger_id}/next", limit=2)
    assert [each["nominal_time"][11:] for each in times["times"]] == ["02:00:00Z", "02:00:00Z"]
    assert ok(await starting.rest.delete(f"{TRIGGERS}/{trigger_id}", headers=AUTHORIZED)) == {}
    gone = await starting.rest.get(f"{TRIGGERS}/{trigger_id}")
    assert (gone.status_code, reason(gone)) == (404, "NOT_FOUND")


async def test_a_webhook_over_rest(starting: Site) -> None:
    created = await starting.post(
        f"{TRIGGERS}/create",
        {
            "name": "orders came",
            "pipeline_id": PIPELINE,
            "trigger_type": "webhook",
            "parameters": {"source": "{{ event.body.source }}"},
        },
    )
    body = json.dumps({"source": {"shop": 7}}).encode()
    now = datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(created["secret"]).sign("msg_1", now, body.decode()),
    }
    path = created["webhook_path"]
    first = ok(await starting.rest.post(path, content=body, headers=headers))
    again = ok(await starting.rest.post(path, content=body, headers=headers))
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert first["run_id"] == again["run_id"]
    run = await starting.get(f"{MVP}/runs/{first['run_id']}")
    assert run["event"]["body"] == {"source": {"shop": 7}}
    assert run["parameters"]["source"] == {"shop": 7}
    await ended(starting, created["trigger_id"])
    changed = await starting.rest.post(path, content=body + b" ", headers=headers)
    unknown = await starting.rest.post(
        f"{TRIGGERS}/trigger_none/webhook", content=body, headers=headers
    )
    assert (changed.status_code, reason(changed)) == (401, "UNAUTHENTICATED")
    assert changed.json() == unknown.json()
    large = await starting.rest.post(path, content=b"x" * ((1 << 20) + 1), headers=headers)
    assert (large.status_code, reason(large)) == (400, "TOO_LARGE")


async def test_a_file_fires_over_rest(
    starting: Site, share: Path, request: pytest.FixtureRequest
) -> None:
    folder = share / request.node.name
    folder.mkdir()
    place = {"local_path": f"/mnt/{folder.name}", "network_path": str(folder)}
    await starting.post(f"{MVP}/storage/mount", place)
    await starting.post(
        f"{MVP}/storage/watch",
        {"folder_path": place["local_path"], "stable_seconds": 0, "poll_seconds": 0.1},
    )
    created = await starting.post(
        f"{TRIGGERS}/create",
        {
            "name": "files come",
            "pipeline_id": PIPELINE,
            "trigger_type": "file",
            "folder_path": place["local_path"],
            "file_pattern": "*.csv",
            "parameters": {"source": "{{ event.file }}"},
        },
    )
    (folder / "a.txt").write_text("no")
    (folder / "a.csv").write_text("x\n1\n")
    (entry,) = await ended(starting, created["trigger_id"])
    assert (entry["status"], entry["file_path"]) == ("SUCCESS", f"{place['local_path']}/a.csv")
    run = await starting.get(f"{MVP}/runs/{entry['run_id']}")
    assert run["parameters"]["source"] == entry["file_path"]
    (folder / "a.csv").write_text("x\n2\n3\n")
    assert len(await ended(starting, created["trigger_id"], 2)) == 2


async def test_what_is_wrong_is_named(starting: Site) -> None:
    wrong = {"name": "t", "pipeline_id": PIPELINE, "trigger_type": "cron", "cron_schedule": "daily"}
    answer = await starting.rest.post(f"{TRIGGERS}/create", json=wrong)
    assert bad_fields(answer) == ["cron_schedule"]
    answer = await starting.rest.post(
        f"{TRIGGERS}/create", json={**wrong, "trigger_type": "sometimes"}
    )
    assert answer.status_code == 400
    answer = await starting.rest.post(f"{TRIGGERS}/manual/pipe_none", json={})
    assert (answer.status_code, reason(answer)) == (404, "NOT_FOUND")
