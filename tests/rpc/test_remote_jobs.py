"""RemoteJobService on the real core."""

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.struct_pb2 import Struct
from headrace.v1 import ingestion_service_pb2 as ingestion
from headrace.v1 import (
    ingestion_service_pb2_grpc,
    remote_job_pb2,
    remote_job_service_pb2_grpc,
)
from headrace.v1 import remote_job_service_pb2 as pb

from headrace_server.core.pages import encode_token
from headrace_server.model.nesting import MAX_DEPTH
from headrace_server.model.remote_job import MAX_OPTIONS_BYTES
from headrace_server.model.tenant import Scope

if TYPE_CHECKING:
    from rpc.conftest import Edge, FailureOf

Status = remote_job_pb2.RemoteJob


@pytest.fixture
def stub(edge: "Edge") -> Any:
    return remote_job_service_pb2_grpc.RemoteJobServiceStub(edge.channel)


def struct(**values: Any) -> Struct:
    made = Struct()
    made.update(values)
    return made


def new_job(**fields: Any) -> pb.CreateRemoteJobRequest:
    return pb.CreateRemoteJobRequest(
        **{"source_file_path": "/srv/talk.mp3", "content_type": "audio", **fields}
    )


async def test_a_job_from_creation_to_result(edge: "Edge", stub: Any) -> None:
    request_id = await edge.ingestion()
    made = await stub.CreateRemoteJob(
        new_job(task_options=struct(language="en", beams=5), ingestion_task_id=request_id)
    )
    assert made.status == Status.PENDING
    watch = stub.WatchJob(pb.WatchJobRequest(job_id=made.job_id))
    assert (await watch.read()).status == Status.PENDING
    polled = await stub.PollJobs(pb.PollJobsRequest(worker_id="w", content_types=["video, audio"]))
    assert (polled.job_id, polled.content_type, polled.attempt) == (made.job_id, "audio", 1)
    assert polled.task_options == struct(language="en", beams=5)
    assert polled.source_file_url.startswith(f"/api/v1/remote-jobs/{made.job_id}/download?")
    (claimed,) = polled.jobs
    assert claimed.source_file_url == polled.source_file_url
    running = await watch.read()
    assert (running.status, running.worker_id) == (Status.PROCESSING, "w")
    assert (running.estimated_completion.seconds - running.started_at.seconds) == 300
    beat = await stub.HeartbeatJob(
        pb.HeartbeatJobRequest(job_id=made.job_id, worker_id="w", checkpoint=struct(second=12))
    )
    assert not beat.cancelled
    assert (await watch.read()).checkpoint == struct(second=12)
    submitted = pb.SubmitResultRequest(
        job_id=made.job_id, success=True, content="hello", metadata=struct(words=1)
    )
    answer = await stub.SubmitResult(submitted)
    assert (answer.status, answer.ingestion_continued) == (Status.COMPLETED, True)
    assert await stub.SubmitResult(submitted) == answer
    while not (last := await watch.read()).terminal:
        pass
    assert await watch.read() is grpc.aio.EOF
    assert last.status == Status.COMPLETED
    result = await stub.GetJobResult(pb.GetJobResultRequest(job_id=made.job_id))
    assert (result.success, result.content, result.metadata) == (True, "hello", struct(words=1))
    assert not result.HasField("processing_time")
    assert not last.HasField("error_message")


async def test_nothing_to_poll(stub: Any) -> None:
    none = await stub.PollJobs(pb.PollJobsRequest(worker_id="w", content_types=["audio"]))
    assert none == pb.PollJobsResponse()


async def test_a_waiting_worker_is_woken(stub: Any) -> None:
    waiting = asyncio.ensure_future(
        stub.PollJobs(pb.PollJobsRequest(worker_id="w", content_types=["audio"], wait_seconds=60))
    )
    await asyncio.sleep(0.1)
    made = await stub.CreateRemoteJob(new_job())
    assert (await waiting).job_id == made.job_id


