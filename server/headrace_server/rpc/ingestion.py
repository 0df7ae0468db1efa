"""IngestionService."""

# ruff: noqa: N802, ARG002  # names and signatures are those of the protos

from collections.abc import AsyncIterator

from headrace.v1 import contract_pb2, ingestion_pb2, ingestion_service_pb2_grpc, upload_pb2
from headrace.v1 import ingestion_service_pb2 as pb

from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.ingestion.ingestions import Ingestions
from headrace_server.core.ingestion.receiving import Delivery, FileReceiver
from headrace_server.core.ingestion.rejects import Rejects
from headrace_server.core.ingestion.uploads import Uploads
from headrace_server.core.mappings.accepting import MappingAcceptance
from headrace_server.core.remote_jobs.contents import Contents
from headrace_server.rpc.call import Context, caller, current
from headrace_server.rpc.interceptors.idempotency import idempotency_key
from headrace_server.rpc.messages.contract import contract_message, contract_of
from headrace_server.rpc.messages.ingestion import accepted, ingestion_message
from headrace_server.rpc.messages.mapping import mapping_of
from headrace_server.rpc.messages.page import page_request
from headrace_server.rpc.messages.priority import priority_of
from headrace_server.rpc.messages.reject import (
    corrections_of,
    reject_message,
    wants_parked,
    wants_rejected,
)
from headrace_server.rpc.messages.upload import (
    declared_length,
    opened,
    received_message,
    upload_message,
)


