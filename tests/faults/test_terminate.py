"""SIGTERM spends no attempt."""

from pathlib import Path

import pytest
from headrace.v1.remote_job_pb2 import RemoteJob
from headrace.v1.remote_job_service_pb2 import CreateRemoteJobRequest

from .accounts import all_ended, check, control
from .fleet import Fleet, eventually
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


async def test_a_remote_worker_asked_to_stop_gives_its_jobs_back(fleet: Fleet) -> None:
    stopped, other = (fleet.remote_worker(name, fleet.address) for name in ("stopped", "other"))
    await start_all([fleet.server])
    async with fleet.client() as client:
        new = [
            CreateRemoteJobRequest(source_file_path="x", content_type="endless", max_retries=1)
            for _ in range(2)
        ]
        ids = [outcome.job.job_id for outcome in await client.create_remote_jobs(new)]
        await start_all([stopped])

        async def held() -> bool:
            jobs = [await client.get_job_status(job_id) for job_id in ids]
            return all(job.HasField("checkpoint") for job in jobs)

        await eventually(held, "jobs of the worker's")
        assert stopped.stop() == 0
        left = [await client.get_job_status(job_id) for job_id in ids]
        assert {(job.status, job.retry_count) for job in left} == {(RemoteJob.PENDING, 0)}
        assert [job.checkpoint["attempt"] for job in left] == [1, 1]
        await start_all([other])
        for job_id in ids:
            *_, last = [job async for job in client.watch_job(job_id)]
            assert (last.status, last.retry_count) == (RemoteJob.COMPLETED, 0)
        assert other.stop() == 0
