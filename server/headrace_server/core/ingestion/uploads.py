"""Uploads: bytes to disk, acknowledged only when they are safe there."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime

from headrace_server.core.contracts import Contracts
from headrace_server.core.ingestion.accepting import Acceptance
from headrace_server.core.ingestion.data_types import resolve_data_type
from headrace_server.core.limits import MIB, Limits
from headrace_server.db import uploads as rows
from headrace_server.db.engine import ControlStore
from headrace_server.files.formats import compression_of, plain_file_name
from headrace_server.files.spool import SegmentWriter, Spool, on_disk, sha256_of
from headrace_server.model.errors import (
    ChecksumMismatchError,
    NotFoundError,
    TooLargeError,
    UnsupportedFormatError,
    UploadClosedError,
    UploadExpiredError,
    WrongLengthError,
    WrongOffsetError,
)
from headrace_server.model.job import Priority
from headrace_server.model.tenant import Principal
from headrace_server.model.upload import Upload, UploadStatus

_ACKNOWLEDGE_EVERY = 64 * MIB


@dataclass(slots=True)
class Arrival:
    """Bytes of one writer on their way to disk."""

    upload: Upload
    segment: SegmentWriter
    #: bytes of the upload before this writer's
    start: int
    acknowledged: int = field(default=0)

    @property
    def end(self) -> int:
        """Bytes of the upload with this writer's."""
        return self.start + self.segment.length


