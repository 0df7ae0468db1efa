"""Calls of StorageService."""

import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, TypedDict, TypeVar, Unpack

import grpc
from headrace.v1 import storage_service_pb2 as pb
from headrace.v1.priority_pb2 import Priority
from headrace.v1.storage_pb2 import (
    FolderWatch,
    Import,
    ImportConfig,
    Mount,
    StoredFile,
)
from headrace.v1.storage_pb2 import ImportOptions as Options
from headrace.v1.storage_service_pb2_grpc import StorageServiceStub

from headrace_client.connection import Connection, Metadata
from headrace_client.errors import UnavailableError
from headrace_client.retry import Retry
from headrace_client.watching import watched

if TYPE_CHECKING:
    from headrace.v1.storage_service_pb2_grpc import StorageServiceAsyncStub

_Stream = grpc.aio.UnaryStreamCall[pb.WatchFilesRequest, pb.WatchFilesResponse]

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")

#: seconds that ImportFile waits for the end if nothing else is asked for
_WAIT = 5.0
#: seconds that the server waits for a place without any progress
_PLACE = 30.0
#: seconds that a server may be away
_AWAY = 2.0


class MountCredentials(TypedDict, total=False):
    """How a place is entered: those that its kind asks for."""

    #: SMB
    username: str
    password: str
    domain: str
    #: S3
    access_key_id: str
    secret_access_key: str
    session_token: str
    #: GCS: the key of a service account, as JSON
    service_account: str
    #: AZURE: a key, or a shared access signature
    account_name: str
    account_key: str
    sas_token: str


class ImportOptions(TypedDict, total=False):
    """How rows are brought into a table, and how the file is written; the rest is found out."""

    #: APPEND if not given, UPSERT where there are key_columns
    mode: Options.Mode
    key_columns: Sequence[str]
    #: ADD if not given
    new_columns: Options.NewColumns
    #: WIDEN if not given
    type_changes: Options.TypeChanges
    #: SQL types by column, such as "VARCHAR(50)"
    data_types: Mapping[str, str]
    #: texts that stand for null beside the empty one
    null_values: Sequence[str]
    delimiter: str
    encoding: str
    quote: str
    escape: str
    has_header: bool
    #: lines before the header or the data
    skip_lines: int
    #: what lines that are no records begin with; empty for none
    comment_prefix: str
    #: csv, tsv, json, ndjson, xlsx or parquet
    format: str
    #: none, gzip or zstd
    compression: str
    sheet: str
    #: plain bytes that types are found out by; 256 KiB if not given
    sample_bytes: int


