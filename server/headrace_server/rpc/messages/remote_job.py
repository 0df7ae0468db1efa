"""Remote jobs, claims and results."""

from collections.abc import Iterable
from datetime import timedelta

from headrace.v1 import remote_job_pb2
from headrace.v1 import remote_job_service_pb2 as pb

from headrace_server.core.remote_jobs.requests import shown_status
from headrace_server.core.remote_jobs.results import Outcome
from headrace_server.model.errors import HeadraceError, InvalidFieldError, TooLargeError
from headrace_server.model.job import Job, JobStatus
from headrace_server.model.remote_job import (
    MAX_OPTIONS_BYTES,
    Acknowledgement,
    NewRemoteJob,
    RemoteJob,
    RemoteResult,
    Submission,
    estimated_completion,
)
from headrace_server.rpc.messages.instant import timestamp_of
from headrace_server.rpc.messages.priority import priority_of
from headrace_server.rpc.messages.structs import object_of, struct_of
from headrace_server.rpc.status_codes import status_of

_MAX_RETRIES = 3
_MAX_CONTENT_TYPES = 100


def new_job_of(request: pb.CreateRemoteJobRequest) -> NewRemoteJob:
    """Read a job to be queued. Raises InvalidFieldError, TooLargeError."""
    if request.task_options.ByteSize() > MAX_OPTIONS_BYTES:
        raise TooLargeError(
            f"task_options may have {MAX_OPTIONS_BYTES} bytes at most", limit=str(MAX_OPTIONS_BYTES)
        )
    return NewRemoteJob(
        source_file_path=request.source_file_path,
        content_type=request.content_type,
        task_options=object_of(request.task_options, "task_options"),
        ingestion_task_id=request.ingestion_task_id,
        priority=priority_of(request),
        max_retries=request.max_retries if request.HasField("max_retries") else _MAX_RETRIES,
    )


def created_message(job: Job) -> pb.CreateRemoteJobResponse:
    """Show that a job was queued."""
    return pb.CreateRemoteJobResponse(
        job_id=job.job_id, status=job.status.name, created_at=timestamp_of(job.created_at)
    )


def creation_message(
    outcome: Job | HeadraceError, call_id: str
) -> pb.CreateRemoteJobsResponse.Outcome:
    """Show what became of one of many jobs to be queued."""
    if isinstance(outcome, HeadraceError):
        return pb.CreateRemoteJobsResponse.Outcome(error=status_of(outcome, call_id))
    return pb.CreateRemoteJobsResponse.Outcome(job=created_message(outcome))


def content_types_of(request: pb.PollJobsRequest) -> list[str]:
    """Read the content types: repeated, or several in one text with commas between.

    Raises InvalidFieldError for none and for too many: each costs a look into the queue.
    """
    names = {name.strip() for text in request.content_types for name in text.split(",")} - {""}
    if not 1 <= len(names) <= _MAX_CONTENT_TYPES:
        words = f"must name 1 to {_MAX_CONTENT_TYPES} content types"
        raise InvalidFieldError.of("content_types", words)
    return sorted(names)


def claimed_message(record: RemoteJob, source_file_url: str) -> remote_job_pb2.ClaimedJob:
    """Show a job to the worker that was given it."""
    return remote_job_pb2.ClaimedJob(
        job_id=record.job.job_id,
        source_file_url=source_file_url,
        content_type=record.content_type,
        task_options=struct_of(record.task_options),
        attempt=record.job.attempt,
        lease_expires_at=timestamp_of(record.job.lease_expires_at),
        checkpoint=struct_of(record.checkpoint),
    )


def polled_message(claimed: Iterable[remote_job_pb2.ClaimedJob]) -> pb.PollJobsResponse:
    """Show all jobs that were given, and the first in the answer itself."""
    answer = pb.PollJobsResponse(jobs=claimed)
    for first in answer.jobs[:1]:
        answer.MergeFromString(_own_fields(first))
    return answer


def _own_fields(first: remote_job_pb2.ClaimedJob) -> bytes:
    # The answer's first seven fields have the numbers and types of a claimed job's.
    return first.SerializeToString()


def submission_of(request: pb.SubmitResultRequest) -> Submission:
    """Read how an attempt ended."""
    has = request.HasField
    result = RemoteResult()
    if request.success:
        result = RemoteResult(
            content=request.content if has("content") else None,
            metadata=object_of(request.metadata, "metadata"),
            processing_time=request.processing_time if has("processing_time") else None,
            upload_token=request.upload_token if has("upload_token") else None,
        )
    return Submission(
        job_id=request.job_id,
        attempt=request.attempt if has("attempt") else 1,
        success=request.success,
        result=result,
        error_message=request.error_message or None,
    )


def acknowledgement_message(answer: Acknowledgement) -> pb.SubmitResultResponse:
    """Show what became of a submission."""
    return pb.SubmitResultResponse(
        status=shown_status(answer.status), ingestion_continued=answer.ingestion_continued
    )


def outcome_message(outcome: Outcome, call_id: str) -> pb.SubmitResultsResponse.Outcome:
    """Show what became of one of many submissions."""
    if isinstance(outcome, HeadraceError):
        return pb.SubmitResultsResponse.Outcome(error=status_of(outcome, call_id))
    return pb.SubmitResultsResponse.Outcome(result=acknowledgement_message(outcome))


def result_message(result: RemoteResult) -> remote_job_pb2.RemoteJobResult:
    """Show what a worker made of a job."""
    return remote_job_pb2.RemoteJobResult(
        success=True,
        content=result.content,
        metadata=struct_of(result.metadata),
        processing_time=result.processing_time,
        upload_token=result.upload_token,
    )


def remote_job_message(record: RemoteJob, duration: timedelta) -> remote_job_pb2.RemoteJob:
    """Show a job as it stands; `duration` is how long an attempt is likely to take."""
    job = record.job
    return remote_job_pb2.RemoteJob(
        job_id=job.job_id,
        status=shown_status(job.status),
        worker_id=record.worker_id,
        created_at=timestamp_of(job.created_at),
        started_at=timestamp_of(job.started_at),
        completed_at=timestamp_of(job.completed_at),
        error_message=job.last_error,
        retry_count=job.failures,
        estimated_completion=timestamp_of(estimated_completion(record, duration)),
        content_type=record.content_type,
        attempt=job.attempt,
        checkpoint=struct_of(record.checkpoint),
        lease_expires_at=timestamp_of(job.lease_expires_at),
        ingestion_task_id=record.ingestion_task_id,
        revision=record.revision,
        terminal=record.terminal,
    )


def status_filter(status: remote_job_pb2.RemoteJob.Status) -> JobStatus | None:
    """Read which status is asked for; None for any."""
    if status == remote_job_pb2.RemoteJob.STATUS_UNSPECIFIED:
        return None
    name = remote_job_pb2.RemoteJob.Status.Name(status)
    return JobStatus.RUNNING if name == "PROCESSING" else JobStatus[name]