class IngestionServicer(ingestion_service_pb2_grpc.IngestionServiceServicer):
    """Takes data in: mappings, files in one go or in pieces, rejects, and contracts."""

    def __init__(
        self,
        receiver: FileReceiver,
        uploads: Uploads,
        ingestions: Ingestions,
        rejects: Rejects,
        contracts: Contracts,
        mappings: MappingAcceptance,
        contents: Contents,
    ) -> None:
        self._receiver = receiver
        self._uploads = uploads
        self._ingestions = ingestions
        self._rejects = rejects
        self._contracts = contracts
        self._mappings = mappings
        self._contents = contents

    async def CreateIngestion(
        self, request: pb.CreateIngestionRequest, context: Context
    ) -> pb.CreateIngestionResponse:
        mappings = [
            mapping_of(mapping, f"mappings[{number}]")
            for number, mapping in enumerate(request.mappings)
        ]
        return accepted(await self._mappings.accept(caller(), mappings, priority_of(request)))

    async def IngestFile(
        self, request_iterator: AsyncIterator[pb.IngestFileRequest], context: Context
    ) -> pb.IngestFileResponse:
        first, body = await opened(request_iterator)
        return await self._receive(first, first.file_name, first.data_type, body)

    async def IngestOrders(
        self, request_iterator: AsyncIterator[pb.IngestOrdersRequest], context: Context
    ) -> pb.IngestFileResponse:
        first, body = await opened(request_iterator)
        return await self._receive(first, first.file_name or "orders.ndjson", "orders", body)

    async def _receive(
        self,
        first: pb.IngestFileRequest | pb.IngestOrdersRequest,
        file_name: str,
        data_type: str,
        body: AsyncIterator[bytes],
    ) -> pb.IngestFileResponse:
        call = current.get()
        delivery = Delivery(
            method=call.method.full_name,
            file_name=file_name,
            data_type=data_type,
            priority=priority_of(first),
            content_type=first.body.content_type,
            upload_token=call.header("upload-token"),
            idempotency_key=idempotency_key(call),
            total_bytes=declared_length(first, call),
        )
        return received_message(await self._receiver.receive(caller(), delivery, body))

    async def CreateUploadSession(
        self, request: pb.CreateUploadSessionRequest, context: Context
    ) -> upload_pb2.UploadSession:
        if request.job_id:
            return await self._open_result(request)
        upload = await self._uploads.create(
            caller(),
            file_name=request.file_name,
            data_type=request.data_type,
            total_bytes=request.total_bytes if request.HasField("total_bytes") else None,
            sha256=request.sha256 or None,
            priority=priority_of(request),
            keep=request.keep,
        )
        return upload_message(upload)

    async def _open_result(
        self, request: pb.CreateUploadSessionRequest
    ) -> upload_pb2.UploadSession:
        upload = await self._contents.begin_upload(
            caller(),
            request.job_id,
            request.attempt,
            file_name=request.file_name,
            total_bytes=request.total_bytes if request.HasField("total_bytes") else None,
            sha256=request.sha256 or None,
        )
        return upload_message(upload)

    async def GetUploadSession(
        self, request: pb.GetUploadSessionRequest, context: Context
    ) -> upload_pb2.UploadSession:
        return upload_message(await self._uploads.get(caller(), request.token))

    async def AppendUpload(
        self, request_iterator: AsyncIterator[pb.AppendUploadRequest], context: Context
    ) -> upload_pb2.UploadSession:
        first, body = await opened(request_iterator)
        sha256 = first.sha256 or None
        upload = await self._uploads.append(
            caller(), first.token, offset=first.offset, sha256=sha256, body=body
        )
        return upload_message(upload)

    async def CompleteUpload(
        self, request: pb.CompleteUploadRequest, context: Context
    ) -> upload_pb2.UploadSession:
        sha256 = request.sha256 or None
        return upload_message(await self._uploads.complete(caller(), request.token, sha256=sha256))

    async def ResumeUpload(
        self, request: pb.ResumeUploadRequest, context: Context
    ) -> upload_pb2.UploadSession:
        return upload_message(await self._uploads.resume(caller(), request.token))

    async def AbortUpload(
        self, request: pb.AbortUploadRequest, context: Context
    ) -> pb.AbortUploadResponse:
        await self._uploads.abort(caller(), request.token)
        return pb.AbortUploadResponse()

    async def CancelIngestion(
        self, request: pb.CancelIngestionRequest, context: Context
    ) -> ingestion_pb2.Ingestion:
        return ingestion_message(await self._ingestions.cancel(caller(), request.request_id))

    async def RetryIngestion(
        self, request: pb.RetryIngestionRequest, context: Context
    ) -> ingestion_pb2.Ingestion:
        return ingestion_message(await self._ingestions.retry(caller(), request.request_id))

    async def ListRejects(
        self, request: pb.ListRejectsRequest, context: Context
    ) -> pb.ListRejectsResponse:
        names, page = await self._rejects.list(
            caller(),
            request.request_id,
            rejected=wants_rejected(request.filter),
            parked=wants_parked(request.filter),
            page=page_request(request),
        )
        rejects = [reject_message(row, names) for row in page.items]
        return pb.ListRejectsResponse(rejects=rejects, next_page_token=page.next_token)

    async def ReplayRejects(
        self, request: pb.ReplayRejectsRequest, context: Context
    ) -> pb.ReplayRejectsResponse:
        replayed, ingestion = await self._rejects.replay(
            caller(),
            request.request_id,
            corrections_of(request),
            only_corrections=request.only_corrections,
        )
        return pb.ReplayRejectsResponse(replayed=replayed, status=ingestion_message(ingestion))

    async def RegisterContract(
        self, request: pb.RegisterContractRequest, context: Context
    ) -> contract_pb2.Contract:
        contract = contract_of(request.contract)
        return contract_message(await self._contracts.register(caller(), contract))

    async def GetContract(
        self, request: pb.GetContractRequest, context: Context
    ) -> contract_pb2.Contract:
        return contract_message(await self._contracts.get(caller(), request.name, request.version))

    async def ListContracts(
        self, request: pb.ListContractsRequest, context: Context
    ) -> pb.ListContractsResponse:
        page = await self._contracts.list(caller(), page_request(request))
        return pb.ListContractsResponse(
            contracts=map(contract_message, page.items), next_page_token=page.next_token
        )
