"""Uploads, loads, rejects and contracts."""

import hashlib
import itertools
import uuid
from collections.abc import Iterator
from typing import Any

import grpc
from headrace.v1 import ingestion_service_pb2, ingestion_service_pb2_grpc

from .refusals import Context, fail, not_found
from .room import NOW, Room
from .state import Ingestion, MappingResult, Session


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
