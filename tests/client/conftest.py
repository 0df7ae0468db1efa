"""A server in memory that keeps the contract's word on offsets, errors, revisions and cuts."""

import hashlib
import itertools
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
import pytest
from google.api import httpbody_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from headrace.v1 import (
    contract_pb2,
    ingestion_pb2,
    ingestion_service_pb2,
    ingestion_service_pb2_grpc,
    mapping_pb2,
    reject_pb2,
    remote_job_pb2,
    remote_job_service_pb2,
    remote_job_service_pb2_grpc,
    status_service_pb2,
    status_service_pb2_grpc,
    tenant_pb2,
    tenant_service_pb2,
    tenant_service_pb2_grpc,
    upload_pb2,
    warehouse_pb2,
    warehouse_service_pb2,
    warehouse_service_pb2_grpc,
)

Context = grpc.ServicerContext
Ingestion = ingestion_pb2.Ingestion
MappingResult = mapping_pb2.MappingResult
RemoteJob = remote_job_pb2.RemoteJob
Session = upload_pb2.UploadSession

NOW = Timestamp(seconds=1_300_000_000)
REFERENCES = {"order_items": ("orders", "products"), "orders": ("customers",)}
TABLES = ("customers", "products", "orders", "order_items")


def commerce() -> contract_pb2.Contract:
    contract = contract_pb2.Contract(name="commerce", version=1, builtin=True)
    for name in TABLES:
        key = f"{name.rstrip('s')}_id"
        table = contract.tables.add(name=name, primary_key=[key])
        table.columns.add(name=key, type=contract_pb2.Column.UUID)
        for parent in REFERENCES.get(name, ()):
            table.references.add(columns=[f"{parent.rstrip('s')}_id"], table=parent)
    return contract


@dataclass
class State:
    """Everything that the server knows, and how it is told to misbehave."""

    #: bytes of each upload
    files: dict[str, bytearray] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    ingestions: dict[str, Ingestion] = field(default_factory=dict)
    rejects: dict[str, list[reject_pb2.Reject]] = field(default_factory=dict)
    contracts: dict[str, contract_pb2.Contract] = field(
        default_factory=lambda: {"commerce": commerce()}
    )
    tenants: dict[str, tenant_pb2.Tenant] = field(default_factory=dict)
    api_keys: list[tenant_pb2.ApiKey] = field(default_factory=list)
    #: results of the mappings of each ingestion
    mapping_results: dict[str, list[MappingResult]] = field(default_factory=dict)
    remote_jobs: dict[str, RemoteJob] = field(default_factory=dict)
    #: what each remote job was created with
    job_requests: dict[str, Any] = field(default_factory=dict)
    job_results: dict[str, remote_job_pb2.RemoteJobResult] = field(default_factory=dict)
    #: job and attempt of each upload of a result
    result_uploads: dict[str, tuple[str, int]] = field(default_factory=dict)
    #: uploads that are only kept, those of results included
    kept: set[str] = field(default_factory=set)
    #: seconds of a lease, which heartbeats extend
    lease: float = 60.0
    #: content that no result may have
    forbidden: str = "forbidden"
    #: after how many blocks each of the next downloads is cut
    download_cuts: list[int] = field(default_factory=list)
    #: answers by method and idempotency key
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    #: method and metadata of each call
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    #: file names loaded, in order, with the names that were still running
    loads: list[tuple[str, set[str]]] = field(default_factory=list)
    #: calls of each method to answer UNAVAILABLE from now on
    unavailable: Counter[str] = field(default_factory=Counter)
    #: after how many bytes each of the next appends is cut
    append_cuts: list[int] = field(default_factory=list)
    #: after how many messages each of the next watches ends without a terminal one
    watch_cuts: list[int] = field(default_factory=list)
    #: status that every load ends with; None: what the rows deserve
    outcome: Ingestion.Status | None = None
    #: loads run only while it is set
    running: threading.Event = field(default_factory=threading.Event)
    #: appends take the next message only while it is set
    receiving: threading.Event = field(default_factory=threading.Event)
    #: after how many bytes in all `receiving` is cleared
    receive_bytes: int | None = None
    #: appends that have not ended
    appending: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    api_key: str | None = None
    #: tenants that it does not know
    strangers: set[str] = field(default_factory=set)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, "it never came to that"
            time.sleep(0.005)

    def note_received(self) -> None:
        if self.receive_bytes and sum(map(len, self.files.values())) >= self.receive_bytes:
            self.receive_bytes = None
            self.receiving.clear()

    def count(self, method: str) -> int:
        return sum(name == method for name, _ in self.calls)

    def content(self, file_name: str) -> bytes:
        """The bytes of the one completed upload of that name."""
        (token,) = (
            t
            for t, s in self.sessions.items()
            if s.file_name == file_name and s.status == Session.COMPLETED
        )
        return bytes(self.files[token])