async def test_batches(stub: Any) -> None:
    many = pb.CreateRemoteJobsRequest(jobs=[new_job() for _ in range(5)])
    made = [each.job.job_id for each in (await stub.CreateRemoteJobs(many)).jobs]
    polled = await stub.PollJobs(
        pb.PollJobsRequest(worker_id="w", content_types=["audio"], max_jobs=10)
    )
    assert {job.job_id for job in polled.jobs} == set(made)
    results = [pb.SubmitResultRequest(job_id=job_id, success=True) for job_id in made[:3]]
    results += [pb.SubmitResultRequest(job_id=made[3], attempt=2, success=True)]
    results += [pb.SubmitResultRequest(job_id=made[4], success=False, error_message="broken")]
    results += [pb.SubmitResultRequest(job_id="nothing", success=True)]
    answer = await stub.SubmitResults(pb.SubmitResultsRequest(results=results))
    statuses = [each.result.status for each in answer.results]
    assert statuses[:3] == [Status.COMPLETED] * 3
    assert statuses[4] == Status.PENDING
    codes = [each.error.code for each in answer.results]
    assert codes[3] == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    assert codes[5] == grpc.StatusCode.NOT_FOUND.value[0]
    assert not any(each.HasField("error") for each in answer.results[:3])


async def test_lists_and_filters(stub: Any) -> None:
    made = [(await stub.CreateRemoteJob(new_job())).job_id for _ in range(3)]
    film = (await stub.CreateRemoteJob(new_job(content_type="video"))).job_id
    await stub.CancelJob(pb.CancelJobRequest(job_id=made[0]))
    seen: list[str] = []
    token = ""
    while True:
        page = await stub.ListJobs(pb.ListJobsRequest(page_size=3, page_token=token))
        seen += [each.job_id for each in page.jobs]
        token = page.next_page_token
        if not token:
            break
    assert seen == [film, *reversed(made)]
    cancelled = await stub.ListJobs(pb.ListJobsRequest(status="CANCELLED"))
    assert [each.job_id for each in cancelled.jobs] == made[:1]
    films = await stub.ListJobs(pb.ListJobsRequest(status="PENDING", content_type="video"))
    assert [each.job_id for each in films.jobs] == [film]
    assert not (await stub.ListJobs(pb.ListJobsRequest(status="PROCESSING"))).jobs


async def test_cancelled_rearmed_deleted(stub: Any, failure_of: "FailureOf") -> None:
    job_id = (await stub.CreateRemoteJob(new_job())).job_id
    await stub.PollJobs(pb.PollJobsRequest(worker_id="w", content_types=["audio"]))
    assert (await stub.CancelJob(pb.CancelJobRequest(job_id=job_id))).terminal
    beat = await stub.HeartbeatJob(pb.HeartbeatJobRequest(job_id=job_id, worker_id="w", attempt=1))
    assert beat.cancelled
    assert not beat.HasField("lease_expires_at")
    late = pb.SubmitResultRequest(job_id=job_id, success=True)
    assert (await failure_of(stub.SubmitResult(late))).reason == "WRONG_STATE"
    armed = await stub.RearmJob(pb.RearmJobRequest(job_id=job_id))
    assert (armed.status, armed.attempt) == (Status.PENDING, 1)
    early = pb.DeleteJobRequest(job_id=job_id)
    assert (await failure_of(stub.DeleteJob(early))).reason == "WRONG_STATE"
    await stub.CancelJob(pb.CancelJobRequest(job_id=job_id))
    await stub.DeleteJob(early)
    gone = pb.GetJobStatusRequest(job_id=job_id)
    assert (await failure_of(stub.GetJobStatus(gone))).code is grpc.StatusCode.NOT_FOUND


