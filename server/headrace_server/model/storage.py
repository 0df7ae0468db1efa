"""Mounts, watched folders and the files in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from headrace_server.model.file_import import ImportOptions


class StorageType(Enum):
    """How a place is reached."""

    SMB = "SMB"
    NFS = "NFS"
    S3 = "S3"
    GCS = "GCS"
    AZURE = "AZURE"
    LOCAL = "LOCAL"


@dataclass(frozen=True, slots=True)
class Place:
    """Where files are, and how to get there."""

    storage_type: StorageType
    #: such as "//host/share/folder" or "s3://bucket/folder"; without password
    network_path: str
    #: by the names of MountRequest.Credentials, those that were given; secret
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: URL of a service that is not the provider's own; empty for that
    endpoint_url: str = ""
    region: str = ""
    #: 0 for the usual one
    port: int = 0


@dataclass(frozen=True, slots=True)
class Mount:
    """A place under a path of a tenant's own."""

    mount_id: str
    tenant_id: str
    #: absolute, without a slash at its end
    local_path: str
    #: without credentials
    place: Place
    mounted_at: datetime
    #: what keeps it from being reached; None where it answered
    error: str | None = None


@dataclass(frozen=True, slots=True)
class FileInfo:
    """A file as its store describes it."""

    #: below the place, parted by slashes, without one at the beginning
    path: str
    #: bytes
    size: int
    modified_at: datetime
    #: another one whenever the bytes may be others: size, time in full precision, ETag, inode
    fingerprint: str


class OnOverwrite(Enum):
    """What becomes of a file that was imported and is written again."""

    IGNORE = "IGNORE"
    REIMPORT = "REIMPORT"
    NEW_VERSION = "NEW_VERSION"


class LookStatus(Enum):
    """How the last look at a folder went."""

    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ImportConfig:
    """How files of a watch are imported, and who is told."""

    #: "schema.table"; empty: by the name of the file
    target_table: str = ""
    options: ImportOptions = field(default_factory=ImportOptions)
    #: label of the caller's
    target_connector: str = ""
    notification_email: str = ""
    notification_url: str = ""


@dataclass(frozen=True, slots=True)
class FolderWatch:
    """A folder whose new files are noticed."""

    watch_id: str
    tenant_id: str
    #: below the local path of a mount, without a slash at its end
    folder_path: str
    #: names that count, as fnmatch reads them; all where there are none
    patterns: tuple[str, ...]
    recursive: bool
    auto_import: bool
    config: ImportConfig
    on_overwrite: OnOverwrite
    #: how long size and time must stay the same
    stable: timedelta
    #: between two looks
    poll: timedelta
    created_at: datetime
    files_detected: int = 0
    looked_at: datetime | None = None
    error: str | None = None

    @property
    def status(self) -> LookStatus:
        """How the last look went."""
        if self.error is not None:
            return LookStatus.FAILED
        return LookStatus.PENDING if self.looked_at is None else LookStatus.SUCCESS


class FileStatus(Enum):
    """How far a file of a watch has come."""

    DETECTED = "DETECTED"
    PENDING = "PENDING"
    IMPORTING = "IMPORTING"
    IMPORTED = "IMPORTED"
    IMPORTED_WITH_ERRORS = "IMPORTED_WITH_ERRORS"
    FAILED = "FAILED"
    IGNORED = "IGNORED"
    GONE = "GONE"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that a watch noticed."""

    watch_id: str
    tenant_id: str
    #: path of the tenant's
    file_path: str
    size: int
    modified_at: datetime
    fingerprint: str
    status: FileStatus
    detected_at: datetime
    #: since when the fingerprint is the same
    stable_since: datetime
    #: newest import; None before the first
    import_id: str | None = None
    #: fingerprint of what that import took
    taken_fingerprint: str | None = None
    imports: int = 0
    #: from 2: it goes into a table of its own, whose name ends in _v2 and so on
    version: int = 1
    rows_imported: int = 0
    error: str | None = None
    #: of the tenant's files, when this one changed last
    revision: int = 0
