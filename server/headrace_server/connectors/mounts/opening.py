"""Opens a place: the store of each kind."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from headrace_server.connectors.mounts.access import MountAccess
from headrace_server.connectors.mounts.base import FileStore
from headrace_server.connectors.mounts.buckets import Bucket, packages_of
from headrace_server.connectors.mounts.local import LocalStore
from headrace_server.connectors.mounts.nfs import NfsStore
from headrace_server.connectors.mounts.places import bucket_of, checked, storage_type_of
from headrace_server.connectors.mounts.remote import RemoteStore
from headrace_server.model.storage import Place, StorageType

__all__ = ["MountAccess", "checked", "open_store", "storage_type_of"]


def open_store(place: Place, access: MountAccess) -> FileStore:
    """Return the store of a place, which is reached when it is first asked for something.

    Raises ConnectorError where the place can never be opened.
    """
    right = checked(place)
    return _OPENERS[right.storage_type](right, access)


def _open_local(place: Place, access: MountAccess) -> FileStore:
    return LocalStore(Path(place.network_path), access.file_roots, timeout=access.timeout)


def _open_smb(place: Place, access: MountAccess) -> FileStore:
    # Its libraries are large: only a process that opens a share loads them.
    from headrace_server.connectors.mounts.smb import SmbStore  # noqa: PLC0415

    return SmbStore(place, access)


def _open_s3(place: Place, access: MountAccess) -> FileStore:
    with packages_of("S3", "s3"):
        from headrace_server.connectors.mounts.s3 import S3Bucket  # noqa: PLC0415  # an extra
    return _remote(place, access, S3Bucket)


def _open_gcs(place: Place, access: MountAccess) -> FileStore:
    with packages_of("GCS", "gcs"):
        from headrace_server.connectors.mounts.gcs import GcsBucket  # noqa: PLC0415  # an extra
    return _remote(place, access, GcsBucket)


def _open_azure(place: Place, access: MountAccess) -> FileStore:
    with packages_of("AZURE", "azure"):
        from headrace_server.connectors.mounts.azure import AzureBucket  # noqa: PLC0415  # an extra
    return _remote(place, access, AzureBucket)


def _remote(
    place: Place, access: MountAccess, kind: Callable[[Place, str, MountAccess], Bucket]
) -> FileStore:
    bucket, folder = bucket_of(place.network_path)
    open_bucket = partial(kind, place, bucket, access)
    return RemoteStore(place.network_path, folder, open_bucket, access.timeout)


_OPENERS: dict[StorageType, Callable[[Place, MountAccess], FileStore]] = {
    StorageType.SMB: _open_smb,
    StorageType.S3: _open_s3,
    StorageType.GCS: _open_gcs,
    StorageType.AZURE: _open_azure,
    StorageType.NFS: NfsStore,
    StorageType.LOCAL: _open_local,
}
