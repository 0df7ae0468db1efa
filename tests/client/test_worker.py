import asyncio
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from headrace.v1.remote_job_pb2 import ClaimedJob, RemoteJob

from headrace_client import (
    AccessDeniedError,
    BlockingJob,
    Client,
    Job,
    JobStoppedError,
    Result,
    Worker,
)
from headrace_client.attempt import AttemptEnd, Outcome
from headrace_client.errors import from_code

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # the fake server lives in threads
            await asyncio.sleep(0.01)


async def test_functions_convert_what_is_theirs(server: "FakeServer", state: "State") -> None:
    ends: list[AttemptEnd] = []
    async with Client(server.address) as client:
        worker = Worker(client, concurrency=3, on_end=ends.append)

        @worker.handles("text", "prose")
        async def shout(job: Job) -> Result:
            text = (await job.read()).decode().upper()
            return Result(text + job.options["end"], {"attempt": job.attempt})

        @worker.handles("binary")
        def count(job: BlockingJob) -> str:
            return str(len(job.read()))

        @worker.handles("nothing")
        async def nothing(_: Job) -> None:
            return None

        for kind in ("text", "prose", "binary", "nothing", "text"):
            await client.create_remote_job(f"{kind}", kind, task_options={"end": "!"})
        await worker.run(until_empty=True)
    contents = [state.job_results[f"j{n}"].content for n in range(5)]
    assert contents == ["TEXT!", "PROSE!", "6", "", "TEXT!"]
    assert state.job_results["j0"].metadata["attempt"] == 1
    assert {end.outcome for end in ends} == {Outcome.COMPLETED}
    with pytest.raises(ValueError, match="has a function already"):
        worker.handles("text")(nothing)


async def test_short_jobs_in_numbers(server: "FakeServer", state: "State") -> None:
    async with Client(server.address) as client:
        worker = Worker(client, concurrency=4)

        @worker.handles("text")
        async def convert(_: Job) -> None:
            return None

        for number in range(60):
            await client.create_remote_job(str(number), "text")
        await worker.run(until_empty=True)
    assert {job.status for job in state.remote_jobs.values()} == {RemoteJob.COMPLETED}


async def test_an_exception_is_a_failed_attempt(server: "FakeServer", state: "State") -> None:
    async with Client(server.address) as client:
        worker = Worker(client)

        @worker.handles("text")
        async def second_time(job: Job) -> str:
            if job.attempt == 1:
                raise ValueError("page 7 is \0 torn \ud800")
            return "mended"

        @worker.handles("number")
        def wrong(_: BlockingJob) -> str:
            return 5  # type: ignore[return-value]  # what is under test

        await client.create_remote_job("a", "text")
        await client.create_remote_job("b", "number")
        await worker.run(until_empty=True)
    assert state.job_results["j0"].content == "mended"
    assert state.remote_jobs["j0"].error_message == "ValueError: page 7 is  torn ?"
    assert state.remote_jobs["j1"].status == RemoteJob.FAILED
    assert "not int" in state.remote_jobs["j1"].error_message


async def test_a_refused_result_is_a_failed_attempt(server: "FakeServer", state: "State") -> None:
    contents = iter(("forbidden", "un\ud800storable", "right"))
    async with Client(server.address) as client:
        worker = Worker(client)

        @worker.handles("text")
        async def convert(_: Job) -> str:
            return next(contents)

        await client.create_remote_job("a", "text")
        await worker.run(until_empty=True)
    assert state.remote_jobs["j0"].retry_count == 2
    assert state.job_results["j0"].content == "right"


async def test_a_result_is_kept_for_a_server_that_is_away(
    server: "FakeServer", state: "State"
) -> None:
    async with Client(server.address) as client:
        worker = Worker(client)

        @worker.handles("text")
        async def convert(job: Job) -> str:
            state.unavailable["SubmitResult"] = 6  # gRPC itself tries five times
            if job.attempt == 1:
                raise asyncio.CancelledError
            return "right"

        await client.create_remote_job("a", "text")
        await worker.run(until_empty=True)
    assert state.remote_jobs["j0"].error_message == "CancelledError"
    assert state.job_results["j0"].content == "right"


