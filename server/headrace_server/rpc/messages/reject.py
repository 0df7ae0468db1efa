"""Rows kept aside."""

from collections.abc import Mapping

from headrace.v1 import ingestion_service_pb2, reject_pb2

from headrace_server.model.warehouse import KeptRow

_Request = ingestion_service_pb2.ListRejectsRequest


def reject_message(row: KeptRow, names: Mapping[int, str]) -> reject_pb2.Reject:
    """Show a row and why it is not in its table."""
    return reject_pb2.Reject(
        reject_id=row.reject_id,
        file_name=names[row.file_no],
        data_type=row.table,
        line=row.line,
        byte_offset=row.byte_offset,
        column=row.column,
        reason=row.reason.name,
        message=row.message,
        raw=row.raw,
        raw_truncated=row.raw_truncated,
        missing_parent=_missing_parent(row),
        parked_since=row.parked_since,
    )


def _missing_parent(row: KeptRow) -> reject_pb2.Reject.MissingParent | None:
    if row.missing_table is None:
        return None
    return reject_pb2.Reject.MissingParent(
        table=row.missing_table, column=row.missing_column, value=row.missing_value
    )


def wants_rejected(filter_: _Request.Filter) -> bool:
    """Whether rejected rows are asked for."""
    return filter_ != _Request.PARKED


def wants_parked(filter_: _Request.Filter) -> bool:
    """Whether parked rows are asked for."""
    return filter_ != _Request.REJECTED


def corrections_of(request: ingestion_service_pb2.ReplayRejectsRequest) -> dict[str, str]:
    """Read the corrected lines by the id of their reject."""
    return {correction.reject_id: correction.raw for correction in request.corrections}