class Uploads:
    """Resumable upload sessions of a tenant's files."""

    def __init__(
        self,
        store: ControlStore,
        spool: Spool,
        contracts: Contracts,
        acceptance: Acceptance,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._spool = spool
        self._contracts = contracts
        self._acceptance = acceptance
        self._limits = limits
        self._clock = clock

    async def create(
        self,
        caller: Principal,
        *,
        file_name: str,
        data_type: str,
        total_bytes: int | None,
        sha256: str | None,
        priority: Priority,
    ) -> Upload:
        """Open a session. Raises UnknownDataTypeError, TooLargeError, InvalidFieldError."""
        name = plain_file_name(file_name)
        catalog = await self._contracts.catalog(caller.tenant_id)
        self._check_size(total_bytes or 0)
        now = self._clock()
        upload = Upload(
            upload_id=secrets.token_urlsafe(24),
            tenant_id=caller.tenant_id,
            file_name=name,
            data_type=resolve_data_type(name, data_type, catalog),
            priority=priority,
            status=UploadStatus.OPEN,
            total_bytes=total_bytes,
            sha256=sha256.lower() if sha256 else None,
            writer=0,
            offset=0,
            expires_at=now + self._limits.session_life,
            request_id=None,
            created_at=now,
        )
        async with self._store.begin() as connection:
            await rows.insert(connection, upload)
        return upload

    async def get(self, caller: Principal, token: str) -> Upload:
        """Return the session and its offset. Raises NotFoundError, UploadExpiredError."""
        async with self._store.read() as connection:
            upload = await rows.get(connection, caller.tenant_id, token)
        return self._present(upload, token)

    async def append(
        self,
        caller: Principal,
        token: str,
        *,
        offset: int,
        sha256: str | None,
        body: AsyncIterator[bytes],
    ) -> Upload:
        """Append the bytes at the offset; what arrived before a cut is kept.

        With `sha256` the bytes are kept only as a whole. Raises WrongOffsetError,
        UploadClosedError, ChecksumMismatchError, WrongLengthError, TooLargeError,
        StorageUnavailableError where the disk is full.
        """
        arrival = await self.begin_arrival(caller, token, offset)
        try:
            await self._receive(arrival, body, acknowledge=sha256 is None)
            if sha256 is not None and arrival.segment.sha256 != sha256.lower():
                raise ChecksumMismatchError(
                    "sha256: the bytes that arrived have another checksum; none was kept, "
                    f"send them again from {offset}",
                    offset=str(offset),
                )
            return await self._acknowledge(arrival)
        finally:
            await asyncio.to_thread(arrival.segment.close)

    async def begin_arrival(self, caller: Principal, token: str, offset: int | None) -> Arrival:
        """Make the caller the session's writer, ending the hold of any other.

        `offset` None means wherever the upload stands.
        """
        async with self._store.begin() as connection:
            found = await rows.get(connection, caller.tenant_id, token)
            upload = self._present(found, token)
            if upload.status is not UploadStatus.OPEN:
                raise _closed(upload)
            if offset is not None and offset != upload.offset:
                raise WrongOffsetError(offset, upload.offset)
            upload = await rows.take_writer(connection, upload.upload_id)
        with on_disk("beginning an upload"):
            segment = await asyncio.to_thread(self._spool.segment, upload.upload_id, upload.writer)
        return Arrival(upload, segment, upload.offset)

    async def receive_all(self, arrival: Arrival, body: AsyncIterator[bytes]) -> Upload:
        """Write a body to its end and acknowledge it; what arrived before a cut is kept."""
        try:
            await self._receive(arrival, body, acknowledge=True)
            return await self._acknowledge(arrival)
        finally:
            await asyncio.to_thread(arrival.segment.close)

    async def _receive(
        self, arrival: Arrival, body: AsyncIterator[bytes], *, acknowledge: bool
    ) -> None:
        try:
            async for data in body:
                await self.write(arrival, data)
                unsafe = arrival.segment.length - arrival.acknowledged
                if acknowledge and unsafe >= _ACKNOWLEDGE_EVERY:
                    await self._acknowledge(arrival)
        except BaseException:
            if acknowledge and arrival.segment.length > arrival.acknowledged:
                await self._acknowledge(arrival)
            raise

    async def write(self, arrival: Arrival, data: bytes) -> None:
        """Write bytes of an arrival. Raises WrongLengthError, TooLargeError."""
        end = arrival.end + len(data)
        declared = arrival.upload.total_bytes
        if declared is not None and end > declared:
            raise WrongLengthError(
                f"the upload was declared to be {declared} bytes and more arrived",
                offset=str(arrival.end),
                total_bytes=str(declared),
            )
        self._check_size(end)
        with on_disk("writing an upload"):
            await asyncio.to_thread(arrival.segment.write, data)

    async def _acknowledge(self, arrival: Arrival) -> Upload:
        """Make what arrived safe and record it, to the end also where the call is cut meanwhile.

        gRPC shows a cut as the end of the stream, and cancels the call a moment later.
        """
        recording = asyncio.create_task(self._record(arrival))
        try:
            return await asyncio.shield(recording)
        except asyncio.CancelledError:
            await asyncio.gather(recording, return_exceptions=True)
            raise

    async def _record(self, arrival: Arrival) -> Upload:
        with on_disk("keeping an upload"):
            length = await asyncio.to_thread(arrival.segment.sync)
        expires_at = self._clock() + self._limits.session_life
        async with self._store.begin() as connection:
            acknowledged = await rows.acknowledge(
                connection, arrival.upload.upload_id, arrival.upload.writer, length, expires_at
            )
            if acknowledged is None:
                raise UploadClosedError(
                    "another writer took the session over; ask for its status and go on there",
                    status="TAKEN_OVER",
                )
        arrival.acknowledged = length
        return acknowledged

    async def complete(self, caller: Principal, token: str, *, sha256: str | None) -> Upload:
        """Check length and checksum and start the ingestion; repeatable.

        Raises WrongLengthError, ChecksumMismatchError, UnsupportedFormatError; the session is then
        FAILED.
        """
        upload = await self.seal(caller, token, sha256=sha256)
        if upload.status is UploadStatus.COMPLETED:
            return upload
        async with self._acceptance.transaction() as connection:
            await self._acceptance.accept(connection, [upload], upload.priority)
        await asyncio.to_thread(self._spool.drop_segments, token)
        return await self.get(caller, token)

    async def seal(self, caller: Principal, token: str, *, sha256: str | None) -> Upload:
        """Check the acknowledged bytes and put them together; repeatable."""
        async with self._store.read() as connection:
            upload = self._present(await rows.get(connection, caller.tenant_id, token), token)
            if upload.status is UploadStatus.COMPLETED:
                return upload
            if upload.status is UploadStatus.FAILED:
                raise _closed(upload)
            segments = await rows.segments(connection, token)
        if upload.total_bytes is not None and upload.total_bytes != upload.offset:
            await self._fail(upload)
            raise WrongLengthError(
                f"the upload has {upload.offset} of {upload.total_bytes} declared bytes; "
                "resume it and send the rest",
                offset=str(upload.offset),
                total_bytes=str(upload.total_bytes),
            )
        parts = [(segment.writer, segment.length) for segment in segments]
        with on_disk("putting an upload together"):
            path = await asyncio.to_thread(self._spool.assemble, token, parts)
        for expected in {upload.sha256, sha256.lower() if sha256 else None} - {None}:
            if await asyncio.to_thread(sha256_of, path) != expected:
                await self._discard(upload)
                raise ChecksumMismatchError(
                    "sha256: the upload has another checksum than declared; its bytes were "
                    "dropped, resume it and send the file again from 0",
                    offset="0",
                )
        try:
            await asyncio.to_thread(compression_of, path, upload.file_name)
        except UnsupportedFormatError:
            await self._discard(upload)
            raise
        return upload

    async def _fail(self, upload: Upload) -> None:
        async with self._store.begin() as connection:
            await rows.set_status(connection, upload.upload_id, UploadStatus.FAILED)

    async def _discard(self, upload: Upload) -> None:
        await asyncio.to_thread(self._spool.drop_upload, upload.upload_id)
        async with self._store.begin() as connection:
            await rows.delete_segments(connection, upload.upload_id)
            await rows.set_status(connection, upload.upload_id, UploadStatus.FAILED)

    async def resume(self, caller: Principal, token: str) -> Upload:
        """Reopen a failed session and end the hold of its writer."""
        async with self._store.begin() as connection:
            upload = self._present(await rows.get(connection, caller.tenant_id, token), token)
            if upload.status is UploadStatus.COMPLETED:
                raise _closed(upload)
            await rows.set_status(connection, token, UploadStatus.OPEN)
            return await rows.take_writer(connection, token)

    async def abort(self, caller: Principal, token: str) -> None:
        """Drop a session that is not complete, and its bytes."""
        async with self._store.begin() as connection:
            upload = self._present(await rows.get(connection, caller.tenant_id, token), token)
            if upload.status is UploadStatus.COMPLETED:
                raise _closed(upload)
            await rows.delete(connection, token)
        await asyncio.to_thread(self._spool.drop_upload, token)

    async def sweep(self) -> int:
        """Drop the sessions that expired; return how many."""
        async with self._store.begin() as connection:
            expired = await rows.expired(connection, self._clock(), limit=1000)
            for upload in expired:
                await rows.delete(connection, upload.upload_id)
        for upload in expired:
            await asyncio.to_thread(self._spool.drop_upload, upload.upload_id)
        return len(expired)

    def _present(self, upload: Upload | None, token: str) -> Upload:
        if upload is None:
            raise NotFoundError("upload session", token)
        if upload.status is not UploadStatus.COMPLETED and upload.expires_at <= self._clock():
            raise UploadExpiredError(token)
        return upload

    def _check_size(self, size: int) -> None:
        limit = self._limits.upload_bytes
        if size > limit:
            raise TooLargeError(f"an upload may have {limit} bytes at most", limit=str(limit))


def _closed(upload: Upload) -> UploadClosedError:
    if upload.status is UploadStatus.FAILED:
        message = "the upload failed its completion; resume it first"
    else:
        message = "the upload is complete and takes no more bytes"
    return UploadClosedError(message, status=upload.status.value)
