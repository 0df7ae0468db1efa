from buf.validate import validate_pb2 as _validate_pb2
from google.api import annotations_pb2 as _annotations_pb2
from headrace.v1 import priority_pb2 as _priority_pb2
from headrace.v1 import storage_pb2 as _storage_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MountRequest(_message.Message):
    __slots__ = ("local_path", "network_path", "credentials", "storage_type", "endpoint_url", "region", "port")
    class Credentials(_message.Message):
        __slots__ = ("username", "password", "domain", "access_key_id", "secret_access_key", "session_token", "service_account", "account_name", "account_key", "sas_token")
        USERNAME_FIELD_NUMBER: _ClassVar[int]
        PASSWORD_FIELD_NUMBER: _ClassVar[int]
        DOMAIN_FIELD_NUMBER: _ClassVar[int]
        ACCESS_KEY_ID_FIELD_NUMBER: _ClassVar[int]
        SECRET_ACCESS_KEY_FIELD_NUMBER: _ClassVar[int]
        SESSION_TOKEN_FIELD_NUMBER: _ClassVar[int]
        SERVICE_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
        ACCOUNT_NAME_FIELD_NUMBER: _ClassVar[int]
        ACCOUNT_KEY_FIELD_NUMBER: _ClassVar[int]
        SAS_TOKEN_FIELD_NUMBER: _ClassVar[int]
        username: str
        password: str
        domain: str
        access_key_id: str
        secret_access_key: str
        session_token: str
        service_account: str
        account_name: str
        account_key: str
        sas_token: str
        def __init__(self, username: _Optional[str] = ..., password: _Optional[str] = ..., domain: _Optional[str] = ..., access_key_id: _Optional[str] = ..., secret_access_key: _Optional[str] = ..., session_token: _Optional[str] = ..., service_account: _Optional[str] = ..., account_name: _Optional[str] = ..., account_key: _Optional[str] = ..., sas_token: _Optional[str] = ...) -> None: ...
    LOCAL_PATH_FIELD_NUMBER: _ClassVar[int]
    NETWORK_PATH_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    STORAGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_URL_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    local_path: str
    network_path: str
    credentials: MountRequest.Credentials
    storage_type: _storage_pb2.Mount.StorageType
    endpoint_url: str
    region: str
    port: int
    def __init__(self, local_path: _Optional[str] = ..., network_path: _Optional[str] = ..., credentials: _Optional[_Union[MountRequest.Credentials, _Mapping]] = ..., storage_type: _Optional[_Union[_storage_pb2.Mount.StorageType, str]] = ..., endpoint_url: _Optional[str] = ..., region: _Optional[str] = ..., port: _Optional[int] = ...) -> None: ...

class ListMountsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListMountsResponse(_message.Message):
    __slots__ = ("mounts", "next_page_token")
    MOUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    mounts: _containers.RepeatedCompositeFieldContainer[_storage_pb2.Mount]
    next_page_token: str
    def __init__(self, mounts: _Optional[_Iterable[_Union[_storage_pb2.Mount, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UnmountRequest(_message.Message):
    __slots__ = ("mount_id",)
    MOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    mount_id: str
    def __init__(self, mount_id: _Optional[str] = ...) -> None: ...

class UnmountResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WatchFolderRequest(_message.Message):
    __slots__ = ("folder_path", "file_patterns", "recursive", "auto_import", "import_config", "on_overwrite", "stable_seconds", "poll_seconds")
    FOLDER_PATH_FIELD_NUMBER: _ClassVar[int]
    FILE_PATTERNS_FIELD_NUMBER: _ClassVar[int]
    RECURSIVE_FIELD_NUMBER: _ClassVar[int]
    AUTO_IMPORT_FIELD_NUMBER: _ClassVar[int]
    IMPORT_CONFIG_FIELD_NUMBER: _ClassVar[int]
    ON_OVERWRITE_FIELD_NUMBER: _ClassVar[int]
    STABLE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    POLL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    folder_path: str
    file_patterns: _containers.RepeatedScalarFieldContainer[str]
    recursive: bool
    auto_import: bool
    import_config: _storage_pb2.ImportConfig
    on_overwrite: _storage_pb2.FolderWatch.OnOverwrite
    stable_seconds: float
    poll_seconds: float
    def __init__(self, folder_path: _Optional[str] = ..., file_patterns: _Optional[_Iterable[str]] = ..., recursive: _Optional[bool] = ..., auto_import: _Optional[bool] = ..., import_config: _Optional[_Union[_storage_pb2.ImportConfig, _Mapping]] = ..., on_overwrite: _Optional[_Union[_storage_pb2.FolderWatch.OnOverwrite, str]] = ..., stable_seconds: _Optional[float] = ..., poll_seconds: _Optional[float] = ...) -> None: ...

class ListWatchesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListWatchesResponse(_message.Message):
    __slots__ = ("watches", "next_page_token")
    WATCHES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    watches: _containers.RepeatedCompositeFieldContainer[_storage_pb2.FolderWatch]
    next_page_token: str
    def __init__(self, watches: _Optional[_Iterable[_Union[_storage_pb2.FolderWatch, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class StopWatchRequest(_message.Message):
    __slots__ = ("watch_id",)
    WATCH_ID_FIELD_NUMBER: _ClassVar[int]
    watch_id: str
    def __init__(self, watch_id: _Optional[str] = ...) -> None: ...

class StopWatchResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ImportFileRequest(_message.Message):
    __slots__ = ("file_path", "target_format", "target_table", "infer_schema", "data_types", "options", "priority", "wait_seconds")
    class DataTypesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    FILE_PATH_FIELD_NUMBER: _ClassVar[int]
    TARGET_FORMAT_FIELD_NUMBER: _ClassVar[int]
    TARGET_TABLE_FIELD_NUMBER: _ClassVar[int]
    INFER_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPES_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    file_path: str
    target_format: str
    target_table: str
    infer_schema: bool
    data_types: _containers.ScalarMap[str, str]
    options: _storage_pb2.ImportOptions
    priority: _priority_pb2.Priority
    wait_seconds: float
    def __init__(self, file_path: _Optional[str] = ..., target_format: _Optional[str] = ..., target_table: _Optional[str] = ..., infer_schema: _Optional[bool] = ..., data_types: _Optional[_Mapping[str, str]] = ..., options: _Optional[_Union[_storage_pb2.ImportOptions, _Mapping]] = ..., priority: _Optional[_Union[_priority_pb2.Priority, str]] = ..., wait_seconds: _Optional[float] = ...) -> None: ...

class GetImportRequest(_message.Message):
    __slots__ = ("import_id",)
    IMPORT_ID_FIELD_NUMBER: _ClassVar[int]
    import_id: str
    def __init__(self, import_id: _Optional[str] = ...) -> None: ...

class ListFilesRequest(_message.Message):
    __slots__ = ("watch_id", "status", "page_size", "page_token")
    WATCH_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    watch_id: str
    status: _storage_pb2.StoredFile.Status
    page_size: int
    page_token: str
    def __init__(self, watch_id: _Optional[str] = ..., status: _Optional[_Union[_storage_pb2.StoredFile.Status, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListFilesResponse(_message.Message):
    __slots__ = ("files", "total_files", "next_page_token")
    FILES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FILES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[_storage_pb2.StoredFile]
    total_files: int
    next_page_token: str
    def __init__(self, files: _Optional[_Iterable[_Union[_storage_pb2.StoredFile, _Mapping]]] = ..., total_files: _Optional[int] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchFilesRequest(_message.Message):
    __slots__ = ("watch_id", "after_revision")
    WATCH_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_REVISION_FIELD_NUMBER: _ClassVar[int]
    watch_id: str
    after_revision: int
    def __init__(self, watch_id: _Optional[str] = ..., after_revision: _Optional[int] = ...) -> None: ...

class WatchFilesResponse(_message.Message):
    __slots__ = ("revision", "files", "terminal")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    TERMINAL_FIELD_NUMBER: _ClassVar[int]
    revision: int
    files: _containers.RepeatedCompositeFieldContainer[_storage_pb2.StoredFile]
    terminal: bool
    def __init__(self, revision: _Optional[int] = ..., files: _Optional[_Iterable[_Union[_storage_pb2.StoredFile, _Mapping]]] = ..., terminal: _Optional[bool] = ...) -> None: ...

class RetryFileRequest(_message.Message):
    __slots__ = ("file_path",)
    FILE_PATH_FIELD_NUMBER: _ClassVar[int]
    file_path: str
    def __init__(self, file_path: _Optional[str] = ...) -> None: ...