class StorageCalls(Connection):
    """StorageService of a Client. Paths of files and folders are below the local path of a mount.

    Every method raises HeadraceError.
    """

    @cached_property
    def _storage(self) -> "StorageServiceAsyncStub":
        return StorageServiceStub(self.channel)

    async def mount(
        self,
        local_path: str,
        network_path: str,
        *,
        credentials: MountCredentials | None = None,
        storage_type: Mount.StorageType = Mount.STORAGE_TYPE_UNSPECIFIED,
        endpoint_url: str = "",
        region: str = "",
        port: int = 0,
    ) -> Mount:
        """Mount a share, a bucket or a folder, or replace the mount of that local path.

        `network_path` is such as "//host/share", "host:/export", "s3://bucket/folder",
        "gs://bucket", "abfs://container" or an absolute path of the server's; it tells the type.
        """
        request = pb.MountRequest(
            local_path=local_path,
            network_path=network_path,
            credentials=pb.MountRequest.Credentials(**credentials) if credentials else None,
            storage_type=storage_type,
            endpoint_url=endpoint_url,
            region=region,
            port=port,
        )
        return await self._asked(self._storage.Mount, request)

    async def list_mounts(self, *, page_size: int = 0) -> AsyncIterator[Mount]:
        """Yield the mounts of the tenant, by path."""
        request = pb.ListMountsRequest(page_size=page_size)
        async for page in self.pages(self._storage.ListMounts, request):
            for mount in page.mounts:
                yield mount

    async def unmount(self, mount_id: str, *, idempotency_key: str | None = None) -> None:
        """Take a mount away, with its credentials. Refused while a folder of it is watched."""
        request = pb.UnmountRequest(mount_id=mount_id)
        await self.mutate(self._storage.Unmount, request, idempotency_key)

    async def watch_folder(
        self,
        folder_path: str,
        *,
        file_patterns: Sequence[str] = (),
        recursive: bool = False,
        auto_import: bool = True,
        target_table: str = "",
        schema_inference: bool | None = None,
        on_overwrite: FolderWatch.OnOverwrite = FolderWatch.ON_OVERWRITE_UNSPECIFIED,
        stable_seconds: float | None = None,
        poll_seconds: float | None = None,
        notification_email: str = "",
        notification_url: str = "",
        **options: Unpack[ImportOptions],
    ) -> FolderWatch:
        """Watch a folder for new files, or replace the watch of that folder.

        The files whose names match a pattern (all without one) are imported by themselves, with
        `options`, unless `auto_import` is false. A file is taken when size and time have stayed
        the same for `stable_seconds`; the folder is looked at every `poll_seconds`.
        """
        config = ImportConfig(
            target_table=target_table,
            schema_inference=schema_inference,
            notification_email=notification_email,
            notification_url=notification_url,
            options=Options(**options) if options else None,
        )
        request = pb.WatchFolderRequest(
            folder_path=folder_path,
            file_patterns=file_patterns,
            recursive=recursive,
            auto_import=auto_import,
            import_config=config,
            on_overwrite=on_overwrite,
            stable_seconds=stable_seconds,
            poll_seconds=poll_seconds,
        )
        return await self._asked(self._storage.WatchFolder, request)

    async def list_watches(self, *, page_size: int = 0) -> AsyncIterator[FolderWatch]:
        """Yield the watches of the tenant, by folder."""
        request = pb.ListWatchesRequest(page_size=page_size)
        async for page in self.pages(self._storage.ListWatches, request):
            for watch in page.watches:
                yield watch

    async def stop_watch(self, watch_id: str, *, idempotency_key: str | None = None) -> None:
        """End a watch; what it noticed stays known, and imports that have begun go on."""
        request = pb.StopWatchRequest(watch_id=watch_id)
        await self.mutate(self._storage.StopWatch, request, idempotency_key)

    async def import_file(
        self,
        file_path: str,
        *,
        target_table: str = "",
        infer_schema: bool | None = None,
        priority: Priority = Priority.PRIORITY_UNSPECIFIED,
        wait_seconds: float | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[ImportOptions],
    ) -> Import:
        """Import a file into a table: "schema.table", or by the file's name if not given.

        Returns when it has ended, or after `wait_seconds` (0 to 60, 5 if not given) with how far
        it has come; it goes on in any case. `watch` follows it: its import_id is a request id.
        """
        request = pb.ImportFileRequest(
            file_path=file_path,
            target_table=target_table,
            infer_schema=infer_schema,
            priority=priority,
            wait_seconds=wait_seconds,
            options=Options(**options) if options else None,
        )
        key = idempotency_key or uuid.uuid4().hex
        seconds = _WAIT if wait_seconds is None else wait_seconds
        return await self._asked(self._storage.ImportFile, request, key, seconds)

    async def get_import(self, import_id: str) -> Import:
        """Get an import as it stands now."""
        return await self.call(self._storage.GetImport, pb.GetImportRequest(import_id=import_id))

    async def list_files(
        self,
        *,
        watch_id: str = "",
        status: StoredFile.Status = StoredFile.STATUS_UNSPECIFIED,
        page_size: int = 0,
    ) -> AsyncIterator[StoredFile]:
        """Yield the files that watches noticed, by path."""
        request = pb.ListFilesRequest(watch_id=watch_id, status=status, page_size=page_size)
        async for page in self.pages(self._storage.ListFiles, request):
            for file in page.files:
                yield file

    async def watch_files(
        self, watch_id: str = "", *, after_revision: int = 0
    ) -> AsyncGenerator[Sequence[StoredFile], None]:
        """Yield all files (or those of one watch), then after each change those that changed.

        Reconnects by itself, and never ends by itself.
        """
        stub = self._storage

        def open_stream(revision: int, metadata: Metadata) -> _Stream:
            request = pb.WatchFilesRequest(watch_id=watch_id, after_revision=revision)
            return stub.WatchFiles(request, metadata=metadata)

        async for change in watched(self, open_stream, after_revision):
            if change.files:
                yield change.files

    async def retry_file(self, file_path: str, *, idempotency_key: str | None = None) -> StoredFile:
        """Have a file imported once more that could not be, or that was ignored."""
        request = pb.RetryFileRequest(file_path=file_path)
        return await self.mutate(self._storage.RetryFile, request, idempotency_key)

    async def _asked(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[_Request, _Response],
        request: _Request,
        idempotency_key: str | None = None,
        seconds: float = 0.0,
    ) -> _Response:
        """Make a call that takes so many seconds beside what the place of the files takes.

        It is made again while the server is away, and not where a place does not answer it.
        """
        retry = Retry(_AWAY)
        timeout = self.timeout + _PLACE + seconds
        while True:
            try:
                return await self.call(
                    method, request, idempotency_key=idempotency_key, timeout=timeout
                )
            except UnavailableError as error:
                if error.reason:
                    raise
                await retry.pause(error)