def fail(
    context: Context, code: grpc.StatusCode, reason: str, message: str, **metadata: str
) -> NoReturn:
    detail = AnyMessage()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="headrace", metadata=metadata))
    details = [detail]
    if reason == "INVALID_FIELD":
        bad = error_details_pb2.BadRequest()
        bad.field_violations.add(field=metadata["field"], description=message)
        detail = AnyMessage()
        detail.Pack(bad)
        details.append(detail)
    status = Status(code=code.value[0], message=message, details=details)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)
    raise AssertionError


def not_found(context: Context, kind: str, name: str) -> NoReturn:
    message = f"{kind} {name!r} not found"
    fail(context, grpc.StatusCode.NOT_FOUND, "NOT_FOUND", message, resource_type=kind)


class Gate(grpc.ServerInterceptor):
    """Notes each call, refuses wrong keys and is unavailable on demand."""

    def __init__(self, state: State) -> None:
        self.state = state

    def intercept_service(self, continuation: Any, details: Any) -> Any:
        method = details.method.rpartition("/")[2]
        metadata = dict(details.invocation_metadata)
        self.state.calls.append((method, metadata))
        if self.state.unavailable[method] > 0:
            self.state.unavailable[method] -= 1
            return _refusing(continuation(details), grpc.StatusCode.UNAVAILABLE, "")
        if self.state.api_key not in {None, metadata.get("x-api-key")}:
            code = grpc.StatusCode.UNAUTHENTICATED
            return _refusing(continuation(details), code, "UNAUTHENTICATED")
        return continuation(details)


def _refusing(handler: Any, code: grpc.StatusCode, reason: str) -> Any:
    def refuse(_: Any, context: Context) -> Any:
        if reason:
            fail(context, code, reason, "no valid API key")
        context.abort(code, "going away")

    def refuse_stream(_: Any, context: Context) -> Iterator[Any]:
        yield refuse(_, context)

    behaviour = refuse_stream if handler.response_streaming else refuse
    streams = (
        "stream" if s else "unary" for s in (handler.request_streaming, handler.response_streaming)
    )
    make = getattr(grpc, "_".join((*streams, "rpc_method_handler")))
    return make(behaviour, handler.request_deserializer, handler.response_serializer)


