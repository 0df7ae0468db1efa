"""What was seen of datasets' tables."""

from headrace.v1 import dataset_pb2 as pb

from headrace_server.model.observation import ColumnProfile, KeyProfile, Observation
from headrace_server.rpc.messages.instant import timestamp_of


def observation_message(record: Observation | None) -> pb.DatasetObservation | None:
    """Show an observation; None stays absent."""
    if record is None:
        return None
    profile = record.profile
    return pb.DatasetObservation(
        observed_at=timestamp_of(record.observed_at),
        rows=profile.rows,
        sampled_rows=profile.sampled_rows,
        columns=map(_column_message, profile.columns),
        primary_key=profile.primary_key,
        references=profile.references,
        keys=map(_key_message, profile.keys),
        updated_at=timestamp_of(profile.updated_at),
        rows_read=profile.rows_read,
        rows_rejected=profile.rows_rejected,
        rows_parked=profile.rows_parked,
        compared=record.compared,
        schema_breaks=record.schema_breaks,
        new_columns=record.new_columns,
        distribution_shifts=record.distribution_shifts,
    )


def _column_message(column: ColumnProfile) -> pb.DatasetObservation.Column:
    return pb.DatasetObservation.Column(
        name=column.name,
        type=column.type,
        nullable=column.nullable,
        null_rate=column.null_rate,
        mean=column.mean,
        deviation=column.deviation,
    )


def _key_message(key: KeyProfile) -> pb.DatasetObservation.Key:
    return pb.DatasetObservation.Key(
        columns=key.columns, duplicate_rate=key.duplicate_rate, enforced=key.enforced
    )
