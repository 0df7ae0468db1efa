"""A queue of remote jobs."""

import time
from collections.abc import Iterator
from typing import Any

import grpc
from google.api import httpbody_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from headrace.v1 import remote_job_pb2, remote_job_service_pb2, remote_job_service_pb2_grpc

from .refusals import Context, fail, not_found
from .room import NOW, Room
from .state import RemoteJob


class RemoteJobs(Room, remote_job_service_pb2_grpc.RemoteJobServiceServicer):
    """Jobs in the order they came; a failed attempt is made again at once, twice at most."""

    def job(self, job_id: str, context: Context) -> RemoteJob:
        if job_id not in self.state.remote_jobs:
            not_found(context, "job", job_id)
        return self.state.remote_jobs[job_id]

    def alter(self, job_id: str, **values: Any) -> RemoteJob:
        with self.state.changed:
            job = RemoteJob()
            job.CopyFrom(self.state.remote_jobs[job_id])
            job.MergeFrom(RemoteJob(**values, revision=job.revision + 1))
            job.terminal = job.status not in {RemoteJob.PENDING, RemoteJob.PROCESSING}
            self.state.remote_jobs[job_id] = job
            self.state.changed.notify_all()
        return job

    def held(self, request: Any, context: Context) -> RemoteJob:
        job = self.job(request.job_id, context)
        if job.status != RemoteJob.PROCESSING or job.attempt != request.attempt:
            code = grpc.StatusCode.FAILED_PRECONDITION
            fail(context, code, "WRONG_STATE", "another attempt holds the job")
        return job

    def CreateRemoteJob(self, request: Any, context: Context) -> Any:  # noqa: N802
        def create() -> Any:
            job_id = f"j{len(self.state.remote_jobs)}"
            self.state.job_requests[job_id] = request
            with self.state.changed:
                self.state.remote_jobs[job_id] = RemoteJob(
                    job_id=job_id, status=RemoteJob.PENDING, created_at=NOW, revision=1,
                    content_type=request.content_type, ingestion_task_id=request.ingestion_task_id,
                )  # fmt: skip
                self.state.changed.notify_all()
            return remote_job_service_pb2.CreateRemoteJobResponse(
                job_id=job_id, status=RemoteJob.PENDING, created_at=NOW
            )

        return self.once(context, f"CreateRemoteJob {request.source_file_path}", create)

    def CreateRemoteJobs(self, request: Any, context: Context) -> Any:  # noqa: N802
        answer = remote_job_service_pb2.CreateRemoteJobsResponse()
        for job in request.jobs:
            answer.jobs.add(job=self.CreateRemoteJob(job, context))
        return answer

    def PollJobs(self, request: Any, context: Context) -> Any:  # noqa: N802
        deadline = time.monotonic() + request.wait_seconds
        while context.is_active():
            claimed = self.claimed(request)
            left = deadline - time.monotonic()
            if claimed or left <= 0:
                return remote_job_service_pb2.PollJobsResponse(jobs=claimed)
            with self.state.changed:
                self.state.changed.wait(min(left, 0.05))
        return None

    def claimed(self, request: Any) -> list[Any]:
        waiting = [
            job
            for job in self.state.remote_jobs.values()
            if job.status == RemoteJob.PENDING and job.content_type in request.content_types
        ]
        claims = []
        for job in waiting[: request.max_jobs]:
            attempt = job.attempt + 1
            self.alter(
                job.job_id, status=RemoteJob.PROCESSING, attempt=attempt,
                worker_id=request.worker_id, started_at=NOW, lease_expires_at=self.lease_end(),
            )  # fmt: skip
            url = (
                f"/api/v1/remote-jobs/{job.job_id}/download?attempt={attempt}&signature=s{attempt}"
            )
            claims.append(
                remote_job_pb2.ClaimedJob(
                    job_id=job.job_id, source_file_url=url, content_type=job.content_type,
                    task_options=self.state.job_requests[job.job_id].task_options,
                    attempt=attempt, lease_expires_at=self.lease_end(),
                    checkpoint=job.checkpoint if job.HasField("checkpoint") else None,
                )
            )  # fmt: skip
        return claims

    def lease_end(self) -> Timestamp:
        return Timestamp(nanos=int((NOW.seconds + self.state.lease) * 1e9) % 10**9,
                         seconds=int(NOW.seconds + self.state.lease))  # fmt: skip

    def HeartbeatJob(self, request: Any, context: Context) -> Any:  # noqa: N802
        job = self.job(request.job_id, context)
        if job.status == RemoteJob.CANCELLED:
            return remote_job_service_pb2.HeartbeatJobResponse(cancelled=True)
        self.held(request, context)
        if request.HasField("checkpoint"):
            self.alter(request.job_id, checkpoint=request.checkpoint)
        return remote_job_service_pb2.HeartbeatJobResponse(lease_expires_at=self.lease_end())

    def ReleaseJob(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.held(request, context)
        job = self.alter(request.job_id, status=RemoteJob.PENDING)
        return remote_job_service_pb2.ReleaseJobResponse(status=job.status)

    def SubmitResult(self, request: Any, context: Context) -> Any:  # noqa: N802
        job = self.held(request, context)
        if request.content == self.state.forbidden:
            code = grpc.StatusCode.INVALID_ARGUMENT
            fail(context, code, "INVALID_FIELD", "no such content", field="content")
        if request.success:
            token = request.upload_token
            assert not token or self.state.result_uploads[token] == (job.job_id, job.attempt)
            self.state.job_results[request.job_id] = remote_job_pb2.RemoteJobResult(
                success=True, metadata=request.metadata,
                content=None if token else request.content, upload_token=token or None,
            )  # fmt: skip
            job = self.alter(request.job_id, status=RemoteJob.COMPLETED, completed_at=NOW)
        else:
            retries = job.retry_count + 1
            job = self.alter(
                request.job_id, retry_count=retries, error_message=request.error_message,
                status=RemoteJob.FAILED if retries > 2 else RemoteJob.PENDING,
            )  # fmt: skip
        return remote_job_service_pb2.SubmitResultResponse(status=job.status)

    def SubmitResults(self, request: Any, context: Context) -> Any:  # noqa: N802
        answer = remote_job_service_pb2.SubmitResultsResponse()
        for result in request.results:
            answer.results.add(result=self.SubmitResult(result, context))
        return answer

    def GetJobStatus(self, request: Any, context: Context) -> Any:  # noqa: N802
        return self.job(request.job_id, context)

    def GetJobResult(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.job(request.job_id, context)
        if request.job_id not in self.state.job_results:
            code = grpc.StatusCode.FAILED_PRECONDITION
            fail(context, code, "WRONG_STATE", "the job has no result")
        return self.state.job_results[request.job_id]

    def DownloadResult(self, request: Any, context: Context) -> Iterator[Any]:  # noqa: N802
        result = self.GetJobResult(request, context)
        token = result.upload_token
        content = bytes(self.state.files[token]) if token else result.content.encode()
        cut = self.state.download_cuts.pop(0) if self.state.download_cuts else None
        for start in range(0, max(len(content), 1), 1 << 20):
            if start >> 20 == cut:
                context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
            yield httpbody_pb2.HttpBody(data=content[start : start + (1 << 20)])

    def WatchJob(self, request: Any, context: Context) -> Iterator[Any]:  # noqa: N802
        self.job(request.job_id, context)
        seen = request.after_revision
        cut = self.state.watch_cuts.pop(0) if self.state.watch_cuts else None
        while context.is_active():
            newest = self.state.remote_jobs[request.job_id]
            if newest.revision <= seen and not newest.terminal:
                with self.state.changed:
                    self.state.changed.wait(0.05)
                continue
            yield newest
            seen = newest.revision
            if newest.terminal or cut is not None:
                return

    def DownloadSource(self, request: Any, context: Context) -> Iterator[Any]:  # noqa: N802
        job = self.held(request, context)
        assert request.signature == f"s{job.attempt}"
        source = self.state.job_requests[request.job_id].source_file_path.encode()
        cut = self.state.download_cuts.pop(0) if self.state.download_cuts else None
        for number in range(0, max(len(source), 1), 10):
            if number // 10 == cut:
                context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
            yield httpbody_pb2.HttpBody(data=source[number : number + 10])

    def CancelJob(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.job(request.job_id, context)
        return self.alter(request.job_id, status=RemoteJob.CANCELLED)

    def ListJobs(self, request: Any, context: Context) -> Any:  # noqa: N802
        chosen = [
            job
            for job in reversed(self.state.remote_jobs.values())
            if request.status in {0, job.status} and request.content_type in {"", job.content_type}
        ]
        jobs, token = self.page(chosen, request)
        return remote_job_service_pb2.ListJobsResponse(jobs=jobs, next_page_token=token)

    def RearmJob(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.job(request.job_id, context)
        return self.alter(request.job_id, status=RemoteJob.PENDING)

    def DeleteJob(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.job(request.job_id, context)
        del self.state.remote_jobs[request.job_id]
        return remote_job_service_pb2.DeleteJobResponse()