class Room:
    def __init__(self, state: State) -> None:
        self.state = state

    def once(self, context: Context, method: str, answer: Callable[[], Any]) -> Any:
        """Answer a repeated idempotency key as the first time."""
        key = str(dict(context.invocation_metadata())["idempotency-key"])
        if (method, key) not in self.state.answers:
            self.state.answers[method, key] = answer()
        return self.state.answers[method, key]

    def ingestion(self, request_id: str, context: Context) -> Ingestion:
        if request_id not in self.state.ingestions:
            not_found(context, "ingestion", request_id)
        return self.state.ingestions[request_id]

    def page(self, items: list[Any], request: Any) -> tuple[list[Any], str]:
        start, size = int(request.page_token or 0), request.page_size or 2
        rest = start + size < len(items)
        return items[start : start + size], str(start + size) if rest else ""

    def change(self, request_id: str, **values: Any) -> None:
        with self.state.changed:
            ingestion = Ingestion()
            ingestion.CopyFrom(self.state.ingestions[request_id])
            ingestion.MergeFrom(Ingestion(**values, revision=ingestion.revision + 1))
            self.state.ingestions[request_id] = ingestion
            self.state.changed.notify_all()

    def load(self, file_name: str, content: bytes) -> str:
        """Start the ingestion of a file; a thread carries it on."""
        state, request_id = self.state, uuid.uuid4().hex
        running = {i.details for i in state.ingestions.values() if not i.terminal}
        state.loads.append((file_name, running))
        state.ingestions[request_id] = Ingestion(
            request_id=request_id, kind=Ingestion.FILES, status=Ingestion.PENDING, revision=1,
            total_mappings=1, bytes_total=len(content), created_at=NOW, details=file_name,
        )  # fmt: skip
        threading.Thread(target=self._run, args=(request_id, file_name, content)).start()
        return request_id

    def _run(self, request_id: str, file_name: str, content: bytes) -> None:
        self.state.running.wait()
        self.change(request_id, status=Ingestion.IN_PROGRESS, started_at=NOW)
        good = 0
        rejects = self.state.rejects.setdefault(request_id, [])
        for number, line in enumerate(content.splitlines(), 1):
            try:
                json.loads(line)
                good += 1
            except ValueError:
                rejects.append(
                    reject_pb2.Reject(
                        reject_id=f"r{number}", file_name=file_name, line=number,
                        reason=reject_pb2.Reject.MALFORMED_JSON, message="not JSON",
                        raw=line.decode(),
                    )
                )  # fmt: skip
        half = len(content) // 2
        self.change(request_id, progress=50, bytes_processed=half, rows_loaded=good // 2)
        status = Ingestion.COMPLETED_WITH_ERRORS if rejects else Ingestion.COMPLETED
        self.change(
            request_id, status=self.state.outcome or status, progress=100, terminal=True,
            bytes_processed=len(content), rows_loaded=good, rows_rejected=len(rejects),
            processed_mappings=1, completed_at=NOW,
        )  # fmt: skip


class Ingestions(Room, ingestion_service_pb2_grpc.IngestionServiceServicer):
    def CreateIngestion(self, request: Any, context: Context) -> Any:  # noqa: N802
        """Carry mappings at once; those whose target is `down` fail."""

        def create() -> Any:
            request_id = uuid.uuid4().hex
            results = [
                MappingResult(
                    id=m.id, attempts=1, latency_ms=20,
                    status=MappingResult.FAILED if m.target == "down" else MappingResult.COMPLETED,
                    error="no answer" if m.target == "down" else None,
                )
                for m in request.mappings
            ]  # fmt: skip
            failed = sum(r.status == MappingResult.FAILED for r in results)
            ends = {0: Ingestion.COMPLETED, len(results): Ingestion.FAILED}
            self.state.mapping_results[request_id] = results
            self.state.ingestions[request_id] = Ingestion(
                request_id=request_id, kind=Ingestion.MAPPINGS, revision=1, terminal=True,
                status=ends.get(failed, Ingestion.COMPLETED_WITH_ERRORS), progress=100,
                total_mappings=len(results), processed_mappings=len(results),
                failed_mappings=failed, created_at=NOW, priority=request.priority,
            )  # fmt: skip
            return ingestion_service_pb2.CreateIngestionResponse(request_id=request_id)

        return self.once(context, "CreateIngestion", create)

    def CreateUploadSession(self, request: Any, context: Context) -> Session:  # noqa: N802
        def create() -> Session:
            token = uuid.uuid4().hex
            self.state.files[token] = bytearray()
            if request.job_id:
                self.state.result_uploads[token] = (request.job_id, request.attempt)
            if request.job_id or request.keep:
                self.state.kept.add(token)
            self.state.sessions[token] = Session(
                upload_token=token, file_name=request.file_name, status=Session.OPEN,
                data_type=request.data_type or request.file_name.partition("_")[0],
                total_bytes=request.total_bytes,
            )  # fmt: skip
            return self._present(token)

        if request.data_type == "nonsense":
            code = grpc.StatusCode.INVALID_ARGUMENT
            fail(context, code, "INVALID_FIELD", "no such data type", field="data_type")
        answer: Session = self.once(context, "CreateUploadSession", create)
        return answer

    def _present(self, token: str) -> Session:
        session = Session()
        session.CopyFrom(self.state.sessions[token])
        session.offset = len(self.state.files[token])
        return session

    def _session(self, token: str, context: Context) -> Session:
        if token not in self.state.sessions:
            not_found(context, "upload session", token)
        return self._present(token)

    def GetUploadSession(self, request: Any, context: Context) -> Session:  # noqa: N802
        return self._session(request.token, context)

    def AppendUpload(self, requests: Iterator[Any], context: Context) -> Session:  # noqa: N802
        first = next(requests)
        session = self._session(first.token, context)
        if session.status != Session.OPEN:
            code = grpc.StatusCode.FAILED_PRECONDITION
            fail(context, code, "UPLOAD_CLOSED", "the upload takes no more bytes")
        if first.offset != session.offset:
            fail(
                context, grpc.StatusCode.FAILED_PRECONDITION, "WRONG_OFFSET",
                f"send the bytes from {session.offset}", offset=str(session.offset),
            )  # fmt: skip
        cut = self.state.append_cuts.pop(0) if self.state.append_cuts else None
        kept, file = 0, self.state.files[first.token]
        self.state.appending += 1
        try:
            for message in itertools.chain((first,), requests):
                self.state.receiving.wait()
                data = message.body.data if cut is None else message.body.data[: cut - kept]
                file.extend(data)
                kept += len(data)
                self.state.note_received()
                if cut is not None and kept >= cut:
                    context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
        finally:
            self.state.appending -= 1
        return self._present(first.token)

    def CompleteUpload(self, request: Any, context: Context) -> Session:  # noqa: N802
        session = self._session(request.token, context)
        content = bytes(self.state.files[request.token])
        if session.status == Session.COMPLETED:
            return session
        stored = self.state.sessions[request.token]
        if request.sha256 and hashlib.sha256(content).hexdigest() != request.sha256:
            stored.status = Session.FAILED
            code = grpc.StatusCode.INVALID_ARGUMENT
            fail(context, code, "CHECKSUM_MISMATCH", "the bytes are not those declared", offset="0")
        stored.status = Session.COMPLETED
        if request.token not in self.state.kept:
            stored.request_id = self.load(session.file_name, content)
        return self._present(request.token)

    def ResumeUpload(self, request: Any, context: Context) -> Session:  # noqa: N802
        self._session(request.token, context)
        self.state.sessions[request.token].status = Session.OPEN
        return self._present(request.token)

    def AbortUpload(self, request: Any, context: Context) -> Any:  # noqa: N802
        self._session(request.token, context)
        del self.state.sessions[request.token]
        return ingestion_service_pb2.AbortUploadResponse()

    def IngestFile(self, requests: Iterator[Any], context: Context) -> Any:  # noqa: N802
        first = next(requests)
        content = b"".join((first.body.data, *(message.body.data for message in requests)))
        return ingestion_service_pb2.IngestFileResponse(
            request_id=self.load(first.file_name, content), data_type="orders",
            status=Ingestion.PENDING, bytes_received=len(content),
        )  # fmt: skip

    def IngestOrders(self, requests: Iterator[Any], context: Context) -> Any:  # noqa: N802
        return self.IngestFile(requests, context)

    def CancelIngestion(self, request: Any, context: Context) -> Ingestion:  # noqa: N802
        self.ingestion(request.request_id, context)
        self.change(request.request_id, status=Ingestion.CANCELLED, terminal=True)
        return self.state.ingestions[request.request_id]

    def RetryIngestion(self, request: Any, context: Context) -> Ingestion:  # noqa: N802
        ingestion = self.ingestion(request.request_id, context)
        if ingestion.status not in {Ingestion.FAILED, Ingestion.CANCELLED}:
            code = grpc.StatusCode.FAILED_PRECONDITION
            fail(context, code, "WRONG_STATE", "nothing of it failed")
        self.change(request.request_id, status=Ingestion.COMPLETED)
        return self.state.ingestions[request.request_id]

    def ListRejects(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.ingestion(request.request_id, context)
        rejects = self.state.rejects.get(request.request_id, [])
        if request.filter:
            parked = request.filter == ingestion_service_pb2.ListRejectsRequest.PARKED
            rejects = [r for r in rejects if r.HasField("missing_parent") == parked]
        rows, token = self.page(rejects, request)
        return ingestion_service_pb2.ListRejectsResponse(rejects=rows, next_page_token=token)

    def ReplayRejects(self, request: Any, context: Context) -> Any:  # noqa: N802
        ingestion = self.ingestion(request.request_id, context)
        rejects = self.state.rejects.get(request.request_id, [])
        fixed = {correction.reject_id for correction in request.corrections}
        replayed = len(fixed) if request.only_corrections else len(rejects)
        rejects[:] = [reject for reject in rejects if reject.reject_id not in fixed]
        return ingestion_service_pb2.ReplayRejectsResponse(replayed=replayed, status=ingestion)

    def RegisterContract(self, request: Any, context: Context) -> Any:  # noqa: N802
        contract = request.contract
        contract.version = 1
        self.state.contracts[contract.name] = contract
        return contract

    def GetContract(self, request: Any, context: Context) -> Any:  # noqa: N802
        if request.name not in self.state.contracts:
            not_found(context, "contract", request.name)
        return self.state.contracts[request.name]

    def ListContracts(self, request: Any, context: Context) -> Any:  # noqa: N802
        tenant_id = str(dict(context.invocation_metadata()).get("x-tenant-id", ""))
        if tenant_id in self.state.strangers:
            not_found(context, "tenant", tenant_id)
        contracts, token = self.page(list(self.state.contracts.values()), request)
        return ingestion_service_pb2.ListContractsResponse(
            contracts=contracts, next_page_token=token
        )


class Statuses(Room, status_service_pb2_grpc.StatusServiceServicer):
    def GetStatus(self, request: Any, context: Context) -> Ingestion:  # noqa: N802
        return self.ingestion(request.request_id, context)

    def ListStatuses(self, request: Any, context: Context) -> Any:  # noqa: N802
        chosen = [i for i in self.state.ingestions.values() if request.status in {0, i.status}]
        statuses, token = self.page(chosen, request)
        return status_service_pb2.ListStatusesResponse(statuses=statuses, next_page_token=token)

    def GetResults(self, request: Any, context: Context) -> Any:  # noqa: N802
        ingestion = self.ingestion(request.request_id, context)
        if ingestion.kind == Ingestion.MAPPINGS:
            found, token = self.page(self.state.mapping_results[request.request_id], request)
            return status_service_pb2.GetResultsResponse(results=found, next_page_token=token)
        chunks = [ingestion_pb2.ChunkResult(id="f", chunk=number) for number in range(5)]
        results, token = self.page(chunks, request)
        file = ingestion_pb2.FileResult(
            id=ingestion.details, data_type="orders", status=ingestion.status,
            rows_loaded=ingestion.rows_loaded, rows_rejected=ingestion.rows_rejected,
        )  # fmt: skip
        return status_service_pb2.GetResultsResponse(
            request_id=request.request_id, files=[file], chunks=results, next_page_token=token
        )

    def WatchStatus(self, request: Any, context: Context) -> Iterator[Ingestion]:  # noqa: N802
        self.ingestion(request.request_id, context)
        seen, sent = request.after_revision, 0
        cut = self.state.watch_cuts.pop(0) if self.state.watch_cuts else None
        while context.is_active():
            with self.state.changed:
                newest = self.state.ingestions[request.request_id]
                if newest.revision <= seen and not newest.terminal:
                    self.state.changed.wait(0.05)
                    continue
            if sent == cut:
                return
            yield newest
            if newest.terminal:
                return
            sent += 1
            seen = newest.revision
            yield newest  # the heartbeat repeats it

    def CreateWatchToken(self, request: Any, context: Context) -> Any:  # noqa: N802
        token = uuid.uuid4().hex
        answer = status_service_pb2.CreateWatchTokenResponse(watch_token=token)
        return self.once(context, "CreateWatchToken", lambda: answer)

    def GetHealth(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.state.running.wait()
        healthy = status_service_pb2.GetHealthResponse.HEALTHY
        return status_service_pb2.GetHealthResponse(status=healthy, timestamp=NOW)


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


class Tenants(Room, tenant_service_pb2_grpc.TenantServiceServicer):
    def CreateTenant(self, request: Any, context: Context) -> Any:  # noqa: N802
        def create() -> tenant_pb2.Tenant:
            if request.tenant_id in self.state.tenants:
                fail(context, grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS", "it exists")
            self.state.tenants[request.tenant_id] = tenant_pb2.Tenant(
                tenant_id=request.tenant_id, display_name=request.display_name,
                status=tenant_pb2.Tenant.ACTIVE,
            )  # fmt: skip
            return self.state.tenants[request.tenant_id]

        return self.once(context, "CreateTenant", create)

    def GetTenant(self, request: Any, context: Context) -> Any:  # noqa: N802
        if request.tenant_id not in self.state.tenants:
            not_found(context, "tenant", request.tenant_id)
        return self.state.tenants[request.tenant_id]

    def ListTenants(self, request: Any, context: Context) -> Any:  # noqa: N802
        tenants, token = self.page(list(self.state.tenants.values()), request)
        return tenant_service_pb2.ListTenantsResponse(tenants=tenants, next_page_token=token)

    def SuspendTenant(self, request: Any, context: Context) -> Any:  # noqa: N802
        tenant = self.GetTenant(request, context)
        tenant.status = tenant_pb2.Tenant.SUSPENDED
        return tenant

    def ReactivateTenant(self, request: Any, context: Context) -> Any:  # noqa: N802
        tenant = self.GetTenant(request, context)
        tenant.status = tenant_pb2.Tenant.ACTIVE
        return tenant

    def CreateApiKey(self, request: Any, context: Context) -> Any:  # noqa: N802
        key = tenant_pb2.ApiKey(
            key_id=f"k{len(self.state.api_keys)}", tenant_id=request.tenant_id,
            description=request.description, scopes=request.scopes,
        )  # fmt: skip
        self.state.api_keys.append(key)
        return tenant_service_pb2.CreateApiKeyResponse(api_key=key, secret="s3cret")  # noqa: S106

    def ListApiKeys(self, request: Any, context: Context) -> Any:  # noqa: N802
        keys, token = self.page(self.state.api_keys, request)
        return tenant_service_pb2.ListApiKeysResponse(api_keys=keys, next_page_token=token)

    def RevokeApiKey(self, request: Any, context: Context) -> Any:  # noqa: N802
        key = next(k for k in self.state.api_keys if k.key_id == request.key_id)
        key.revoked_at.CopyFrom(NOW)
        return key


class Warehouse(Room, warehouse_service_pb2_grpc.WarehouseServiceServicer):
    def ListTables(self, request: Any, context: Context) -> Any:  # noqa: N802
        tables = [
            warehouse_pb2.WarehouseTable(schema="public", name=name, rows=3, size_bytes=4096)
            for name in TABLES
        ]
        tables, token = self.page(tables, request)
        return warehouse_service_pb2.ListTablesResponse(tables=tables, next_page_token=token)

    def DescribeTable(self, request: Any, context: Context) -> Any:  # noqa: N802
        if request.table not in TABLES:
            not_found(context, "table", request.table)
        table = warehouse_pb2.WarehouseTable(schema="public", name=request.table, rows=3)
        table.columns.add(name="id", type="uuid", primary_key=True)
        return table


class FakeServer:
    """The server on a port of its own; `stop` and `start` cut every connection."""

    def __init__(self) -> None:
        self.state = State()
        self.state.running.set()
        self.state.receiving.set()
        self.port = 0
        self.credentials: grpc.ServerCredentials | None = None
        self.start()

    def start(self) -> None:
        pool = ThreadPoolExecutor(max_workers=32)
        self._server = grpc.server(pool, interceptors=[Gate(self.state)])
        ingestion_service_pb2_grpc.add_IngestionServiceServicer_to_server(
            Ingestions(self.state), self._server
        )
        status_service_pb2_grpc.add_StatusServiceServicer_to_server(
            Statuses(self.state), self._server
        )
        remote_job_service_pb2_grpc.add_RemoteJobServiceServicer_to_server(
            RemoteJobs(self.state), self._server
        )
        tenant_service_pb2_grpc.add_TenantServiceServicer_to_server(
            Tenants(self.state), self._server
        )
        warehouse_service_pb2_grpc.add_WarehouseServiceServicer_to_server(
            Warehouse(self.state), self._server
        )
        address = f"127.0.0.1:{self.port}"
        self.port = (
            self._server.add_secure_port(address, self.credentials)
            if self.credentials
            else self._server.add_insecure_port(address)
        )
        self._server.start()

    def stop(self) -> None:
        self._server.stop(0).wait()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    fake = FakeServer()
    yield fake
    fake.state.running.set()
    fake.state.receiving.set()
    fake.stop()


@pytest.fixture
def state(server: FakeServer) -> State:
    return server.state