async def test_a_job_is_given_back(stub: Any, failure_of: "FailureOf") -> None:
    job_id = (await stub.CreateRemoteJob(new_job(max_retries=1))).job_id
    poll = pb.PollJobsRequest(worker_id="w", content_types=["audio"], wait_seconds=60)
    assert (await stub.PollJobs(poll)).attempt == 1
    waiting = asyncio.ensure_future(stub.PollJobs(poll))
    await asyncio.sleep(0.1)
    release = pb.ReleaseJobRequest(job_id=job_id)
    assert (await stub.ReleaseJob(release)).status == Status.PENDING
    again = await waiting
    assert (again.job_id, again.attempt) == (job_id, 2)
    refused = await failure_of(stub.ReleaseJob(release))
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "WRONG_STATE")
    answer = await stub.ReleaseJob(pb.ReleaseJobRequest(job_id=job_id, attempt=2))
    assert answer.status == Status.PENDING
    assert (await stub.GetJobStatus(pb.GetJobStatusRequest(job_id=job_id))).retry_count == 0


async def test_nothing_is_held_for_callers_who_went_away(edge: "Edge", stub: Any) -> None:
    poll = pb.PollJobsRequest(worker_id="w", content_types=["audio"], max_jobs=5)
    await stub.PollJobs(poll)
    many = pb.CreateRemoteJobsRequest(jobs=[new_job(max_retries=1) for _ in range(5)])
    made = {each.job.job_id for each in (await stub.CreateRemoteJobs(many)).jobs}
    async with edge.core.store.begin():
        # The claim waits for this transaction, and its caller does not wait for it.
        gone = stub.PollJobs(poll)
        await asyncio.sleep(0.2)
        gone.cancel()
        await asyncio.sleep(0.2)
    given: dict[str, int] = {}
    while len(given) < len(made):
        polled = await stub.PollJobs(
            pb.PollJobsRequest(worker_id="w", content_types=["audio"], max_jobs=5, wait_seconds=9)
        )
        assert polled.jobs
        given |= {job.job_id: job.attempt for job in polled.jobs}
    assert given == dict.fromkeys(made, 2)


async def test_scopes(edge: "Edge", stub: Any, failure_of: "FailureOf") -> None:
    worker, writer = await edge.key(Scope.WORKER), await edge.key(Scope.WRITE)
    poll = pb.PollJobsRequest(worker_id="w", content_types=["audio"])
    await stub.PollJobs(poll, metadata=worker)
    assert (await failure_of(stub.PollJobs(poll, metadata=writer))).reason == "MISSING_SCOPE"
    await stub.CreateRemoteJob(new_job(), metadata=writer)
    refused = await failure_of(stub.CreateRemoteJob(new_job(), metadata=worker))
    assert refused.reason == "MISSING_SCOPE"
    download = pb.DownloadSourceRequest(job_id="j", attempt=1, signature="x")
    refused = await failure_of(stub.DownloadSource(download, metadata=writer))
    assert refused.reason == "MISSING_SCOPE"
    refused = await failure_of(stub.DownloadSource(download, metadata=worker))
    assert refused.reason == "UNAUTHENTICATED"


async def test_numbers_that_json_has_not(stub: Any, failure_of: "FailureOf") -> None:
    odd = new_job(task_options=struct(rate=float("nan")))
    refused = await failure_of(stub.CreateRemoteJob(odd))
    assert refused.reason == "INVALID_FIELD"


