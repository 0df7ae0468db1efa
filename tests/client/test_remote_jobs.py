from typing import TYPE_CHECKING

import pytest
from headrace.v1.remote_job_pb2 import RemoteJob
from headrace.v1.remote_job_service_pb2 import CreateRemoteJobRequest, SubmitResultRequest

from headrace_client import Client, NotFoundError, UnavailableError, WrongStateError
from headrace_client.held_job import json_fields

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State


async def test_a_job_from_creation_to_its_result(server: "FakeServer", state: "State") -> None:
    state.unavailable["CreateRemoteJob"] = 1
    async with Client(server.address) as client:
        created = await client.create_remote_job(
            "a source of bytes", "document", task_options={"pages": [1, 2]}, max_retries=2
        )
        (held,) = await client.poll_jobs("w", ["document", "audio"])
        assert held.job_id == created.job_id
        assert json_fields(held.task_options) == {"pages": [1, 2]}
        got = b"".join([block async for block in client.download_source(held)])
        assert got == b"a source of bytes"
        await client.heartbeat_job(held.job_id, "w", held.attempt, checkpoint={"page": 1})
        status = await client.get_job_status(held.job_id)
        assert status.checkpoint["page"] == 1
        answer = await client.submit_result(
            held.job_id, held.attempt, success=True, content="text", metadata={"words": 1}
        )
        assert answer.status == RemoteJob.COMPLETED
        result = await client.get_job_result(held.job_id)
        assert (result.content, result.metadata["words"]) == ("text", 1)
        await client.delete_job(held.job_id)
        with pytest.raises(NotFoundError):
            await client.get_job_status(held.job_id)
    assert len(state.job_requests) == 1


async def test_many_at_once(server: "FakeServer") -> None:
    requests = [
        CreateRemoteJobRequest(source_file_path=f"s{n}", content_type="text") for n in range(3)
    ]
    async with Client(server.address) as client:
        created = await client.create_remote_jobs(requests)
        ids = [outcome.job.job_id for outcome in created]
        held = await client.poll_jobs("w", ["text"], max_jobs=10)
        assert [job.job_id for job in held] == ids
        results = [SubmitResultRequest(job_id=i, attempt=1, success=True) for i in ids]
        ended = await client.submit_results(results)
        assert [o.result.status for o in ended] == [RemoteJob.COMPLETED] * 3
        listed = [job.job_id async for job in client.list_jobs(status=RemoteJob.COMPLETED)]
        assert sorted(listed) == ids
        assert [job async for job in client.list_jobs(content_type="audio")] == []


async def test_a_poll_may_wait_longer_than_a_call(server: "FakeServer") -> None:
    async with Client(server.address, timeout=0.3) as client:
        assert await client.poll_jobs("w", ["text"], wait_seconds=1) == []


async def test_a_cut_watch_of_a_job_resumes(server: "FakeServer", state: "State") -> None:
    state.watch_cuts = [1, 1]
    async with Client(server.address) as client:
        job_id = (await client.create_remote_job("s", "text")).job_id
        seen: list[RemoteJob] = []
        async for job in client.watch_job(job_id):
            seen.append(job)
            if job.status == RemoteJob.PENDING:
                await client.poll_jobs("w", ["text"])
            elif job.status == RemoteJob.PROCESSING:
                await client.submit_result(job_id, 1, success=True)
    revisions = [job.revision for job in seen]
    assert revisions == sorted(set(revisions))
    assert [job.status for job in seen][-1] == RemoteJob.COMPLETED
    assert state.count("WatchJob") == 3


async def test_cancel_and_rearm(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        job_id = (await client.create_remote_job("s", "text")).job_id
        await client.poll_jobs("w", ["text"])
        assert (await client.cancel_job(job_id)).terminal
        assert (await client.heartbeat_job(job_id, "w", 1)).cancelled
        with pytest.raises(WrongStateError):
            await client.submit_result(job_id, 1, success=True)
        assert (await client.rearm_job(job_id)).status == RemoteJob.PENDING


async def test_a_cut_download_says_so(server: "FakeServer", state: "State") -> None:
    state.download_cuts = [1]
    async with Client(server.address) as client:
        await client.create_remote_job("more than ten bytes", "text")
        (held,) = await client.poll_jobs("w", ["text"])
        with pytest.raises(UnavailableError):
            [block async for block in client.download_source(held)]