async def test_a_result_that_cannot_be_sent_is_a_failed_attempt(
    server: "FakeServer", state: "State"
) -> None:
    unfit = Result(b"x" * (1 << 19))  # type: ignore[arg-type]  # what is under test
    results = iter((unfit, Result("x", {"n": 10**400}), Result("right")))
    ends: list[AttemptEnd] = []
    async with Client(server.address) as client:
        worker = Worker(client, on_end=ends.append)

        @worker.handles("text")
        async def convert(_: Job) -> Result:
            return next(results)

        await client.create_remote_job("a", "text")
        await worker.run(until_empty=True)
    assert [end.outcome for end in ends] == [Outcome.FAILED, Outcome.FAILED, Outcome.COMPLETED]
    assert "the result was refused: OverflowError" in ends[1].message
    assert state.job_results["j0"].content == "right"


async def test_a_result_is_the_same_each_time_that_it_is_sent(
    server: "FakeServer", state: "State", monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    async with Client(server.address) as client:
        submit = client.submit_result

        async def answered_late(*args: Any, **fields: Any) -> Any:
            sent.append(fields)
            if len(sent) < 3:
                raise from_code(grpc.StatusCode.UNAVAILABLE, "the answer is lost")
            return await submit(*args, **fields)

        monkeypatch.setattr(client, "submit_result", answered_late)
        worker = Worker(client)

        @worker.handles("text")
        async def convert(_: Job) -> str:
            return "right"

        await client.create_remote_job("a", "text")
        await worker.run(until_empty=True)
    assert state.job_results["j0"].content == "right"
    assert sent[0] == sent[1] == sent[2]


@pytest.mark.parametrize("size", [(1 << 20) + 1, 5 << 20])
async def test_a_large_content_is_uploaded(server: "FakeServer", state: "State", size: int) -> None:
    state.append_cuts = [100_000]
    content = "\u00fc" + "x" * (size - 2)
    async with Client(server.address) as client:
        worker = Worker(client)

        @worker.handles("text")
        async def convert(_: Job) -> Result:
            return Result(content, {"words": 1})

        await client.create_remote_job("a", "text")
        await worker.run(until_empty=True)
        blocks = [block async for block in client.download_result("j0")]
    result = state.job_results["j0"]
    assert result.upload_token
    assert not result.HasField("content")
    assert result.metadata["words"] == 1
    assert b"".join(blocks).decode() == content


async def test_a_content_of_a_mebibyte_goes_with_the_result(
    server: "FakeServer", state: "State"
) -> None:
    async with Client(server.address) as client:
        worker = Worker(client)

        @worker.handles("text")
        async def convert(_: Job) -> str:
            return "x" * (1 << 20)

        await client.create_remote_job("a", "text")
        await worker.run(until_empty=True)
    assert len(state.job_results["j0"].content) == 1 << 20
    assert not state.sessions


async def test_functions_upload_files(server: "FakeServer", state: "State", tmp_path: Path) -> None:
    file = tmp_path / "image"
    file.write_bytes(bytes(range(256)))
    async with Client(server.address) as client:
        worker = Worker(client)

        @worker.handles("async")
        async def convert(job: Job) -> Result:
            return Result(upload_token=await job.upload(file))

        @worker.handles("plain")
        def convert_in_a_thread(job: BlockingJob) -> Result:
            return Result(upload_token=job.upload(file))

        for kind in ("async", "plain"):
            await client.create_remote_job(kind, kind)
        await worker.run(until_empty=True)
    tokens = [state.job_results[job_id].upload_token for job_id in ("j0", "j1")]
    assert [bytes(state.files[token]) for token in tokens] == [bytes(range(256))] * 2


async def test_an_upload_that_is_refused_fails_the_attempt(
    server: "FakeServer", state: "State"
) -> None:
    async with Client(server.address, patience=0) as client:
        worker = Worker(client)

        @worker.handles("text")
        async def convert(_: Job) -> str:
            state.unavailable["CompleteUpload"] = 6
            return "x" * (2 << 20)

        await client.create_remote_job("a", "text")
        await worker.run(until_empty=True)
    assert state.remote_jobs["j0"].status == RemoteJob.FAILED
    assert "the result was refused" in state.remote_jobs["j0"].error_message


async def test_a_result_may_be_too_large(server: "FakeServer", state: "State") -> None:
    async with Client(server.address) as client:
        worker = Worker(client)

        @worker.handles("text")
        async def convert(_: Job) -> Result:
            return Result("", {"x": "x" * (5 << 20)})

        await client.create_remote_job("a", "text", max_retries=1)
        await worker.run(until_empty=True)
    assert state.remote_jobs["j0"].status == RemoteJob.FAILED
    assert "the result was refused" in state.remote_jobs["j0"].error_message


async def test_heartbeats_keep_the_lease(server: "FakeServer", state: "State") -> None:
    state.lease = 0.3
    async with Client(server.address) as client:
        worker = Worker(client)

        @worker.handles("text")
        async def slow(_: Job) -> str:
            await until(lambda: state.count("HeartbeatJob") > 2)
            return "done"

        await client.create_remote_job("a", "text")
        await worker.run(until_empty=True)
    assert state.job_results["j0"].content == "done"


async def test_a_checkpoint_is_there_for_the_next_attempt(
    server: "FakeServer", state: "State", tmp_path: Path
) -> None:
    known: list[object] = []
    async with Client(server.address) as client:
        worker = Worker(client)

        @worker.handles("text")
        async def convert(job: Job) -> str:
            known.append(job.last_checkpoint)
            state.unavailable["HeartbeatJob"] = 6  # gRPC itself tries five times
            await job.checkpoint(page=job.attempt)
            if job.attempt < 3:
                raise ValueError("again")
            return (await job.download(tmp_path / "source")).read_text()

        await client.create_remote_job("a", "text")
        await worker.run(until_empty=True)
    assert known == [None, {"page": 1}, {"page": 2}]


async def test_a_cut_download_begins_anew(
    server: "FakeServer", state: "State", tmp_path: Path
) -> None:
    state.download_cuts = [1, 2, 99, 1]
    async with Client(server.address) as client:
        worker = Worker(client)

        @worker.handles("text")
        def convert(job: BlockingJob) -> str:
            job.checkpoint(began=True)
            return job.download(tmp_path / "source").read_text() + job.read().decode()

        await client.create_remote_job("more than twenty bytes of it", "text")
        await worker.run(until_empty=True)
    assert state.job_results["j0"].content == "more than twenty bytes of it" * 2


@pytest.mark.parametrize("stale", [False, True])
async def test_a_job_that_is_lost_stops(server: "FakeServer", state: "State", stale: bool) -> None:
    state.lease = 0.3
    ends: list[AttemptEnd] = []
    stopped = threading.Event()
    async with Client(server.address) as client:
        worker = Worker(client, concurrency=2, on_end=ends.append)

        def lose(job_id: str) -> None:
            with state.changed:
                job = state.remote_jobs[job_id]
                job.status = RemoteJob.PROCESSING if stale else RemoteJob.CANCELLED
                job.attempt = 9 if stale else 1

        @worker.handles("text")
        async def forever(job: Job) -> str:
            lose(job.job_id)
            try:
                await asyncio.Event().wait()
            finally:
                stopped.set()
            return "never"

        @worker.handles("thread")
        def until_stopped(job: BlockingJob) -> str:
            lose(job.job_id)
            while not job.stopped:
                stopped.wait(0.01)
            job.checkpoint(never=True)
            return "never"

        await client.create_remote_job("a", "text")
        await client.create_remote_job("b", "thread")
        await worker.run(until_empty=True)
    assert stopped.is_set()
    assert [end.outcome for end in ends] == [Outcome.STOPPED] * 2
    assert state.count("SubmitResult") == 0


async def test_a_function_may_find_out_first(server: "FakeServer", state: "State") -> None:
    ends: list[AttemptEnd] = []
    async with Client(server.address) as client:
        worker = Worker(client, on_end=ends.append)

        @worker.handles("text")
        async def convert(job: Job) -> str:
            await client.cancel_job(job.job_id)
            with pytest.raises(JobStoppedError):
                await job.checkpoint(page=1)
            await job.checkpoint(page=1)
            return "never"

        @worker.handles("late")
        async def late(job: Job) -> str:
            await client.cancel_job(job.job_id)
            return "too late"

        await client.create_remote_job("a", "text")
        await client.create_remote_job("b", "late")
        await worker.run(until_empty=True)
    assert [end.outcome for end in ends] == [Outcome.STOPPED] * 2
    assert state.job_results == {}


async def test_a_server_that_is_away_is_waited_for(
    server: "FakeServer", state: "State", caplog: pytest.LogCaptureFixture
) -> None:
    state.lease = 0.3
    server.stop()
    async with Client(server.address, timeout=5) as client:
        worker = Worker(client, wait_seconds=1)

        @worker.handles("text")
        async def convert(_: Job) -> str:
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(0.3)
            threading.Timer(0.3, server.start).start()
            return "handed in when it came back"

        running = asyncio.create_task(worker.run())
        await until(lambda: "gives no jobs" in caplog.text)
        await asyncio.to_thread(server.start)
        await client.create_remote_job("a", "text")
        await until(lambda: "j0" in state.job_results)
        worker.drain()
        await running
    assert "gives jobs again" in caplog.text


async def test_a_wrong_key_ends_it(server: "FakeServer", state: "State") -> None:
    state.api_key = "right"
    async with Client(server.address, api_key="wrong") as client:
        worker = Worker(client)
        with pytest.raises(ValueError, match="needs a function"):
            await worker.run()

        @worker.handles("text")
        async def convert(_: Job) -> str:
            return ""

        with pytest.raises(AccessDeniedError):
            await worker.run()


async def test_it_drains_on_a_signal(server: "FakeServer", state: "State") -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with Client(server.address) as client:
        worker = Worker(client, wait_seconds=30)

        @worker.handles("text")
        async def convert(_: Job) -> str:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.2)
            return "finished"

        await client.create_remote_job("a", "text")
        await client.create_remote_job("b", "text")
        await worker.run()
    assert [job.status for job in state.remote_jobs.values()] == [
        RemoteJob.COMPLETED,
        RemoteJob.PENDING,
    ]
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("how", ["seconds", "signal"])
async def test_what_does_not_end_in_time_is_handed_back(
    server: "FakeServer", state: "State", how: str
) -> None:
    async with Client(server.address) as client:
        worker = Worker(client, drain_seconds=0.1 if how == "seconds" else 60)

        @worker.handles("text")
        async def forever(_: Job) -> str:
            for _time in range(1 if how == "seconds" else 2):
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(0.05)
            await asyncio.Event().wait()
            return "never"

        await client.create_remote_job("a", "text")
        await worker.run()
    given_back = state.remote_jobs["j0"]
    assert (given_back.status, given_back.attempt) == (RemoteJob.PENDING, 1)
    assert (given_back.retry_count, given_back.error_message) == (0, "")


@pytest.mark.parametrize("answer_is", ["there", "on its way"])
async def test_what_has_not_begun_is_given_back(
    server: "FakeServer", state: "State", answer_is: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is asked to stop as its poll is answered."""
    async with Client(server.address) as client:
        worker = Worker(client, concurrency=3)

        @worker.handles("text")
        async def never(_: Job) -> str:
            raise AssertionError

        for number in range(3):
            await client.create_remote_job(str(number), "text")
        poll = client.poll_jobs

        async def poll_and_drain(*arguments: Any, **options: Any) -> list[ClaimedJob]:
            answer = await poll(*arguments, **options)
            worker.drain()
            if answer_is == "on its way":
                await asyncio.sleep(0.05)
            return answer

        monkeypatch.setattr(client, "poll_jobs", poll_and_drain)
        await worker.run()
    jobs = state.remote_jobs.values()
    assert [(job.status, job.attempt) for job in jobs] == [(RemoteJob.PENDING, 1)] * 3
    assert {job.retry_count for job in jobs} == {0}
