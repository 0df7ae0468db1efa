"""The tables of mounts, watched folders, their files and imports, part of `tables`."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from headrace_server.db.columns import count as _count
from headrace_server.db.columns import instant as _instant
from headrace_server.db.columns import metadata
from headrace_server.db.columns import short_text as _text

mounts = Table(
    "mounts",
    metadata,
    _text("mount_id", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    _text("local_path"),
    _text("storage_type"),
    Column("network_path", Text, nullable=False),
    # endpoint_url, region, port.
    Column("options", JSON, nullable=False),
    # JSON, encrypted; null where there are none.
    Column("credentials", LargeBinary),
    # The key that they are encrypted with.
    _text("key_id", nullable=True),
    _instant("mounted_at", nullable=False),
    Column("error", Text),
    UniqueConstraint("tenant_id", "local_path"),
)

folder_watches = Table(
    "folder_watches",
    metadata,
    _text("watch_id", primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    # SHA-256 of the folder's path, which may be too long to be indexed.
    _text("folder_hash"),
    Column("folder_path", Text, nullable=False),
    # patterns, recursive, auto_import, on_overwrite, stable and poll in seconds, import_config.
    Column("settings", JSON, nullable=False),
    _count("files_detected"),
    _instant("created_at", nullable=False),
    _instant("looked_at"),
    Column("error", Text),
    # The server that looks at it, and until when no other does.
    _text("watcher_id", nullable=True),
    _instant("held_until"),
    UniqueConstraint("tenant_id", "folder_hash"),
)

stored_files = Table(
    "stored_files",
    metadata,
    _text("watch_id"),
    # SHA-256 of the file's path.
    _text("path_hash"),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    Column("file_path", Text, nullable=False),
    _count("size"),
    _instant("modified_at", nullable=False),
    Column("fingerprint", Text, nullable=False),
    _text("status"),
    _instant("detected_at", nullable=False),
    _instant("stable_since", nullable=False),
    _text("import_id", nullable=True, index=True),
    Column("taken_fingerprint", Text),
    Column("imports", Integer, nullable=False),
    # From 2: it goes into a table of its own, whose name ends in _v2 and so on.
    Column("version", Integer, nullable=False, server_default=text("1")),
    _count("rows_imported"),
    Column("error", Text),
    _count("revision"),
    PrimaryKeyConstraint("watch_id", "path_hash"),
)
Index("ix_stored_files_changed", stored_files.c.tenant_id, stored_files.c.revision)
Index("ix_stored_files_by_path", stored_files.c.tenant_id, stored_files.c.path_hash)
# By the status first: ended imports are looked for among the files of all watches.
Index("ix_stored_files_by_status", stored_files.c.status, stored_files.c.watch_id)

# The newest revision of a tenant's files; its row is the lock on them.
storage_revisions = Table(
    "storage_revisions",
    metadata,
    _text("tenant_id", ForeignKey("tenants.tenant_id"), primary_key=True),
    Column("revision", BigInteger, nullable=False),
)

file_imports = Table(
    "file_imports",
    metadata,
    _text("request_id", ForeignKey("ingestions.request_id", ondelete="CASCADE"), primary_key=True),
    _text("tenant_id", ForeignKey("tenants.tenant_id")),
    Column("file_path", Text, nullable=False),
    _text("target_table"),
    # Of model.file_import.ImportOptions.
    Column("options", JSON, nullable=False),
    _text("watch_id", nullable=True),
    # Pairs of name and SQL type.
    Column("inferred_schema", JSON(none_as_null=True)),
    _text("detected_format", nullable=True),
    # What was found out of the file, so that every attempt reads it alike.
    Column("plan", JSON(none_as_null=True)),
    # Checksum of the bytes that the plan is of.
    _text("sha256", nullable=True),
)
