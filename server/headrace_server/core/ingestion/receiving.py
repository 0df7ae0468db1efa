"""Files in one go: a raw body, or a form with several of them."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

from headrace_server.core.idempotency import Answer, Claim, Idempotency
from headrace_server.core.ingestion.accepting import Acceptance, SealedUpload
from headrace_server.core.ingestion.arrivals import Arrival, Arrivals
from headrace_server.core.ingestion.ingestions import Ingestions
from headrace_server.core.ingestion.uploads import Uploads
from headrace_server.core.limits import Limits
from headrace_server.files.bodies import whole
from headrace_server.files.multipart import PartBegin, PartData, boundary_of, parts
from headrace_server.model.errors import (
    InvalidFieldError,
    TooLargeError,
    UploadClosedError,
    WrongStateError,
)
from headrace_server.model.ingestion import Ingestion, IngestionFile, Status
from headrace_server.model.job import Priority
from headrace_server.model.tenant import Principal
from headrace_server.model.upload import Upload


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """One file that arrived."""

    file_name: str
    data_type: str
    bytes_received: int


@dataclass(frozen=True, slots=True)
class Received:
    """Files that are safe on disk, and the ingestion that loads them."""

    ingestion: Ingestion
    #: upload that holds the first file
    upload_token: str
    #: in the order of loading
    files: tuple[ReceivedFile, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the caller says of the files; empty texts mean not said."""

    #: RPC, the scope of the idempotency key
    method: str
    file_name: str
    data_type: str
    priority: Priority
    content_type: str
    upload_token: str | None = None
    idempotency_key: str | None = None
    #: bytes of the whole body; None where nobody said it
    total_bytes: int | None = None


@dataclass(slots=True)
class _Arrived:
    """What this call brought."""

    #: files that began to arrive
    uploads: list[Upload] = field(default_factory=list)
    #: those of them that are whole
    sealed: list[SealedUpload] = field(default_factory=list)
    #: SHA-256 of each whole file; None without an idempotency key
    checksums: list[str | None] = field(default_factory=list)

    def fingerprint(self) -> str:
        """Name, data type and checksum of every file, as one SHA-256."""
        files = [
            (each.upload.file_name, each.upload.data_type, checksum)
            for each, checksum in zip(self.sealed, self.checksums, strict=True)
        ]
        return hashlib.sha256(json.dumps(files).encode()).hexdigest()


