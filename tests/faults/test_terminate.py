"""SIGTERM in mid-load spends no attempt."""

from pathlib import Path

import pytest

from .accounts import all_ended, check, control
from .fleet import Fleet
from .loads import reach, send, start_all
from .shipment import Shipper


@pytest.mark.parametrize("drain_seconds", [0, 1])
async def test_a_server_asked_to_stop_gives_its_jobs_back(
    fleet: Fleet, tmp_path: Path, drain_seconds: int
) -> None:
    files = Shipper(tmp_path / "files", 7).ship()
    stopped = fleet.program("serve", "stopped", drain_seconds=drain_seconds)
    await start_all([stopped])
    async with fleet.client() as client:
        request_ids = await send(client, files)
        assert await reach(client, request_ids, 0.2)
        assert stopped.stop() == 0
        jobs = await control(fleet, "SELECT status, failures FROM jobs")
        assert {job["status"] for job in jobs} <= {"PENDING", "COMPLETED"}
        await start_all([fleet.server])
        await all_ended(client, request_ids)
        await check(fleet, client, files, request_ids)
    jobs = await control(fleet, "SELECT status, failures, last_error FROM jobs")
    assert {tuple(job.values()) for job in jobs} == {("COMPLETED", 0, None)}
