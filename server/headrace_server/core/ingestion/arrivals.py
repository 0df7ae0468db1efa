"""Bytes on their way to disk, acknowledged only when they are safe there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime

from headrace_server.core.limits import MIB, Limits
from headrace_server.db import uploads as upload_rows
from headrace_server.db.engine import ControlStore
from headrace_server.files.disk import on_disk
from headrace_server.files.spool import SegmentWriter, Spool
from headrace_server.model.errors import ChecksumMismatchError, UploadClosedError, WrongLengthError
from headrace_server.model.upload import Upload

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


class Arrivals:
    """Takes bytes in for the newest writer of an upload."""

    def __init__(
        self, store: ControlStore, spool: Spool, limits: Limits, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._spool = spool
        self._limits = limits
        self._clock = clock

    async def begin(self, upload: Upload, *, digest: bool) -> Arrival:
        """Open the segment of the writer that the upload has just got; close it at the end."""
        with on_disk("beginning an upload"):
            segment = await asyncio.to_thread(
                self._spool.segment, upload.upload_id, upload.writer, digest=digest
            )
        return Arrival(upload, segment, upload.offset)

    async def receive(
        self, arrival: Arrival, body: AsyncIterator[bytes], *, sha256: str | None = None
    ) -> Upload:
        """Write a body to its end and acknowledge it; what arrived before a cut is kept.

        With `sha256`, of the body in hexadecimal, the bytes are kept only as a whole; the arrival
        was then begun with a digest. Raises
        ChecksumMismatchError, UploadClosedError, WrongLengthError, TooLargeError,
        StorageUnavailableError where the disk is full.
        """
        try:
            await self._write_all(arrival, body, acknowledge=sha256 is None)
            if sha256 is not None and arrival.segment.sha256 != sha256.lower():
                raise ChecksumMismatchError(
                    "sha256: the bytes that arrived have another checksum; none was kept, "
                    f"send them again from {arrival.start}",
                    offset=str(arrival.start),
                )
            return await self._acknowledge(arrival)
        finally:
            await asyncio.to_thread(arrival.segment.close)

    async def _write_all(
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
        """Write bytes of an arrival.

        Raises WrongLengthError, TooLargeError, StorageUnavailableError.
        """
        end = arrival.end + len(data)
        declared = arrival.upload.total_bytes
        if declared is not None and end > declared:
            raise WrongLengthError(
                f"the upload was declared to be {declared} bytes and more arrived",
                offset=str(arrival.end),
                total_bytes=str(declared),
            )
        self._limits.check_upload(end)
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
            acknowledged = await upload_rows.acknowledge(
                connection, arrival.upload.upload_id, arrival.upload.writer, length, expires_at
            )
            if acknowledged is None:
                raise UploadClosedError(
                    "another writer took the session over; ask for its status and go on there",
                    status="TAKEN_OVER",
                )
        arrival.acknowledged = length
        return acknowledged