class FileReceiver:
    """Receives whole files and starts one ingestion of them."""

    def __init__(
        self,
        uploads: Uploads,
        arrivals: Arrivals,
        acceptance: Acceptance,
        ingestions: Ingestions,
        idempotency: Idempotency,
        limits: Limits,
    ) -> None:
        self._uploads = uploads
        self._arrivals = arrivals
        self._acceptance = acceptance
        self._ingestions = ingestions
        self._idempotency = idempotency
        self._limits = limits

    async def receive(
        self, caller: Principal, delivery: Delivery, body: AsyncIterator[bytes]
    ) -> Received:
        """Write the files to disk and start their ingestion.

        Raises InvalidFieldError and its kind, WrongLengthError, TooLargeError,
        StorageUnavailableError, and the errors of idempotency keys. A call that is cut leaves
        nothing, except in a session.
        """
        body = whole(body, delivery.total_bytes)
        if delivery.upload_token:
            return await self._continue(caller, delivery, body)
        arrived = _Arrived()
        try:
            await self._arrive(caller, delivery, body, arrived)
            received = await self._accept(caller, delivery, arrived)
        except BaseException:
            await asyncio.shield(self._drop(caller, arrived.uploads))
            raise
        if received.upload_token not in {upload.upload_id for upload in arrived.uploads}:
            await self._drop(caller, arrived.uploads)
        return received

    async def _continue(
        self, caller: Principal, delivery: Delivery, body: AsyncIterator[bytes]
    ) -> Received:
        """Append to the session from where it stands and complete it."""
        token = delivery.upload_token or ""
        upload = await self._uploads.get(caller, token)
        if not upload.data_type:
            raise WrongStateError("the session only keeps its bytes: append to it and complete it")
        if upload.request_id is None:
            arrival = await self._uploads.begin_arrival(caller, token, None)
            await self._arrivals.receive(arrival, body)
            upload = await self._uploads.complete(caller, token, sha256=None)
        ingestion = await self._ingestions.get(caller, upload.request_id or "")
        file = ReceivedFile(upload.file_name, upload.data_type, upload.offset)
        return Received(ingestion, token, (file,))

    async def _arrive(
        self,
        caller: Principal,
        delivery: Delivery,
        body: AsyncIterator[bytes],
        arrived: _Arrived,
    ) -> None:
        boundary = boundary_of(delivery.content_type)
        if boundary is None:
            arrival = await self._open(caller, delivery, delivery.file_name, arrived)
            await self._arrivals.receive(arrival, body)
            await self._seal(caller, arrival, arrived)
        else:
            await self._arrive_by_form(caller, delivery, parts(body, boundary), arrived)

    async def _arrive_by_form(
        self, caller: Principal, delivery: Delivery, form: AsyncIterator[object], arrived: _Arrived
    ) -> None:
        arrival: Arrival | None = None
        try:
            async for event in form:
                if isinstance(event, PartBegin):
                    arrival = await self._open(caller, delivery, _file_name(event), arrived)
                elif isinstance(event, PartData) and arrival:
                    await self._arrivals.write(arrival, event.data)
                elif arrival:
                    await self._arrivals.receive(arrival, _nothing())
                    await self._seal(caller, arrival, arrived)
        finally:
            if arrival:
                await asyncio.to_thread(arrival.segment.close)
        if not arrived.sealed:
            raise InvalidFieldError.of("body", "the form holds no file")

    async def _open(
        self, caller: Principal, delivery: Delivery, file_name: str, arrived: _Arrived
    ) -> Arrival:
        if not file_name:
            raise InvalidFieldError.of("file_name", "name the file, as in orders_2026.ndjson")
        if len(arrived.uploads) >= self._limits.files:
            limit = self._limits.files
            raise TooLargeError(f"a request may hold {limit} files at most", limit=str(limit))
        upload = await self._uploads.create(
            caller,
            file_name=file_name,
            data_type=delivery.data_type,
            total_bytes=None,
            sha256=None,
            priority=delivery.priority,
        )
        arrived.uploads.append(upload)
        return await self._uploads.begin_arrival(
            caller, upload.upload_id, 0, digest=bool(delivery.idempotency_key)
        )

    async def _seal(self, caller: Principal, arrival: Arrival, arrived: _Arrived) -> None:
        arrived.checksums.append(arrival.segment.sha256)
        arrived.sealed.append(
            await self._uploads.seal(caller, arrival.upload.upload_id, sha256=None)
        )

    async def _accept(self, caller: Principal, delivery: Delivery, arrived: _Arrived) -> Received:
        if not delivery.idempotency_key:
            return await self._start(delivery, arrived, None)
        claim = await self._idempotency.begin(
            caller.tenant_id, delivery.method, delivery.idempotency_key, arrived.fingerprint()
        )
        if isinstance(claim, Answer):
            return await self._replay(caller, claim)
        try:
            return await self._start(delivery, arrived, claim)
        except BaseException:
            await asyncio.shield(self._idempotency.abandon(claim))
            raise

    async def _start(self, delivery: Delivery, arrived: _Arrived, claim: Claim | None) -> Received:
        async with self._acceptance.transaction() as connection:
            ingestion, files = await self._acceptance.accept(
                connection, arrived.sealed, delivery.priority
            )
            received = _received(ingestion, files)
            if claim is not None:
                await self._idempotency.finish_in(connection, claim, _answer(received))
        return received

    async def _replay(self, caller: Principal, answer: Answer) -> Received:
        stored = json.loads(answer.body)
        ingestion = await self._ingestions.get(caller, stored["request_id"])
        files = tuple(ReceivedFile(*file) for file in stored["files"])
        return Received(replace(ingestion, status=Status.PENDING), stored["upload_token"], files)

    async def _drop(self, caller: Principal, uploads: list[Upload]) -> None:
        for upload in uploads:
            # A call cut right after its commit has done its work.
            with suppress(UploadClosedError):
                await self._uploads.abort(caller, upload.upload_id)


def _file_name(part: PartBegin) -> str:
    if part.file_name is None:
        raise InvalidFieldError.of(
            f"body.{part.name}", "every part of the form must be a file with a filename"
        )
    return part.file_name


def _received(ingestion: Ingestion, files: list[IngestionFile]) -> Received:
    return Received(
        ingestion,
        files[0].upload_id,
        tuple(ReceivedFile(file.file_name, file.data_type, file.bytes_total) for file in files),
    )


def _answer(received: Received) -> bytes:
    """What an idempotency key keeps of the answer."""
    files = [(file.file_name, file.data_type, file.bytes_received) for file in received.files]
    stored = {
        "request_id": received.ingestion.request_id,
        "upload_token": received.upload_token,
        "files": files,
    }
    return json.dumps(stored).encode()


async def _nothing() -> AsyncIterator[bytes]:
    """Yield no bytes: the part was written as it came."""
    no_bytes: tuple[bytes, ...] = ()
    for data in no_bytes:
        yield data
