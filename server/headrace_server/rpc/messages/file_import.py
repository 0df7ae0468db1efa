"""Imports: what is asked of them, and how they stand."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from headrace.v1 import storage_pb2 as pb
from headrace.v1 import storage_service_pb2 as service

from headrace_server.model.file_import import (
    FileImport,
    ImportMode,
    ImportOptions,
    NewColumns,
    NewImport,
    TypeChanges,
)
from headrace_server.model.storage import ImportConfig
from headrace_server.rpc.messages.instant import timestamp_of
from headrace_server.rpc.messages.priority import priority_of

_DEFAULT_WAIT_SECONDS = 5.0
#: options that are texts, found out where they are empty, by their name in the record
_TEXTS = ("encoding", "quote", "escape", "format", "compression", "sheet")
#: options that are found out where they are not given, likewise
_GIVEN = {"has_header": "has_header", "skip_lines": "skip_lines", "comment": "comment_prefix"}


def new_import(request: service.ImportFileRequest) -> NewImport:
    """Read which import is asked for."""
    infers = request.infer_schema if request.HasField("infer_schema") else True
    return NewImport(
        request.file_path,
        request.target_table,
        options_of(request.options, infer_schema=infers, data_types=request.data_types),
        priority_of(request),
    )


def wait_seconds(request: service.ImportFileRequest) -> float:
    """Read how long the caller waits for the end."""
    given = request.HasField("wait_seconds")
    return request.wait_seconds if given else _DEFAULT_WAIT_SECONDS


def options_of(
    message: pb.ImportOptions, *, infer_schema: bool, data_types: Mapping[str, str]
) -> ImportOptions:
    """Read how rows are brought into a table; `data_types` win over those of the options."""
    texts: dict[str, Any] = {name: getattr(message, name) or None for name in _TEXTS}
    given: dict[str, Any] = {
        name: getattr(message, theirs)
        for name, theirs in _GIVEN.items()
        if message.HasField(theirs)
    }
    if message.HasField("sample_bytes"):
        given["sample_bytes"] = message.sample_bytes
    modes, columns, changes = message.Mode, message.NewColumns, message.TypeChanges
    return ImportOptions(
        mode=ImportMode[modes.Name(message.mode)] if message.mode else None,
        key_columns=tuple(message.key_columns),
        new_columns=NewColumns[columns.Name(message.new_columns or columns.ADD)],
        type_changes=TypeChanges[changes.Name(message.type_changes or changes.WIDEN)],
        data_types={**message.data_types, **data_types},
        infer_schema=infer_schema,
        null_values=tuple(message.null_values),
        delimiter="\t" if message.delimiter == "\\t" else message.delimiter or None,
        **texts,
        **given,
    )


def config_of(message: pb.ImportConfig) -> ImportConfig:
    """Read how the files of a watch are imported."""
    infers = message.schema_inference if message.HasField("schema_inference") else True
    return ImportConfig(
        target_table=message.target_table,
        options=options_of(message.options, infer_schema=infers, data_types={}),
        target_connector=message.target_connector,
        notification_email=message.notification_email,
        notification_url=message.notification_url,
    )


def config_message(record: ImportConfig) -> pb.ImportConfig:
    """Show how the files of a watch are imported."""
    return pb.ImportConfig(
        target_connector=record.target_connector,
        schema_inference=record.options.infer_schema,
        notification_email=record.notification_email,
        notification_url=record.notification_url,
        target_table=record.target_table,
        options=_options_message(record.options),
    )


def _options_message(record: ImportOptions) -> pb.ImportOptions:
    mode = record.mode or (ImportMode.UPSERT if record.key_columns else ImportMode.APPEND)
    return pb.ImportOptions(
        mode=mode.name,
        key_columns=record.key_columns,
        new_columns=record.new_columns.name,
        type_changes=record.type_changes.name,
        data_types=record.data_types,
        null_values=record.null_values,
        delimiter="\\t" if record.delimiter == "\t" else record.delimiter,
        sample_bytes=record.sample_bytes,
        **{name: getattr(record, name) for name in _TEXTS},
        **{theirs: getattr(record, name) for name, theirs in _GIVEN.items()},
    )


def import_message(record: FileImport, now: datetime) -> pb.Import:
    """Show an import as it stands."""
    ingestion, target = record.ingestion, record.target_table
    started, ended = ingestion.started_at, ingestion.completed_at
    return pb.Import(
        import_id=ingestion.request_id,
        status=ingestion.status.name,
        file_path=record.file_path,
        rows_imported=ingestion.rows_loaded,
        target_table=target if "." in target else f"public.{target}",
        inferred_schema=record.inferred_schema,
        import_duration_seconds=((ended or now) - started).total_seconds() if started else None,
        rows_rejected=ingestion.rows_rejected,
        rows_parked=ingestion.rows_parked,
        details=ingestion.details,
        progress=ingestion.progress,
        detected_format=record.detected_format,
        created_at=timestamp_of(ingestion.created_at),
        completed_at=timestamp_of(ended),
    )
