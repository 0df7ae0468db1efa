"""RemoteJobService."""

# ruff: noqa: N802, ARG002  # names and signatures are those of the protos

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial

from google.api.httpbody_pb2 import HttpBody
from headrace.v1 import remote_job_pb2, remote_job_service_pb2_grpc
from headrace.v1 import remote_job_service_pb2 as pb

from headrace_server.core.remote_jobs.claims import RemoteClaims
from headrace_server.core.remote_jobs.contents import Contents
from headrace_server.core.remote_jobs.estimates import Durations
from headrace_server.core.remote_jobs.releases import Releases
from headrace_server.core.remote_jobs.requests import RemoteJobs, shown_status
from headrace_server.core.remote_jobs.results import RemoteResults
from headrace_server.core.remote_jobs.sources import Sources
from headrace_server.model.remote_job import RemoteJob
from headrace_server.rpc.call import Context, caller, current
from headrace_server.rpc.field_rules import FieldRules
from headrace_server.rpc.messages.instant import timestamp_of
from headrace_server.rpc.messages.page import page_request
from headrace_server.rpc.messages.remote_job import (
    acknowledgement_message,
    claimed_message,
    content_types_of,
    created_message,
    creation_message,
    new_job_of,
    outcome_message,
    polled_message,
    remote_job_message,
    result_message,
    status_filter,
    submission_of,
)
from headrace_server.rpc.messages.structs import object_of

_FILE_TYPE = "application/octet-stream"


class RemoteJobServicer(remote_job_service_pb2_grpc.RemoteJobServiceServicer):
    """Conversions that workers elsewhere carry out."""

    def __init__(
        self,
        jobs: RemoteJobs,
        claims: RemoteClaims,
        releases: Releases,
        results: RemoteResults,
        sources: Sources,
        contents: Contents,
        durations: Durations,
    ) -> None:
        self._jobs = jobs
        self._claims = claims
        self._releases = releases
        self._results = results
        self._sources = sources
        self._contents = contents
        self._durations = durations
        self._rules = FieldRules()

    async def CreateRemoteJob(
        self, request: pb.CreateRemoteJobRequest, context: Context
    ) -> pb.CreateRemoteJobResponse:
        return created_message(await self._jobs.create_one(caller(), new_job_of(request)))

    async def CreateRemoteJobs(
        self, request: pb.CreateRemoteJobsRequest, context: Context
    ) -> pb.CreateRemoteJobsResponse:
        create = partial(self._jobs.create, caller())
        outcomes = await self._rules.each(request.jobs, new_job_of, create)
        call_id = current.get().request_id
        return pb.CreateRemoteJobsResponse(
            jobs=[creation_message(outcome, call_id) for outcome in outcomes]
        )

    async def PollJobs(self, request: pb.PollJobsRequest, context: Context) -> pb.PollJobsResponse:
        url_of = await self._sources.signer()
        claimed = await self._claims.poll(
            caller(),
            request.worker_id,
            content_types_of(request),
            request.max_jobs if request.HasField("max_jobs") else 1,
            request.wait_seconds,
        )
        # Nothing waits from here on: a caller that goes away does so before, or had its answer.
        return polled_message([claimed_message(each, url_of(each)) for each in claimed])

    async def HeartbeatJob(
        self, request: pb.HeartbeatJobRequest, context: Context
    ) -> pb.HeartbeatJobResponse:
        has_checkpoint, has_attempt = request.HasField("checkpoint"), request.HasField("attempt")
        checkpoint = object_of(request.checkpoint, "checkpoint") if has_checkpoint else None
        attempt = request.attempt if has_attempt else 1
        answer = await self._claims.heartbeat(
            caller(), request.job_id, attempt, request.worker_id, checkpoint
        )
        return pb.HeartbeatJobResponse(
            cancelled=answer.cancelled, lease_expires_at=timestamp_of(answer.lease_expires_at)
        )

    async def ReleaseJob(
        self, request: pb.ReleaseJobRequest, context: Context
    ) -> pb.ReleaseJobResponse:
        attempt = request.attempt if request.HasField("attempt") else 1
        status = await self._releases.release(caller(), request.job_id, attempt)
        return pb.ReleaseJobResponse(status=shown_status(status))

    async def SubmitResult(
        self, request: pb.SubmitResultRequest, context: Context
    ) -> pb.SubmitResultResponse:
        answer = await self._results.submit(caller(), submission_of(request))
        return acknowledgement_message(answer)

    async def SubmitResults(
        self, request: pb.SubmitResultsRequest, context: Context
    ) -> pb.SubmitResultsResponse:
        submit = partial(self._results.submit_all, caller())
        outcomes = await self._rules.each(request.results, submission_of, submit)
        call_id = current.get().request_id
        return pb.SubmitResultsResponse(
            results=[outcome_message(outcome, call_id) for outcome in outcomes]
        )

    async def GetJobResult(
        self, request: pb.GetJobResultRequest, context: Context
    ) -> remote_job_pb2.RemoteJobResult:
        return result_message(await self._jobs.result(caller(), request.job_id))

    async def DownloadResult(
        self, request: pb.DownloadResultRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        async with aclosing(self._contents.open(caller(), request.job_id)) as pieces:
            async for piece in pieces:
                yield HttpBody(content_type=_FILE_TYPE, data=piece)

    async def GetJobStatus(
        self, request: pb.GetJobStatusRequest, context: Context
    ) -> remote_job_pb2.RemoteJob:
        return await self._shown(await self._jobs.get(caller(), request.job_id))

    async def WatchJob(
        self, request: pb.WatchJobRequest, context: Context
    ) -> AsyncIterator[remote_job_pb2.RemoteJob]:
        watch = self._jobs.watch(caller(), request.job_id, request.after_revision)
        async with aclosing(watch) as snapshots:
            async for snapshot in snapshots:
                yield await self._shown(snapshot)

    async def DownloadSource(
        self, request: pb.DownloadSourceRequest, context: Context
    ) -> AsyncIterator[HttpBody]:
        opened = self._sources.open(caller(), request.job_id, request.attempt, request.signature)
        async with aclosing(opened) as pieces:
            async for piece in pieces:
                yield HttpBody(content_type=_FILE_TYPE, data=piece)

    async def CancelJob(
        self, request: pb.CancelJobRequest, context: Context
    ) -> remote_job_pb2.RemoteJob:
        return await self._shown(await self._jobs.cancel(caller(), request.job_id))

    async def ListJobs(self, request: pb.ListJobsRequest, context: Context) -> pb.ListJobsResponse:
        status = status_filter(request.status)
        page = await self._jobs.list(caller(), status, request.content_type, page_request(request))
        shown = [await self._shown(each) for each in page.items]
        return pb.ListJobsResponse(jobs=shown, next_page_token=page.next_token)

    async def RearmJob(
        self, request: pb.RearmJobRequest, context: Context
    ) -> remote_job_pb2.RemoteJob:
        return await self._shown(await self._jobs.rearm(caller(), request.job_id))

    async def DeleteJob(
        self, request: pb.DeleteJobRequest, context: Context
    ) -> pb.DeleteJobResponse:
        await self._jobs.delete(caller(), request.job_id)
        return pb.DeleteJobResponse()

    async def _shown(self, record: RemoteJob) -> remote_job_pb2.RemoteJob:
        duration = await self._durations.expected(record.job.tenant_id, record.content_type)
        return remote_job_message(record, duration)