async def test_a_bad_entry_keeps_no_other_out(stub: Any) -> None:
    jobs = [
        new_job(),
        new_job(content_type="?"),
        new_job(task_options=struct(rate=float("inf"))),
        new_job(source_file_path="a\0b"),
        new_job(content_type="video"),
    ]
    answer = await stub.CreateRemoteJobs(pb.CreateRemoteJobsRequest(jobs=jobs))
    assert [each.job.status for each in answer.jobs] == [Status.PENDING, 0, 0, 0, Status.PENDING]
    invalid = grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert [each.error.code for each in answer.jobs] == [0, invalid, invalid, invalid, 0]
    assert answer.jobs[1].error.message.startswith("content_type:")
    poll = pb.PollJobsRequest(worker_id="w", content_types=["audio,video"], max_jobs=10)
    assert {each.job_id for each in (await stub.PollJobs(poll)).jobs} == {
        answer.jobs[0].job.job_id,
        answer.jobs[4].job.job_id,
    }
    results = [
        pb.SubmitResultRequest(job_id="?", success=True),
        pb.SubmitResultRequest(job_id=answer.jobs[0].job.job_id, success=True),
    ]
    taken = await stub.SubmitResults(pb.SubmitResultsRequest(results=results))
    assert [each.error.code for each in taken.results] == [invalid, 0]
    nothing = await stub.CreateRemoteJobs(pb.CreateRemoteJobsRequest(jobs=jobs[1:2]))
    assert [each.error.code for each in nothing.jobs] == [invalid]


async def test_a_batch_has_its_bounds(stub: Any, failure_of: "FailureOf") -> None:
    for jobs in ([], [new_job()] * 1001):
        call = stub.CreateRemoteJobs(pb.CreateRemoteJobsRequest(jobs=jobs))
        assert (await failure_of(call)).reason == "INVALID_FIELD"


@pytest.mark.parametrize("more", [(), (Scope.READ,)])
async def test_a_workers_key_uploads_results_only(
    edge: "Edge", stub: Any, failure_of: "FailureOf", more: tuple[Scope, ...]
) -> None:
    worker, writer = await edge.key(Scope.WORKER, *more), await edge.key(Scope.WRITE, Scope.READ)
    uploads: Any = ingestion_service_pb2_grpc.IngestionServiceStub(edge.channel)
    job_id = (await stub.CreateRemoteJob(new_job(), metadata=writer)).job_id
    poll = pb.PollJobsRequest(worker_id="w", content_types=["audio"])
    await stub.PollJobs(poll, metadata=worker)

    def session(**fields: Any) -> ingestion.CreateUploadSessionRequest:
        return ingestion.CreateUploadSessionRequest(file_name="customers.ndjson", **fields)

    async def reason_of(call: Any) -> str:
        return (await failure_of(call)).reason

    for fields in ({}, {"keep": True}):
        call = uploads.CreateUploadSession(session(**fields), metadata=worker)
        assert await reason_of(call) == "MISSING_SCOPE"
    half = session(job_id=job_id)
    assert await reason_of(uploads.CreateUploadSession(half, metadata=worker)) == "INVALID_FIELD"
    stale = session(job_id=job_id, attempt=2)
    assert await reason_of(uploads.CreateUploadSession(stale, metadata=worker)) == "WRONG_STATE"
    other = (await uploads.CreateUploadSession(session(), metadata=writer)).upload_token
    first = ingestion.AppendUploadRequest(token=other, offset=0)
    for call in (
        uploads.AppendUpload(iter([first]), metadata=worker),
        uploads.CompleteUpload(ingestion.CompleteUploadRequest(token=other), metadata=worker),
        uploads.ResumeUpload(ingestion.ResumeUploadRequest(token=other), metadata=worker),
        uploads.AbortUpload(ingestion.AbortUploadRequest(token=other), metadata=worker),
    ):
        assert await reason_of(call) == "NOT_FOUND"
    own = await uploads.CreateUploadSession(session(job_id=job_id, attempt=1), metadata=worker)
    first = ingestion.AppendUploadRequest(
        token=own.upload_token, offset=0, body=HttpBody(data=b"text")
    )
    assert (await uploads.AppendUpload(iter([first]), metadata=worker)).offset == 4
    get = ingestion.GetUploadSessionRequest(token=own.upload_token)
    assert (await uploads.GetUploadSession(get, metadata=worker)).offset == 4
    complete = ingestion.CompleteUploadRequest(token=own.upload_token)
    assert not (await uploads.CompleteUpload(complete, metadata=worker)).HasField("request_id")
    submitted = pb.SubmitResultRequest(job_id=job_id, success=True, upload_token=own.upload_token)
    assert (await stub.SubmitResult(submitted, metadata=worker)).status == Status.COMPLETED
    download = pb.DownloadResultRequest(job_id=job_id)
    pieces = [body.data async for body in stub.DownloadResult(download, metadata=writer)]
    assert pieces == [b"text"]
    if not more:
        refused = stub.DownloadResult(download, metadata=worker)
        assert await reason_of(refused) == "MISSING_SCOPE"


