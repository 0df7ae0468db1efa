"""Mounts, watched folders and their files."""

from datetime import timedelta

from headrace.v1 import storage_pb2 as pb
from headrace.v1 import storage_service_pb2 as service

from headrace_server.connectors.base import ConnectorError
from headrace_server.connectors.mounts.opening import storage_type_of
from headrace_server.core.storage.files import FileFilter, FilesChange
from headrace_server.core.storage.mounts import MountedPlace, refusal
from headrace_server.core.storage.watches import NewWatch
from headrace_server.model.storage import (
    FileStatus,
    FolderWatch,
    OnOverwrite,
    Place,
    StorageType,
    StoredFile,
)
from headrace_server.rpc.messages.file_import import config_message, config_of
from headrace_server.rpc.messages.instant import timestamp_of

_GIB = 1 << 30
_DEFAULT_SECONDS = 5.0


def place_of(request: service.MountRequest) -> Place:
    """Read which place is to be mounted. Raises InvalidFieldError where its kind cannot be told."""
    credentials = {each.name: value for each, value in request.credentials.ListFields()}
    return Place(
        storage_type=_kind_of(request),
        network_path=request.network_path,
        credentials=credentials,
        endpoint_url=request.endpoint_url,
        region=request.region,
        port=request.port,
    )


def _kind_of(request: service.MountRequest) -> StorageType:
    if request.storage_type:
        return StorageType[pb.Mount.StorageType.Name(request.storage_type)]
    try:
        return storage_type_of(request.network_path)
    except ConnectorError as error:
        raise refusal(error) from error


def mount_message(mounted: MountedPlace) -> pb.Mount:
    """Show a mount, without its credentials."""
    mount, free = mounted.mount, mounted.free_bytes
    return pb.Mount(
        mount_id=mount.mount_id,
        status="MOUNTED" if mount.error is None else "UNREACHABLE",
        local_path=mount.local_path,
        network_path=mount.place.network_path,
        storage_type=mount.place.storage_type.name,
        available_space_gb=None if free is None else free / _GIB,
        mount_time=timestamp_of(mount.mounted_at),
        error=mount.error,
    )


def new_watch(request: service.WatchFolderRequest) -> NewWatch:
    """Read which folder is to be watched, and how."""
    policy = request.on_overwrite or pb.FolderWatch.REIMPORT
    stable = request.stable_seconds if request.HasField("stable_seconds") else _DEFAULT_SECONDS
    poll = request.poll_seconds if request.HasField("poll_seconds") else _DEFAULT_SECONDS
    return NewWatch(
        folder_path=request.folder_path,
        patterns=tuple(request.file_patterns),
        recursive=request.recursive,
        auto_import=request.auto_import,
        config=config_of(request.import_config),
        on_overwrite=OnOverwrite[pb.FolderWatch.OnOverwrite.Name(policy)],
        stable=timedelta(seconds=stable),
        poll=timedelta(seconds=poll),
    )


def watch_message(record: FolderWatch) -> pb.FolderWatch:
    """Show a watch."""
    return pb.FolderWatch(
        status=record.status.name,
        watch_id=record.watch_id,
        folder_path=record.folder_path,
        patterns=record.patterns,
        watching=True,
        files_detected=record.files_detected,
        recursive=record.recursive,
        auto_import=record.auto_import,
        import_config=config_message(record.config),
        on_overwrite=record.on_overwrite.name,
        stable_seconds=record.stable.total_seconds(),
        poll_seconds=record.poll.total_seconds(),
        looked_at=timestamp_of(record.looked_at),
        error=record.error,
        created_at=timestamp_of(record.created_at),
    )


def filter_of(request: service.ListFilesRequest) -> FileFilter:
    """Read which files are asked for."""
    status = request.status
    wanted = FileStatus[pb.StoredFile.Status.Name(status)] if status else None
    return FileFilter(request.watch_id, wanted)


def file_message(record: StoredFile) -> pb.StoredFile:
    """Show a file."""
    return pb.StoredFile(
        file_path=record.file_path,
        size_bytes=record.size,
        detected_at=timestamp_of(record.detected_at),
        status=record.status.name,
        import_id=record.import_id,
        watch_id=record.watch_id,
        modified_at=timestamp_of(record.modified_at),
        imports=record.imports,
        error=record.error,
        rows_imported=record.rows_imported,
        revision=record.revision,
    )


def change_message(change: FilesChange) -> service.WatchFilesResponse:
    """Show what changed."""
    return service.WatchFilesResponse(
        revision=change.revision, files=map(file_message, change.files)
    )
