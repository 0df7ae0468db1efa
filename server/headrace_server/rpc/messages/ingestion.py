"""Ingestions, their files and chunks."""

from headrace.v1 import ingestion_pb2, ingestion_service_pb2, status_service_pb2

from headrace_server.core.ingestion.ingestions import Results
from headrace_server.model.ingestion import Ingestion, IngestionFile, Status
from headrace_server.model.warehouse import LedgerEntry
from headrace_server.rpc.messages.instant import timestamp_of
from headrace_server.rpc.messages.mapping import mapping_result


def ingestion_message(record: Ingestion) -> ingestion_pb2.Ingestion:
    """Show an ingestion as it stands."""
    return ingestion_pb2.Ingestion(
        request_id=record.request_id,
        kind=record.kind.name,
        status=record.status.name,
        priority=record.priority.name,
        progress=record.progress,
        total_mappings=record.total_units,
        processed_mappings=record.processed_units,
        failed_mappings=record.failed_units,
        rows_loaded=record.rows_loaded,
        rows_rejected=record.rows_rejected,
        rows_parked=record.rows_parked,
        bytes_total=record.bytes_total,
        bytes_processed=record.bytes_processed,
        details=record.details,
        revision=record.revision,
        terminal=record.status.terminal,
        created_at=timestamp_of(record.created_at),
        started_at=timestamp_of(record.started_at),
        completed_at=timestamp_of(record.completed_at),
    )


def accepted(record: Ingestion) -> ingestion_service_pb2.CreateIngestionResponse:
    """Show that a request of mappings was accepted."""
    return ingestion_service_pb2.CreateIngestionResponse(
        request_id=record.request_id,
        status=record.status.name,
        message=f"Ingestion request created successfully with {record.total_units} mapping(s); "
        f"see /status/{record.request_id}",
    )


def status_filter(status: ingestion_pb2.Ingestion.Status) -> Status | None:
    """Read which status is asked for; None for any."""
    if status == ingestion_pb2.Ingestion.STATUS_UNSPECIFIED:
        return None
    return Status[ingestion_pb2.Ingestion.Status.Name(status)]


def file_result(record: IngestionFile) -> ingestion_pb2.FileResult:
    """Show what became of a file."""
    return ingestion_pb2.FileResult(
        id=record.file_name,
        data_type=record.data_type,
        status=record.status.name,
        bytes_total=record.bytes_total,
        bytes_processed=record.bytes_processed,
        rows_loaded=record.rows_loaded,
        rows_rejected=record.rows_rejected,
        rows_parked=record.rows_parked,
        error=record.error,
    )


def chunk_result(entry: LedgerEntry, file_name: str) -> ingestion_pb2.ChunkResult:
    """Show what became of a chunk."""
    return ingestion_pb2.ChunkResult(
        id=file_name,
        chunk=entry.key.chunk,
        first_line=entry.first_line,
        byte_offset=entry.byte_offset,
        byte_length=entry.byte_length,
        rows_read=entry.rows_read,
        rows_loaded=entry.rows_loaded,
        rows_rejected=entry.rows_rejected,
        rows_parked=entry.rows_parked,
        rows_superseded=entry.rows_superseded,
        attempts=entry.attempt,
        latency_ms=entry.latency_ms,
        committed_at=entry.committed_at,
    )


def results_message(results: Results) -> status_service_pb2.GetResultsResponse:
    """Show what became of each file and chunk, or of each mapping."""
    names = {file.file_no: file.file_name for file in results.files}
    ingestion = results.ingestion
    return status_service_pb2.GetResultsResponse(
        request_id=ingestion.request_id,
        status=ingestion.status.name,
        total_mappings=ingestion.total_units,
        processed_mappings=ingestion.processed_units,
        failed_mappings=ingestion.failed_units,
        files=map(file_result, results.files),
        chunks=[chunk_result(entry, names[entry.key.file_no]) for entry in results.chunks.items],
        results=map(mapping_result, results.mappings.items),
        next_page_token=results.chunks.next_token or results.mappings.next_token,
    )