async def test_a_duration_that_is_no_number_sinks_no_neighbour(stub: Any) -> None:
    job_ids = [(await stub.CreateRemoteJob(new_job())).job_id for _ in range(2)]
    await stub.PollJobs(pb.PollJobsRequest(worker_id="w", content_types=["audio"], max_jobs=2))
    seconds = (float("inf"), 1.5)
    entries = [
        pb.SubmitResultRequest(job_id=job_id, success=True, processing_time=each)
        for job_id, each in zip(job_ids, seconds, strict=True)
    ]
    bad, good = (await stub.SubmitResults(pb.SubmitResultsRequest(results=entries))).results
    assert "processing_time" in bad.error.message
    assert good.result.status == Status.COMPLETED


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
async def test_forged_page_tokens(stub: Any, failure_of: "FailureOf", instant: str) -> None:
    token = encode_token([instant, "x"])
    failed = await failure_of(stub.ListJobs(pb.ListJobsRequest(page_token=token)))
    assert failed.reason == "INVALID_FIELD"


def nested(levels: int) -> Struct:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return struct(**value)


async def test_what_a_worker_could_not_decode_is_refused(
    stub: Any, failure_of: "FailureOf"
) -> None:
    """A worker that cannot read its answer loses all jobs in it, however often they are given."""
    job_id = (await stub.CreateRemoteJob(new_job(task_options=nested(MAX_DEPTH)))).job_id
    poll = pb.PollJobsRequest(worker_id="w", content_types=["audio"])
    (claimed,) = (await stub.PollJobs(poll)).jobs
    assert claimed.task_options == nested(MAX_DEPTH)
    beat = pb.HeartbeatJobRequest(job_id=job_id, worker_id="w", checkpoint=nested(MAX_DEPTH))
    await stub.HeartbeatJob(beat)
    assert (await stub.ListJobs(pb.ListJobsRequest())).jobs[0].checkpoint == nested(MAX_DEPTH)
    beat.checkpoint.CopyFrom(nested(MAX_DEPTH + 1))
    for call in (
        stub.CreateRemoteJob(new_job(task_options=nested(MAX_DEPTH + 1))),
        stub.HeartbeatJob(beat),
    ):
        failed = await failure_of(call)
        assert (failed.reason, "deeper" in failed.status.message) == ("INVALID_FIELD", True)


async def test_task_options_are_bounded(stub: Any, failure_of: "FailureOf") -> None:
    text = "x" * (MAX_OPTIONS_BYTES - 100)
    await stub.CreateRemoteJob(new_job(task_options=struct(text=text)))
    call = stub.CreateRemoteJob(new_job(task_options=struct(text=text + "y" * 100)))
    assert (await failure_of(call)).reason == "TOO_LARGE"


async def test_a_worker_knows_so_many_content_types(stub: Any, failure_of: "FailureOf") -> None:
    await stub.CreateRemoteJob(new_job(content_type="t99"))
    names = [f"t{number}" for number in range(101)]
    poll = pb.PollJobsRequest(worker_id="w", content_types=["t0,t0, ,", ",".join(names[:100])])
    assert (await stub.PollJobs(poll)).content_type == "t99"
    for content_types in ([",".join(names)], [" , "]):
        poll = pb.PollJobsRequest(worker_id="w", content_types=content_types)
        assert (await failure_of(stub.PollJobs(poll))).reason == "INVALID_FIELD"
