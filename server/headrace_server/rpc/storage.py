"""StorageService."""

# ruff: noqa: N802, ARG002  # names and signatures are those of the protos

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime

from headrace.v1 import storage_pb2, storage_service_pb2_grpc
from headrace.v1 import storage_service_pb2 as pb

from headrace_server.core.imports.accepting import FileImports
from headrace_server.core.storage.files import Files
from headrace_server.core.storage.mounts import Mounts
from headrace_server.core.storage.watches import FolderWatches
from headrace_server.rpc.call import Context, caller
from headrace_server.rpc.messages.file_import import import_message, new_import, wait_seconds
from headrace_server.rpc.messages.page import page_request
from headrace_server.rpc.messages.storage import (
    change_message,
    file_message,
    filter_of,
    mount_message,
    new_watch,
    place_of,
    watch_message,
)


class StorageServicer(storage_service_pb2_grpc.StorageServiceServicer):
    """Finds files where they lie, and imports them."""

    def __init__(
        self, mounts: Mounts, folder_watches: FolderWatches, files: Files, imports: FileImports
    ) -> None:
        self._mounts = mounts
        self._folder_watches = folder_watches
        self._files = files
        self._imports = imports

    async def Mount(self, request: pb.MountRequest, context: Context) -> storage_pb2.Mount:
        mounted = await self._mounts.mount(caller(), request.local_path, place_of(request))
        return mount_message(mounted)

    async def ListMounts(
        self, request: pb.ListMountsRequest, context: Context
    ) -> pb.ListMountsResponse:
        page = await self._mounts.list(caller(), page_request(request))
        return pb.ListMountsResponse(
            mounts=map(mount_message, page.items), next_page_token=page.next_token
        )

    async def Unmount(self, request: pb.UnmountRequest, context: Context) -> pb.UnmountResponse:
        await self._mounts.unmount(caller(), request.mount_id)
        return pb.UnmountResponse()

    async def WatchFolder(
        self, request: pb.WatchFolderRequest, context: Context
    ) -> storage_pb2.FolderWatch:
        return watch_message(await self._folder_watches.watch(caller(), new_watch(request)))

    async def ListWatches(
        self, request: pb.ListWatchesRequest, context: Context
    ) -> pb.ListWatchesResponse:
        page = await self._folder_watches.list(caller(), page_request(request))
        return pb.ListWatchesResponse(
            watches=map(watch_message, page.items), next_page_token=page.next_token
        )

    async def StopWatch(
        self, request: pb.StopWatchRequest, context: Context
    ) -> pb.StopWatchResponse:
        await self._folder_watches.stop(caller(), request.watch_id)
        return pb.StopWatchResponse()

    async def ImportFile(
        self, request: pb.ImportFileRequest, context: Context
    ) -> storage_pb2.Import:
        begun = await self._imports.start(caller(), new_import(request))
        import_id = begun.ingestion.request_id
        record = await self._imports.wait(caller(), import_id, wait_seconds(request))
        return import_message(record, datetime.now(UTC))

    async def GetImport(self, request: pb.GetImportRequest, context: Context) -> storage_pb2.Import:
        record = await self._imports.get(caller(), request.import_id)
        return import_message(record, datetime.now(UTC))

    async def ListFiles(
        self, request: pb.ListFilesRequest, context: Context
    ) -> pb.ListFilesResponse:
        listed = await self._files.list(caller(), filter_of(request), page_request(request))
        return pb.ListFilesResponse(
            files=map(file_message, listed.page.items),
            total_files=listed.total,
            next_page_token=listed.page.next_token,
        )

    async def WatchFiles(
        self, request: pb.WatchFilesRequest, context: Context
    ) -> AsyncIterator[pb.WatchFilesResponse]:
        watch = self._files.stream(caller(), request.after_revision, request.watch_id)
        async with aclosing(watch) as changes:
            async for change in changes:
                yield change_message(change)

    async def RetryFile(
        self, request: pb.RetryFileRequest, context: Context
    ) -> storage_pb2.StoredFile:
        return file_message(await self._files.retry(caller(), request.file_path))
