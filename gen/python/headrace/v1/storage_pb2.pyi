import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Mount(_message.Message):
    __slots__ = ("mount_id", "status", "local_path", "network_path", "storage_type", "available_space_gb", "mount_time", "error")
    class StorageType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STORAGE_TYPE_UNSPECIFIED: _ClassVar[Mount.StorageType]
        SMB: _ClassVar[Mount.StorageType]
        NFS: _ClassVar[Mount.StorageType]
        S3: _ClassVar[Mount.StorageType]
        GCS: _ClassVar[Mount.StorageType]
        AZURE: _ClassVar[Mount.StorageType]
        LOCAL: _ClassVar[Mount.StorageType]
    STORAGE_TYPE_UNSPECIFIED: Mount.StorageType
    SMB: Mount.StorageType
    NFS: Mount.StorageType
    S3: Mount.StorageType
    GCS: Mount.StorageType
    AZURE: Mount.StorageType
    LOCAL: Mount.StorageType
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[Mount.Status]
        MOUNTED: _ClassVar[Mount.Status]
        UNREACHABLE: _ClassVar[Mount.Status]
    STATUS_UNSPECIFIED: Mount.Status
    MOUNTED: Mount.Status
    UNREACHABLE: Mount.Status
    MOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LOCAL_PATH_FIELD_NUMBER: _ClassVar[int]
    NETWORK_PATH_FIELD_NUMBER: _ClassVar[int]
    STORAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_SPACE_GB_FIELD_NUMBER: _ClassVar[int]
    MOUNT_TIME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    mount_id: str
    status: Mount.Status
    local_path: str
    network_path: str
    storage_type: Mount.StorageType
    available_space_gb: float
    mount_time: _timestamp_pb2.Timestamp
    error: str
    def __init__(self, mount_id: _Optional[str] = ..., status: _Optional[_Union[Mount.Status, str]] = ..., local_path: _Optional[str] = ..., network_path: _Optional[str] = ..., storage_type: _Optional[_Union[Mount.StorageType, str]] = ..., available_space_gb: _Optional[float] = ..., mount_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error: _Optional[str] = ...) -> None: ...

