"""The `headrace` command with pipelines, triggers and runs, in processes of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from .conftest import Ended, Site, run_command, running_site

pytestmark = pytest.mark.asyncio(loop_scope="module")

Headrace = Callable[..., Coroutine[Any, Any, Ended]]

ANOTHER = "whsec_AAAA"

PIPELINE = """\
pipeline_id: pond
parameters:
  - name: table
    default: raw.pond
steps:
  - id: load
    import_file: {file_path: /pond/pond.csv, target_table: "{{ table }}"}
  - id: sign_off
    depends_on: [load]
    approval: {message: "{{ table }} may be read?"}
"""
TRIGGERS = """\
---
name: pushed
pipeline_id: pond
trigger_type: webhook
overlap: allow
parameters:
  table: "{{ event.body.table }}"
---
name: mornings
pipeline_id: pond
trigger_type: cron
cron_schedule: "30 6 * * MON-FRI"
time_zone: Europe/Berlin
catch_up: none
---
name: arrived
pipeline_id: pond
trigger_type: file
folder_path: /pond/
file_pattern: "none_*.csv"
enabled: false
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    pond = tmp_path_factory.mktemp("pond")
    (pond / "pond.csv").write_text("sensor,reading\np1,1.25\np2,17\n")
    folder = tmp_path_factory.mktemp("site")
    async with running_site(folder, allowed_roots=str(pond)) as running:
        await running.post(
            "/api/v1/mvp/storage/mount", {"local_path": "/pond", "network_path": str(pond)}
        )
        yield running


@pytest.fixture
def headrace(site: Site) -> Headrace:
    async def run(*args: str | Path, **env: str) -> Ended:
        settings = {"HEADRACE_ADDRESS": f"http://{site.http}", "COLUMNS": "1000"}
        return await run_command("headrace_client", *args, env=settings | env)

    return run


async def waits(site: Site, run_id: str) -> None:
    while (await site.get(f"/api/v1/mvp/runs/{run_id}"))["status"] != "WAITING":
        await asyncio.sleep(0.02)


async def test_from_a_file_to_a_run_that_somebody_approves(
    headrace: Headrace, site: Site, tmp_path: Path
) -> None:
    file = tmp_path / "pond.yaml"
    file.write_text(PIPELINE + TRIGGERS)
    applied = await headrace("apply", "-f", file, "--yes", "--json")
    assert applied.status == 0, applied.err
    pushed = applied.documents()[1]["result"]
    again, wrong, begun = await asyncio.gather(
        headrace("apply", "-f", file),
        headrace("triggers", "fire", pushed["trigger_id"], HEADRACE_TRIGGER_SECRET=ANOTHER),
        headrace("pipelines", "run", "pond", "--json"),
    )
    assert again.status == 0, again.err
    assert [line.rpartition(": ")[2] for line in again.out.splitlines()] == ["unchanged"] * 4
    assert wrong.status == 1
    assert "is HEADRACE_TRIGGER_SECRET that of this trigger?" in wrong.err

    (run_id,) = (each["run_id"] for each in begun.documents())
    watching = asyncio.create_task(headrace("runs", "watch", run_id))
    fired = await headrace(
        "triggers", "fire", pushed["trigger_id"], "-d", '{"table": "raw.pool"}', "--json",
        HEADRACE_TRIGGER_SECRET=pushed["secret"],
    )  # fmt: skip
    assert fired.status == 0, fired.err
    await asyncio.gather(*(waits(site, each) for each in (run_id, fired.documents()[0]["run_id"])))
    approved, rejected = await asyncio.gather(
        headrace("runs", "approve", run_id, "sign_off", "--comment", "as far as I know", "--watch"),
        headrace("runs", "approve", fired.documents()[0]["run_id"], "sign_off", "--reject"),
    )
    watched = await watching
    assert (approved.status, rejected.status, watched.status) == (0, 0, 0), watched.err
    assert "SUCCEEDED load" in watched.out
    assert f"raw.pond may be read?  headrace runs approve {run_id} sign_off" in watched.out

    history, logs, refused = await asyncio.gather(
        headrace("triggers", "history", "pushed"),
        headrace("runs", "logs", run_id, "load"),
        headrace("pipelines", "delete", "pond"),
    )
    assert "FAILED" in history.out
    assert "load: succeeded, 2 rows" in logs.out
    assert refused.status == 1
    assert "active" in refused.err


async def test_what_the_server_refuses_is_told_by_its_line(
    headrace: Headrace, tmp_path: Path
) -> None:
    file = tmp_path / "pond.yaml"
    ended = []
    for text in (
        PIPELINE.replace("pipeline_id: pond", "pipeline_id: lake").replace("[load]", "[lode]"),
        PIPELINE.replace("pipeline_id: pond", "pipeline_id: lake").replace(
            '"{{ table }}"', '"{{ tabel }}"'
        ),
    ):
        file.write_text(text)
        ended.append(await headrace("apply", "-f", file, "--yes"))
    assert [each.status for each in ended] == [2, 2]
    assert "pond.yaml:9: steps[1].depends_on" in ended[0].err
    assert "pond.yaml:7: steps[0].import_file.target_table: {{ tabel }}" in ended[1].err
