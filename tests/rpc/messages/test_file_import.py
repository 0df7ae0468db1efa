from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from headrace.v1 import priority_pb2, storage_pb2
from headrace.v1 import storage_service_pb2 as service

from headrace_server.model.file_import import (
    FileImport,
    ImportMode,
    ImportOptions,
    NewColumns,
    NewImport,
    TypeChanges,
)
from headrace_server.model.ingestion import Ingestion, Kind, Status
from headrace_server.model.job import Priority
from headrace_server.rpc.messages.file_import import (
    config_message,
    config_of,
    import_message,
    new_import,
    wait_seconds,
)

NOW = datetime(2026, 3, 29, tzinfo=UTC)


def test_an_import_with_its_defaults() -> None:
    request = service.ImportFileRequest(file_path="/mnt/a.csv")
    assert new_import(request) == NewImport("/mnt/a.csv")
    assert wait_seconds(request) == 5
    assert wait_seconds(service.ImportFileRequest(wait_seconds=0)) == 0


def test_all_that_can_be_asked() -> None:
    request = service.ImportFileRequest(
        file_path="/mnt/a.csv",
        target_table="raw.a",
        infer_schema=False,
        data_types={"id": "VARCHAR(50)"},
        options=storage_pb2.ImportOptions(
            mode=storage_pb2.ImportOptions.REPLACE,
            new_columns=storage_pb2.ImportOptions.REJECT,
            type_changes=storage_pb2.ImportOptions.REJECT_ROW,
            data_types={"id": "TEXT", "at": "DATE"},
            delimiter="\\t",
            has_header=False,
            skip_lines=0,
            comment_prefix="",
            sample_bytes=4096,
        ),
        priority=priority_pb2.HIGH,
    )
    assert new_import(request) == NewImport(
        "/mnt/a.csv",
        "raw.a",
        ImportOptions(
            mode=ImportMode.REPLACE,
            new_columns=NewColumns.REJECT,
            type_changes=TypeChanges.REJECT_ROW,
            data_types={"id": "VARCHAR(50)", "at": "DATE"},
            infer_schema=False,
            delimiter="\t",
            has_header=False,
            skip_lines=0,
            comment="",
            sample_bytes=4096,
        ),
        Priority.HIGH,
    )


@pytest.mark.parametrize(("options", "mode"), [({}, "APPEND"), ({"key_columns": ["id"]}, "UPSERT")])
def test_what_was_left_open_is_shown_as_it_is_meant(options: dict[str, Any], mode: str) -> None:
    shown = config_message(config_of(storage_pb2.ImportConfig(options=options)))
    assert storage_pb2.ImportOptions.Mode.Name(shown.options.mode) == mode
    assert shown.schema_inference
    assert config_of(shown).options.mode is ImportMode[mode]


def _import(**values: Any) -> FileImport:
    ingestion = Ingestion(
        **{
            "request_id": "r1",
            "tenant_id": "acme",
            "kind": Kind.IMPORT,
            "status": Status.IN_PROGRESS,
            "priority": Priority.MEDIUM,
            "total_units": 1,
            "processed_units": 0,
            "failed_units": 0,
            "rows_loaded": 3,
            "rows_rejected": 2,
            "rows_parked": 1,
            "bytes_total": 100,
            "bytes_processed": 50,
            "details": None,
            "revision": 1,
            "replays": 0,
            "created_at": NOW,
            "started_at": None,
            "completed_at": None,
            **values,
        }
    )
    return FileImport(
        ingestion, "/mnt/a.csv", "raw.a", ImportOptions(), None, {"id": "BIGINT"}, "csv", None
    )


@pytest.mark.parametrize(
    ("started", "completed", "seconds"), [(None, None, None), (1, None, 9), (1, 4, 3)]
)
def test_an_import_takes_until_now_or_its_end(
    started: int | None, completed: int | None, seconds: float | None
) -> None:
    started_at, completed_at = (
        NOW + timedelta(seconds=each) if each is not None else None for each in (started, completed)
    )
    record = _import(started_at=started_at, completed_at=completed_at)
    message = import_message(record, NOW + timedelta(seconds=10))
    given = message.HasField("import_duration_seconds")
    assert (message.import_duration_seconds if given else None) == seconds
    assert message.HasField("completed_at") is (completed is not None)
    assert dict(message.inferred_schema) == {"id": "BIGINT"}
    assert (message.rows_imported, message.rows_rejected, message.rows_parked) == (3, 2, 1)
    assert (message.progress, message.detected_format) == (50, "csv")