class FolderWatch(_message.Message):
    __slots__ = ("status", "watch_id", "folder_path", "patterns", "watching", "files_detected", "recursive", "auto_import", "import_config", "on_overwrite", "stable_seconds", "poll_seconds", "looked_at", "error", "created_at")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[FolderWatch.Status]
        PENDING: _ClassVar[FolderWatch.Status]
        SUCCESS: _ClassVar[FolderWatch.Status]
        FAILED: _ClassVar[FolderWatch.Status]
    STATUS_UNSPECIFIED: FolderWatch.Status
    PENDING: FolderWatch.Status
    SUCCESS: FolderWatch.Status
    FAILED: FolderWatch.Status
    class OnOverwrite(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ON_OVERWRITE_UNSPECIFIED: _ClassVar[FolderWatch.OnOverwrite]
        IGNORE: _ClassVar[FolderWatch.OnOverwrite]
        REIMPORT: _ClassVar[FolderWatch.OnOverwrite]
        NEW_VERSION: _ClassVar[FolderWatch.OnOverwrite]
    ON_OVERWRITE_UNSPECIFIED: FolderWatch.OnOverwrite
    IGNORE: FolderWatch.OnOverwrite
    REIMPORT: FolderWatch.OnOverwrite
    NEW_VERSION: FolderWatch.OnOverwrite
    STATUS_FIELD_NUMBER: _ClassVar[int]
    WATCH_ID_FIELD_NUMBER: _ClassVar[int]
    FOLDER_PATH_FIELD_NUMBER: _ClassVar[int]
    PATTERNS_FIELD_NUMBER: _ClassVar[int]
    WATCHING_FIELD_NUMBER: _ClassVar[int]
    FILES_DETECTED_FIELD_NUMBER: _ClassVar[int]
    RECURSIVE_FIELD_NUMBER: _ClassVar[int]
    AUTO_IMPORT_FIELD_NUMBER: _ClassVar[int]
    IMPORT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    ON_OVERWRITE_FIELD_NUMBER: _ClassVar[int]
    STABLE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    POLL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LOOKED_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    status: FolderWatch.Status
    watch_id: str
    folder_path: str
    patterns: _containers.RepeatedScalarFieldContainer[str]
    watching: bool
    files_detected: int
    recursive: bool
    auto_import: bool
    import_config: ImportConfig
    on_overwrite: FolderWatch.OnOverwrite
    stable_seconds: float
    poll_seconds: float
    looked_at: _timestamp_pb2.Timestamp
    error: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, status: _Optional[_Union[FolderWatch.Status, str]] = ..., watch_id: _Optional[str] = ..., folder_path: _Optional[str] = ..., patterns: _Optional[_Iterable[str]] = ..., watching: _Optional[bool] = ..., files_detected: _Optional[int] = ..., recursive: _Optional[bool] = ..., auto_import: _Optional[bool] = ..., import_config: _Optional[_Union[ImportConfig, _Mapping]] = ..., on_overwrite: _Optional[_Union[FolderWatch.OnOverwrite, str]] = ..., stable_seconds: _Optional[float] = ..., poll_seconds: _Optional[float] = ..., looked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ImportConfig(_message.Message):
    __slots__ = ("target_connector", "schema_inference", "notification_email", "notification_url", "target_table", "options")
    TARGET_CONNECTOR_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_INFERENCE_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATION_EMAIL_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATION_URL_FIELD_NUMBER: _ClassVar[int]
    TARGET_TABLE_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    target_connector: str
    schema_inference: bool
    notification_email: str
    notification_url: str
    target_table: str
    options: ImportOptions
    def __init__(self, target_connector: _Optional[str] = ..., schema_inference: _Optional[bool] = ..., notification_email: _Optional[str] = ..., notification_url: _Optional[str] = ..., target_table: _Optional[str] = ..., options: _Optional[_Union[ImportOptions, _Mapping]] = ...) -> None: ...

class ImportOptions(_message.Message):
    __slots__ = ("mode", "key_columns", "new_columns", "type_changes", "data_types", "null_values", "delimiter", "encoding", "quote", "escape", "has_header", "skip_lines", "comment_prefix", "format", "compression", "sheet", "sample_bytes")
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[ImportOptions.Mode]
        APPEND: _ClassVar[ImportOptions.Mode]
        REPLACE: _ClassVar[ImportOptions.Mode]
        UPSERT: _ClassVar[ImportOptions.Mode]
    MODE_UNSPECIFIED: ImportOptions.Mode
    APPEND: ImportOptions.Mode
    REPLACE: ImportOptions.Mode
    UPSERT: ImportOptions.Mode
    class NewColumns(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        NEW_COLUMNS_UNSPECIFIED: _ClassVar[ImportOptions.NewColumns]
        ADD: _ClassVar[ImportOptions.NewColumns]
        REJECT: _ClassVar[ImportOptions.NewColumns]
        RESCUE: _ClassVar[ImportOptions.NewColumns]
    NEW_COLUMNS_UNSPECIFIED: ImportOptions.NewColumns
    ADD: ImportOptions.NewColumns
    REJECT: ImportOptions.NewColumns
    RESCUE: ImportOptions.NewColumns
    class TypeChanges(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        TYPE_CHANGES_UNSPECIFIED: _ClassVar[ImportOptions.TypeChanges]
        REJECT_ROW: _ClassVar[ImportOptions.TypeChanges]
        WIDEN: _ClassVar[ImportOptions.TypeChanges]
    TYPE_CHANGES_UNSPECIFIED: ImportOptions.TypeChanges
    REJECT_ROW: ImportOptions.TypeChanges
    WIDEN: ImportOptions.TypeChanges
    class DataTypesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MODE_FIELD_NUMBER: _ClassVar[int]
    KEY_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    NEW_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    TYPE_CHANGES_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPES_FIELD_NUMBER: _ClassVar[int]
    NULL_VALUES_FIELD_NUMBER: _ClassVar[int]
    DELIMITER_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    ESCAPE_FIELD_NUMBER: _ClassVar[int]
    HAS_HEADER_FIELD_NUMBER: _ClassVar[int]
    SKIP_LINES_FIELD_NUMBER: _ClassVar[int]
    COMMENT_PREFIX_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    SHEET_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_BYTES_FIELD_NUMBER: _ClassVar[int]
    mode: ImportOptions.Mode
    key_columns: _containers.RepeatedScalarFieldContainer[str]
    new_columns: ImportOptions.NewColumns
    type_changes: ImportOptions.TypeChanges
    data_types: _containers.ScalarMap[str, str]
    null_values: _containers.RepeatedScalarFieldContainer[str]
    delimiter: str
    encoding: str
    quote: str
    escape: str
    has_header: bool
    skip_lines: int
    comment_prefix: str
    format: str
    compression: str
    sheet: str
    sample_bytes: int
    def __init__(self, mode: _Optional[_Union[ImportOptions.Mode, str]] = ..., key_columns: _Optional[_Iterable[str]] = ..., new_columns: _Optional[_Union[ImportOptions.NewColumns, str]] = ..., type_changes: _Optional[_Union[ImportOptions.TypeChanges, str]] = ..., data_types: _Optional[_Mapping[str, str]] = ..., null_values: _Optional[_Iterable[str]] = ..., delimiter: _Optional[str] = ..., encoding: _Optional[str] = ..., quote: _Optional[str] = ..., escape: _Optional[str] = ..., has_header: _Optional[bool] = ..., skip_lines: _Optional[int] = ..., comment_prefix: _Optional[str] = ..., format: _Optional[str] = ..., compression: _Optional[str] = ..., sheet: _Optional[str] = ..., sample_bytes: _Optional[int] = ...) -> None: ...

class StoredFile(_message.Message):
    __slots__ = ("file_path", "size_bytes", "detected_at", "status", "import_id", "watch_id", "modified_at", "imports", "error", "rows_imported", "revision")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[StoredFile.Status]
        DETECTED: _ClassVar[StoredFile.Status]
        PENDING: _ClassVar[StoredFile.Status]
        IMPORTING: _ClassVar[StoredFile.Status]
        IMPORTED: _ClassVar[StoredFile.Status]
        IMPORTED_WITH_ERRORS: _ClassVar[StoredFile.Status]
        FAILED: _ClassVar[StoredFile.Status]
        IGNORED: _ClassVar[StoredFile.Status]
        GONE: _ClassVar[StoredFile.Status]
    STATUS_UNSPECIFIED: StoredFile.Status
    DETECTED: StoredFile.Status
    PENDING: StoredFile.Status
    IMPORTING: StoredFile.Status
    IMPORTED: StoredFile.Status
    IMPORTED_WITH_ERRORS: StoredFile.Status
    FAILED: StoredFile.Status
    IGNORED: StoredFile.Status
    GONE: StoredFile.Status
    FILE_PATH_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    DETECTED_AT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    WATCH_ID_FIELD_NUMBER: _ClassVar[int]
    MODIFIED_AT_FIELD_NUMBER: _ClassVar[int]
    IMPORTS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ROWS_IMPORTED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    file_path: str
    size_bytes: int
    detected_at: _timestamp_pb2.Timestamp
    status: StoredFile.Status
    import_id: str
    watch_id: str
    modified_at: _timestamp_pb2.Timestamp
    imports: int
    error: str
    rows_imported: int
    revision: int
    def __init__(self, file_path: _Optional[str] = ..., size_bytes: _Optional[int] = ..., detected_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[_Union[StoredFile.Status, str]] = ..., import_id: _Optional[str] = ..., watch_id: _Optional[str] = ..., modified_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., imports: _Optional[int] = ..., error: _Optional[str] = ..., rows_imported: _Optional[int] = ..., revision: _Optional[int] = ...) -> None: ...

class Import(_message.Message):
    __slots__ = ("import_id", "status", "file_path", "rows_imported", "target_table", "inferred_schema", "import_duration_seconds", "rows_rejected", "rows_parked", "details", "progress", "detected_format", "created_at", "completed_at")
    class Status(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATUS_UNSPECIFIED: _ClassVar[Import.Status]
        PENDING: _ClassVar[Import.Status]
        IN_PROGRESS: _ClassVar[Import.Status]
        COMPLETED: _ClassVar[Import.Status]
        COMPLETED_WITH_ERRORS: _ClassVar[Import.Status]
        FAILED: _ClassVar[Import.Status]
        CANCELLED: _ClassVar[Import.Status]
    STATUS_UNSPECIFIED: Import.Status
    PENDING: Import.Status
    IN_PROGRESS: Import.Status
    COMPLETED: Import.Status
    COMPLETED_WITH_ERRORS: Import.Status
    FAILED: Import.Status
    CANCELLED: Import.Status
    class InferredSchemaEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    FILE_PATH_FIELD_NUMBER: _ClassVar[int]
    ROWS_IMPORTED_FIELD_NUMBER: _ClassVar[int]
    TARGET_TABLE_FIELD_NUMBER: _ClassVar[int]
    INFERRED_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    IMPORT_DURATION_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ROWS_REJECTED_FIELD_NUMBER: _ClassVar[int]
    ROWS_PARKED_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    DETECTED_FORMAT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    status: Import.Status
    file_path: str
    rows_imported: int
    target_table: str
    inferred_schema: _containers.ScalarMap[str, str]
    import_duration_seconds: float
    rows_rejected: int
    rows_parked: int
    details: str
    progress: int
    detected_format: str
    created_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    def __init__(self, import_id: _Optional[str] = ..., status: _Optional[_Union[Import.Status, str]] = ..., file_path: _Optional[str] = ..., rows_imported: _Optional[int] = ..., target_table: _Optional[str] = ..., inferred_schema: _Optional[_Mapping[str, str]] = ..., import_duration_seconds: _Optional[float] = ..., rows_rejected: _Optional[int] = ..., rows_parked: _Optional[int] = ..., details: _Optional[str] = ..., progress: _Optional[int] = ..., detected_format: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
