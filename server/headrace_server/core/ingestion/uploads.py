"""Upload sessions: opened, appended to, put together, completed."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.ingestion.accepting import Acceptance, SealedUpload
from headrace_server.core.ingestion.arrivals import Arrival, Arrivals
from headrace_server.core.ingestion.data_types import resolve_data_type
from headrace_server.core.limits import Limits
from headrace_server.db import uploads as upload_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.files.disk import on_disk, sha256_of
from headrace_server.files.formats import compression_of, plain_file_name
from headrace_server.files.spool import Spool
from headrace_server.model.errors import (
    ChecksumMismatchError,
    MissingScopeError,
    NotFoundError,
    StorageUnavailableError,
    UnsupportedFormatError,
    UploadClosedError,
    UploadExpiredError,
    WrongLengthError,
    WrongOffsetError,
)
from headrace_server.model.job import Priority
from headrace_server.model.tenant import Principal
from headrace_server.model.upload import Segment, Upload, UploadStatus

_SWEPT_AT_ONCE = 1000


class Uploads:
    """Resumable upload sessions of a tenant's files."""

    def __init__(
        self,
        store: ControlStore,
        spool: Spool,
        contracts: Contracts,
        arrivals: Arrivals,
        acceptance: Acceptance,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._spool = spool
        self._contracts = contracts
        self._arrivals = arrivals
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
        keep: bool = False,
        result_of: tuple[str, int] | None = None,
    ) -> Upload:
        """Open a session; with `keep` its completion starts no ingestion.

        So too with `result_of`, the remote job and attempt of which the file is the result; whether
        that holds the job is the caller's to check. Raises UnknownDataTypeError, TooLargeError,
        InvalidFieldError, MissingScopeError where a worker uploads anything else.
        """
        if caller.works_only and result_of is None:
            raise MissingScopeError(
                "the key may upload results of remote jobs only: it lacks the scope 'write'",
                scope="write",
            )
        keep = keep or result_of is not None
        name = plain_file_name(file_name)
        catalog = await self._contracts.catalog(caller.tenant_id)
        self._limits.check_upload(total_bytes or 0)
        now = self._clock()
        upload = Upload(
            upload_id=secrets.token_urlsafe(24),
            tenant_id=caller.tenant_id,
            file_name=name,
            data_type="" if keep else resolve_data_type(name, data_type, catalog),
            priority=priority,
            status=UploadStatus.OPEN,
            total_bytes=total_bytes,
            sha256=sha256.lower() if sha256 else None,
            writer=0,
            offset=0,
            expires_at=now + self._limits.session_life,
            request_id=None,
            created_at=now,
            job_id=result_of[0] if result_of else None,
            job_attempt=result_of[1] if result_of else None,
        )
        async with self._store.begin() as connection:
            await upload_rows.insert(connection, upload)
        return upload

    async def get(self, caller: Principal, token: str) -> Upload:
        """Return the session and its offset. Raises NotFoundError, UploadExpiredError."""
        async with self._store.read() as connection:
            return await self._find(connection, caller, token)

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
        arrival = await self.begin_arrival(caller, token, offset, digest=sha256 is not None)
        return await self._arrivals.receive(arrival, body, sha256=sha256)

    async def begin_arrival(
        self, caller: Principal, token: str, offset: int | None, *, digest: bool = False
    ) -> Arrival:
        """Make the caller the session's writer, ending the hold of any other.

        `offset` None means wherever the upload stands; `digest` asks for the SHA-256 of the bytes.
        """
        async with self._store.begin() as connection:
            await self._find(connection, caller, token)
            upload = await upload_rows.take_writer(connection, token)
            if upload is None:
                raise _closed(await self._find(connection, caller, token))
            if offset is not None and offset != upload.offset:
                raise WrongOffsetError(offset, upload.offset)
        return await self._arrivals.begin(upload, digest=digest)

    async def complete(self, caller: Principal, token: str, *, sha256: str | None) -> Upload:
        """Check length and checksum and start the ingestion; repeatable.

        Raises WrongLengthError, ChecksumMismatchError, UnsupportedFormatError; the session is then
        FAILED.
        """
        upload = await self.get(caller, token)
        if upload.status is UploadStatus.COMPLETED:
            return upload
        try:
            sealed = await self.seal(caller, token, sha256=sha256)
            await self._accept(sealed)
        except (UploadClosedError, ChecksumMismatchError, StorageUnavailableError):
            # Another completion, which takes the segments away, may have been first.
            upload = await self.get(caller, token)
            if upload.status is UploadStatus.COMPLETED:
                return upload
            raise
        await asyncio.to_thread(self._spool.drop_segments, token, newest=sealed.upload.writer)
        return await self.get(caller, token)

    async def seal(self, caller: Principal, token: str, *, sha256: str | None) -> SealedUpload:
        """Check the acknowledged bytes and put them together in a file of this call's own.

        Raises what `complete` does, and UploadClosedError where the session is not open.
        """
        async with self._store.read() as connection:
            upload = await self._find(connection, caller, token)
            if upload.status is not UploadStatus.OPEN:
                raise _closed(upload)
            segments = await upload_rows.segments(connection, token)
        await self._check_length(upload)
        path = await self._assemble(upload, segments)
        try:
            await self._check_content(upload, path, sha256)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return SealedUpload(upload, path)

    async def _assemble(self, upload: Upload, segments: Sequence[Segment]) -> Path:
        if sum(segment.length for segment in segments) != upload.offset:
            raise UploadClosedError(
                "bytes arrived while the upload was completed; complete it again", status="OPEN"
            )
        parts = [(segment.writer, segment.length) for segment in segments]
        with on_disk("putting an upload together"):
            return await asyncio.to_thread(self._spool.assemble, upload.upload_id, parts)

    async def _accept(self, sealed: SealedUpload) -> None:
        try:
            async with self._acceptance.transaction() as connection:
                if sealed.upload.data_type:
                    await self._acceptance.accept(connection, [sealed], sealed.upload.priority)
                else:
                    await self._acceptance.keep(connection, sealed)
        finally:
            # Still there where another completion was first, or this one was refused.
            sealed.path.unlink(missing_ok=True)

    async def _check_length(self, upload: Upload) -> None:
        if upload.total_bytes is None or upload.total_bytes == upload.offset:
            return
        await self._fail(upload)
        raise WrongLengthError(
            f"the upload has {upload.offset} of {upload.total_bytes} declared bytes; "
            "resume it and send the rest",
            offset=str(upload.offset),
            total_bytes=str(upload.total_bytes),
        )

    async def _check_content(self, upload: Upload, path: Path, sha256: str | None) -> None:
        """Compare with the checksums of the session and of its completion; read the format."""
        declared = {upload.sha256, sha256.lower() if sha256 else None} - {None}
        try:
            with on_disk("checking an upload"):
                if declared:
                    _check_sha256(await asyncio.to_thread(sha256_of, path), declared)
                if upload.data_type:
                    await asyncio.to_thread(compression_of, path, upload.file_name)
        except (ChecksumMismatchError, UnsupportedFormatError):
            await self._discard(upload)
            raise

    async def _fail(self, upload: Upload) -> None:
        async with self._store.begin() as connection:
            await upload_rows.fail(connection, upload.upload_id, upload.writer)

    async def _discard(self, upload: Upload) -> None:
        """Fail the session and drop its bytes, unless it was completed or resumed meanwhile."""
        async with self._store.begin() as connection:
            failed = await upload_rows.fail(connection, upload.upload_id, upload.writer)
            if failed:
                await upload_rows.delete_segments(connection, upload.upload_id)
        if failed:
            await asyncio.to_thread(
                self._spool.drop_segments, upload.upload_id, newest=upload.writer
            )

    async def resume(self, caller: Principal, token: str) -> Upload:
        """Reopen a failed session and end the hold of its writer."""
        async with self._store.begin() as connection:
            await self._find(connection, caller, token)
            await upload_rows.reopen(connection, token)
            taken = await upload_rows.take_writer(connection, token)
            if taken is None:
                raise _closed(await self._find(connection, caller, token))
            return taken

    async def abort(self, caller: Principal, token: str) -> None:
        """Drop a session that is not complete, and its bytes."""
        async with self._store.begin() as connection:
            await self._find(connection, caller, token)
            if not await upload_rows.delete_incomplete(connection, token):
                raise _closed(await self._find(connection, caller, token))
        await asyncio.to_thread(self._spool.drop_upload, token)

    async def sweep(self) -> int:
        """Drop the sessions that expired; return how many."""
        async with self._store.begin() as connection:
            now = self._clock()
            expired = [
                upload
                for upload in await upload_rows.expired(connection, now, limit=_SWEPT_AT_ONCE)
                if await upload_rows.delete_incomplete(connection, upload.upload_id, expired_at=now)
            ]
        await self._drop_bytes(expired)
        return len(expired)

    async def sweep_loaded(self) -> int:
        """Drop what was kept for a retry, where the ingestion ended long ago; return how many.

        So too what was only kept, where no remote job is left that it is the source or result of.
        """
        before = self._clock() - self._limits.kept_bytes_life
        async with self._store.begin() as connection:
            ended = await upload_rows.ended_before(connection, before, limit=_SWEPT_AT_ONCE)
            ended += await upload_rows.kept_before(connection, before, limit=_SWEPT_AT_ONCE)
            for upload in ended:
                await upload_rows.delete(connection, upload.upload_id)
        await self._drop_bytes(ended)
        return len(ended)

    async def _drop_bytes(self, uploads: Iterable[Upload]) -> None:
        for upload in uploads:
            await asyncio.to_thread(self._spool.drop_upload, upload.upload_id)

    async def _find(self, connection: Connection, caller: Principal, token: str) -> Upload:
        upload = await upload_rows.find(connection, caller.tenant_id, token)
        if upload is None or (caller.works_only and upload.job_id is None):
            raise NotFoundError("upload session", token)
        if upload.status is not UploadStatus.COMPLETED and upload.expires_at <= self._clock():
            raise UploadExpiredError(token)
        return upload


def _closed(upload: Upload) -> UploadClosedError:
    if upload.status is UploadStatus.FAILED:
        message = "the upload failed its completion; resume it first"
    else:
        message = "the upload is complete and takes no more bytes"
    return UploadClosedError(message, status=upload.status.value)


def _check_sha256(found: str, declared: Iterable[str | None]) -> None:
    if any(each != found for each in declared):
        raise ChecksumMismatchError(
            "sha256: the upload has another checksum than declared; its bytes were dropped, "
            "resume it and send the file again from 0",
            offset="0",
        )
