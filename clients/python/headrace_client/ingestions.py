"""Calls of IngestionService, but for the bytes of uploads."""

from collections.abc import AsyncIterator, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import grpc
from headrace.v1 import ingestion_service_pb2 as pb
from headrace.v1.contract_pb2 import Contract
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.ingestion_service_pb2_grpc import IngestionServiceStub
from headrace.v1.mapping_pb2 import Mapping
from headrace.v1.priority_pb2 import Priority
from headrace.v1.reject_pb2 import Reject
from headrace.v1.upload_pb2 import UploadSession

from headrace_client.errors import InvalidRequestError
from headrace_client.resumable import complete
from headrace_client.uploading import UploadCalls

if TYPE_CHECKING:
    from headrace.v1.ingestion_service_pb2_grpc import IngestionServiceAsyncStub

#: most bytes of a message that the server takes
_REQUEST_BYTES = 8 << 20

Filter = pb.ListRejectsRequest.Filter
Correction = pb.ReplayRejectsRequest.Correction


class IngestionCalls(UploadCalls):
    """IngestionService of a Client. Every method raises HeadraceError."""

    @cached_property
    def _ingestions(self) -> "IngestionServiceAsyncStub":
        return IngestionServiceStub(self.channel)

    async def create_ingestion(
        self,
        mappings: Iterable[Mapping],
        *,
        priority: Priority = Priority.PRIORITY_UNSPECIFIED,
        idempotency_key: str | None = None,
    ) -> pb.CreateIngestionResponse:
        """Start an ingestion made of mappings; without a priority it is MEDIUM.

        Raises InvalidRequestError, without a call, for more than a request can hold.
        """
        request = pb.CreateIngestionRequest(mappings=mappings, priority=priority)
        size = request.ByteSize()
        if size > _REQUEST_BYTES:
            raise InvalidRequestError(
                f"the mappings have {size} bytes, and a request may have {_REQUEST_BYTES}: split "
                "them into several requests",
                code=grpc.StatusCode.INVALID_ARGUMENT,
                reason="TOO_LARGE",
            )
        return await self.mutate(self._ingestions.CreateIngestion, request, idempotency_key)

    async def get_upload(self, token: str) -> UploadSession:
        """Get an upload session and the offset to go on from."""
        request = pb.GetUploadSessionRequest(token=token)
        return await self.call(self._ingestions.GetUploadSession, request)

    async def complete_upload(self, token: str, sha256: str = "", size: int = 0) -> UploadSession:
        """Complete an upload and start its ingestion; again, it answers the same.

        `size` in bytes stretches the deadline by what checking them takes.
        """
        return await complete(self, token, sha256, size)

    async def resume_upload(self, token: str) -> UploadSession:
        """Reopen a failed upload and end the hold of a writer that has gone silent."""
        request = pb.ResumeUploadRequest(token=token)
        return await self.call(self._ingestions.ResumeUpload, request)

    async def abort_upload(self, token: str) -> None:
        """Drop an upload that is not complete, and its bytes."""
        await self.call(self._ingestions.AbortUpload, pb.AbortUploadRequest(token=token))

    async def cancel_ingestion(self, request_id: str) -> Ingestion:
        """End an ingestion: what is loaded stays."""
        request = pb.CancelIngestionRequest(request_id=request_id)
        return await self.call(self._ingestions.CancelIngestion, request)

    async def retry_ingestion(
        self, request_id: str, *, idempotency_key: str | None = None
    ) -> Ingestion:
        """Run again what failed or was cancelled."""
        request = pb.RetryIngestionRequest(request_id=request_id)
        return await self.mutate(self._ingestions.RetryIngestion, request, idempotency_key)

    async def list_rejects(
        self, request_id: str, *, filter_by: Filter = Filter.FILTER_UNSPECIFIED, page_size: int = 0
    ) -> AsyncIterator[Reject]:
        """Yield the rows that are rejected or parked."""
        request = pb.ListRejectsRequest(
            request_id=request_id, filter=filter_by, page_size=page_size
        )
        async for page in self.pages(self._ingestions.ListRejects, request):
            for reject in page.rejects:
                yield reject

    async def replay_rejects(
        self,
        request_id: str,
        corrections: Sequence[Correction] = (),
        *,
        only_corrections: bool = False,
        idempotency_key: str | None = None,
    ) -> pb.ReplayRejectsResponse:
        """Load rejected rows again, as they came or corrected."""
        request = pb.ReplayRejectsRequest(
            request_id=request_id, corrections=corrections, only_corrections=only_corrections
        )
        return await self.mutate(self._ingestions.ReplayRejects, request, idempotency_key)

    async def register_contract(self, contract: Contract) -> Contract:
        """Register a contract, or a new version of it."""
        request = pb.RegisterContractRequest(contract=contract)
        return await self.call(self._ingestions.RegisterContract, request)

    async def get_contract(self, name: str, version: int = 0) -> Contract:
        """Get a contract; version 0 is the newest."""
        request = pb.GetContractRequest(name=name, version=version)
        return await self.call(self._ingestions.GetContract, request)

    async def list_contracts(self, *, page_size: int = 0) -> AsyncIterator[Contract]:
        """Yield the newest version of each contract, by name."""
        request = pb.ListContractsRequest(page_size=page_size)
        async for page in self.pages(self._ingestions.ListContracts, request):
            for contract in page.contracts:
                yield contract
