"""Calls of RemoteJobService."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import grpc
from google.protobuf.struct_pb2 import Struct
from headrace.v1 import remote_job_service_pb2 as pb
from headrace.v1.priority_pb2 import Priority
from headrace.v1.remote_job_pb2 import ClaimedJob, RemoteJob, RemoteJobResult
from headrace.v1.remote_job_service_pb2_grpc import RemoteJobServiceStub

from headrace_client.connection import Connection, Metadata
from headrace_client.streams import received
from headrace_client.watching import watched

if TYPE_CHECKING:
    from headrace.v1.remote_job_service_pb2_grpc import RemoteJobServiceAsyncStub

#: seconds without a block after which a download counts as cut
_SILENCE = 60.0

_Stream = grpc.aio.UnaryStreamCall[pb.WatchJobRequest, RemoteJob]


def struct_of(fields: Mapping[str, Any] | None) -> Struct | None:
    """Return JSON fields as a message; None where there are none. Raises ValueError."""
    if fields is None:
        return None
    struct = Struct()
    struct.update(fields)
    return struct


class RemoteJobCalls(Connection):
    """RemoteJobService of a Client. Every method raises HeadraceError."""

    @cached_property
    def _remote_jobs(self) -> "RemoteJobServiceAsyncStub":
        return RemoteJobServiceStub(self.channel)

    async def create_remote_job(
        self,
        source_file_path: str,
        content_type: str,
        *,
        task_options: Mapping[str, Any] | None = None,
        ingestion_task_id: str = "",
        priority: Priority = Priority.PRIORITY_UNSPECIFIED,
        max_retries: int | None = None,
        idempotency_key: str | None = None,
    ) -> pb.CreateRemoteJobResponse:
        """Queue a job. Its source is a file address or the token of a completed upload."""
        request = pb.CreateRemoteJobRequest(
            source_file_path=source_file_path,
            content_type=content_type,
            task_options=struct_of(task_options),
            ingestion_task_id=ingestion_task_id,
            priority=priority,
            max_retries=max_retries,
        )
        return await self.mutate(self._remote_jobs.CreateRemoteJob, request, idempotency_key)

    async def create_remote_jobs(
        self, jobs: Iterable[pb.CreateRemoteJobRequest], *, idempotency_key: str | None = None
    ) -> list[pb.CreateRemoteJobsResponse.Outcome]:
        """Queue up to 1,000 jobs; return the outcome of each, in their order."""
        request = pb.CreateRemoteJobsRequest(jobs=jobs)
        method = self._remote_jobs.CreateRemoteJobs
        return list((await self.mutate(method, request, idempotency_key)).jobs)

    async def poll_jobs(
        self,
        worker_id: str,
        content_types: Sequence[str],
        *,
        max_jobs: int = 1,
        wait_seconds: int = 0,
    ) -> list[ClaimedJob]:
        """Claim up to `max_jobs` jobs, waiting up to `wait_seconds` (60 at most) for the first."""
        request = pb.PollJobsRequest(
            worker_id=worker_id,
            content_types=content_types,
            max_jobs=max_jobs,
            wait_seconds=wait_seconds,
        )
        deadline = self.timeout + wait_seconds
        answer = await self.call(self._remote_jobs.PollJobs, request, timeout=deadline)
        return list(answer.jobs)

    async def heartbeat_job(
        self,
        job_id: str,
        worker_id: str,
        attempt: int,
        *,
        checkpoint: Mapping[str, Any] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # gRPC enforces it, on both sides
    ) -> pb.HeartbeatJobResponse:
        """Extend the lease of a job, and store a checkpoint where one is given."""
        request = pb.HeartbeatJobRequest(
            job_id=job_id, worker_id=worker_id, attempt=attempt, checkpoint=struct_of(checkpoint)
        )
        return await self.call(self._remote_jobs.HeartbeatJob, request, timeout=timeout)

    async def release_job(
        self,
        job_id: str,
        attempt: int,
        *,
        timeout: float | None = None,  # noqa: ASYNC109  # gRPC enforces it, on both sides
    ) -> pb.ReleaseJobResponse:
        """Give a job back that is held; it waits again, with its checkpoint, and has not failed."""
        request = pb.ReleaseJobRequest(job_id=job_id, attempt=attempt)
        return await self.call(self._remote_jobs.ReleaseJob, request, timeout=timeout)

    async def submit_result(
        self,
        job_id: str,
        attempt: int,
        *,
        success: bool,
        content: str | None = None,
        upload_token: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        error_message: str | None = None,
        processing_time: float | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # gRPC enforces it, on both sides
    ) -> pb.SubmitResultResponse:
        """End an attempt; `processing_time` is in seconds. Again, it answers the same."""
        request = pb.SubmitResultRequest(
            job_id=job_id,
            attempt=attempt,
            success=success,
            content=content,
            upload_token=upload_token,
            metadata=struct_of(metadata),
            error_message=error_message,
            processing_time=processing_time,
        )
        return await self.call(self._remote_jobs.SubmitResult, request, timeout=timeout)

    async def submit_results(
        self, results: Iterable[pb.SubmitResultRequest]
    ) -> list[pb.SubmitResultsResponse.Outcome]:
        """End up to 1,000 attempts; return the outcome of each, in their order."""
        request = pb.SubmitResultsRequest(results=results)
        return list((await self.call(self._remote_jobs.SubmitResults, request)).results)

    async def get_job_status(self, job_id: str) -> RemoteJob:
        """Get a job as it stands now."""
        request = pb.GetJobStatusRequest(job_id=job_id)
        return await self.call(self._remote_jobs.GetJobStatus, request)

    async def get_job_result(self, job_id: str) -> RemoteJobResult:
        """Get the result of a job that has one."""
        request = pb.GetJobResultRequest(job_id=job_id)
        return await self.call(self._remote_jobs.GetJobResult, request)

    async def download_result(self, job_id: str) -> AsyncGenerator[bytes, None]:
        """Yield the content of a job's result, block by block; a cut raises."""
        metadata = self.metadata()
        request = pb.DownloadResultRequest(job_id=job_id)
        call = self._remote_jobs.DownloadResult(request, metadata=metadata)
        async with aclosing(received(self, call, metadata, _SILENCE)) as blocks:
            async for block in blocks:
                yield block.data

    async def watch_job(self, job_id: str, *, after_revision: int = 0) -> AsyncIterator[RemoteJob]:
        """Yield a job after each change, the terminal snapshot last; works as `watch` does."""
        stub = self._remote_jobs

        def open_stream(revision: int, metadata: Metadata) -> _Stream:
            request = pb.WatchJobRequest(job_id=job_id, after_revision=revision)
            return stub.WatchJob(request, metadata=metadata)

        async for job in watched(self, open_stream, after_revision):
            yield job

    async def download_source(self, job: ClaimedJob) -> AsyncGenerator[bytes, None]:
        """Yield the source file of a job that is held, block by block; a cut raises."""
        query = parse_qs(urlsplit(job.source_file_url).query)
        request = pb.DownloadSourceRequest(
            job_id=job.job_id,
            attempt=job.attempt,
            signature=query.get("signature", [""])[0],
        )
        metadata = self.metadata()
        call = self._remote_jobs.DownloadSource(request, metadata=metadata)
        async with aclosing(received(self, call, metadata, _SILENCE)) as blocks:
            async for block in blocks:
                yield block.data

    async def cancel_job(self, job_id: str) -> RemoteJob:
        """End a job that has not ended; its worker hears of it at the next heartbeat."""
        return await self.call(self._remote_jobs.CancelJob, pb.CancelJobRequest(job_id=job_id))

    async def list_jobs(
        self,
        *,
        status: RemoteJob.Status = RemoteJob.STATUS_UNSPECIFIED,
        content_type: str = "",
        page_size: int = 0,
    ) -> AsyncIterator[RemoteJob]:
        """Yield the jobs of the tenant, newest first."""
        request = pb.ListJobsRequest(status=status, content_type=content_type, page_size=page_size)
        async for page in self.pages(self._remote_jobs.ListJobs, request):
            for job in page.jobs:
                yield job

    async def rearm_job(self, job_id: str, *, idempotency_key: str | None = None) -> RemoteJob:
        """Queue a job again that failed, timed out or was cancelled, with all its attempts."""
        request = pb.RearmJobRequest(job_id=job_id)
        return await self.mutate(self._remote_jobs.RearmJob, request, idempotency_key)

    async def delete_job(self, job_id: str) -> None:
        """Delete a job that has ended, and its result."""
        await self.call(self._remote_jobs.DeleteJob, pb.DeleteJobRequest(job_id=job_id))
