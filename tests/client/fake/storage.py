"""Mounts, watched folders and imports."""

from collections.abc import Iterator
from typing import Any

import grpc
from headrace.v1 import storage_service_pb2, storage_service_pb2_grpc

from .refusals import Context, fail, not_found
from .room import NOW, Room
from .state import FolderWatch, Import, Ingestion, Mount, StoredFile


class Storage(Room, storage_service_pb2_grpc.StorageServiceServicer):
    """Mounts whose files are those of `state.mounted`, and files as good as their lines of JSON."""

    def Mount(self, request: Any, context: Context) -> Any:  # noqa: N802
        if "nowhere" in request.network_path:
            code = grpc.StatusCode.UNAVAILABLE
            fail(context, code, "STORAGE_UNAVAILABLE", "the host does not answer")
        if "@" in request.network_path:
            self.refuse(context, "network_path", "must hold no user")
        self.state.mount_requests.append(request)
        mount = Mount(
            mount_id=f"m-{request.local_path.strip('/')}",
            status=Mount.MOUNTED,
            local_path=request.local_path,
            network_path=request.network_path,
            storage_type=request.storage_type or Mount.LOCAL,
            mount_time=NOW,
        )
        self.state.mounts[mount.mount_id] = mount
        return mount

    def ListMounts(self, request: Any, context: Context) -> Any:  # noqa: N802
        mounts, token = self.page(list(self.state.mounts.values()), request)
        return storage_service_pb2.ListMountsResponse(mounts=mounts, next_page_token=token)

    def Unmount(self, request: Any, context: Context) -> Any:  # noqa: N802
        def unmount() -> Any:
            if request.mount_id not in self.state.mounts:
                not_found(context, "mount", request.mount_id)
            path = self.state.mounts[request.mount_id].local_path
            if any(w.folder_path.startswith(path) for w in self.state.folder_watches.values()):
                code = grpc.StatusCode.FAILED_PRECONDITION
                fail(context, code, "WRONG_STATE", "a folder of it is watched")
            del self.state.mounts[request.mount_id]
            return storage_service_pb2.UnmountResponse()

        return self.once(context, "Unmount", unmount)

    def WatchFolder(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.check_path(request.folder_path, context)
        watch = FolderWatch(
            status=FolderWatch.PENDING,
            watch_id=f"w-{len(self.state.folder_watches)}",
            folder_path=request.folder_path,
            patterns=request.file_patterns,
            watching=True,
            recursive=request.recursive,
            auto_import=request.auto_import,
            import_config=request.import_config,
            on_overwrite=request.on_overwrite or FolderWatch.REIMPORT,
            stable_seconds=request.stable_seconds if request.HasField("stable_seconds") else 5,
            poll_seconds=request.poll_seconds if request.HasField("poll_seconds") else 5,
            created_at=NOW,
        )
        self.state.folder_watches[watch.watch_id] = watch
        return watch

    def ListWatches(self, request: Any, context: Context) -> Any:  # noqa: N802
        watches, token = self.page(list(self.state.folder_watches.values()), request)
        return storage_service_pb2.ListWatchesResponse(watches=watches, next_page_token=token)

    def StopWatch(self, request: Any, context: Context) -> Any:  # noqa: N802
        def stop() -> Any:
            if self.state.folder_watches.pop(request.watch_id, None) is None:
                not_found(context, "watch", request.watch_id)
            return storage_service_pb2.StopWatchResponse()

        return self.once(context, "StopWatch", stop)

    def ImportFile(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.check_path(request.file_path, context)
        if request.file_path not in self.state.mounted:
            not_found(context, "file", request.file_path)
        if "no_such" in request.options.key_columns:
            self.refuse(context, "options.key_columns", "the file has no column 'no_such'")
        return self.once(context, "ImportFile", lambda: self.begin(request))

    def begin(self, request: Any) -> Any:
        content = self.state.mounted[request.file_path]
        import_id = self.load(request.file_path, content)
        self.change(import_id, kind=Ingestion.IMPORT)
        self.state.import_requests[import_id] = request
        return self.import_of(import_id)

    def GetImport(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.ingestion(request.import_id, context)
        return self.import_of(request.import_id)

    def import_of(self, import_id: str) -> Any:
        ingestion, request = self.state.ingestions[import_id], self.state.import_requests[import_id]
        return Import(
            import_id=import_id,
            status=Ingestion.Status.Name(ingestion.status),
            file_path=request.file_path,
            rows_imported=ingestion.rows_loaded,
            rows_rejected=ingestion.rows_rejected,
            target_table=request.target_table or "raw.stock",
            inferred_schema={"sku": "VARCHAR(20)", "price": "DECIMAL(18, 2)"},
            import_duration_seconds=1.25,
            progress=ingestion.progress,
            detected_format="csv",
            created_at=NOW,
            details="no row of it fits" if ingestion.status == Ingestion.FAILED else None,
        )

    def alter(self, path: str, **values: Any) -> StoredFile:
        """Let a file of the watches be noticed, or come further."""
        with self.state.changed:
            file = StoredFile(file_path=path, detected_at=NOW, watch_id="w-0")
            file.MergeFrom(self.state.stored_files.get(path, StoredFile()))
            file.MergeFrom(StoredFile(**values, revision=self.newest() + 1))
            self.state.stored_files[path] = file
            self.state.changed.notify_all()
        return file

    def newest(self) -> int:
        return max((file.revision for file in self.state.stored_files.values()), default=0)

    def ListFiles(self, request: Any, context: Context) -> Any:  # noqa: N802
        chosen = [
            file
            for _, file in sorted(self.state.stored_files.items())
            if request.status in {0, file.status} and request.watch_id in {"", file.watch_id}
        ]
        files, token = self.page(chosen, request)
        return storage_service_pb2.ListFilesResponse(
            files=files, total_files=len(chosen), next_page_token=token
        )

    def WatchFiles(self, request: Any, context: Context) -> Iterator[Any]:  # noqa: N802
        """Cut before its first message, it says that the watch is gone."""
        seen = request.after_revision
        cut = self.state.watch_cuts.pop(0) if self.state.watch_cuts else 100
        for _ in range(cut):
            with self.state.changed:
                while self.newest() <= seen and context.is_active():
                    self.state.changed.wait(0.05)
                changed = [f for f in self.state.stored_files.values() if f.revision > seen]
                seen = self.newest()
            yield storage_service_pb2.WatchFilesResponse(files=changed, revision=seen)
        if cut == 0:
            not_found(context, "watch", request.watch_id)

    def RetryFile(self, request: Any, context: Context) -> Any:  # noqa: N802
        if request.file_path not in self.state.stored_files:
            not_found(context, "file", request.file_path)
        pending = StoredFile.PENDING
        return self.once(
            context, "RetryFile", lambda: self.alter(request.file_path, status=pending)
        )

    def check_path(self, path: str, context: Context) -> None:
        if not any(path.startswith(f"{m.local_path}/") for m in self.state.mounts.values()):
            not_found(context, "mount", path)

    def refuse(self, context: Context, field: str, message: str) -> None:
        code = grpc.StatusCode.INVALID_ARGUMENT
        fail(context, code, "INVALID_FIELD", f"{field}: {message}", field=field)
