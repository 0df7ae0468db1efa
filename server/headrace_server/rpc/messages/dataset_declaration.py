"""What is declared of datasets, both ways."""

from datetime import UTC, datetime

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from headrace.v1 import dataset_pb2 as pb

from headrace_server.model.dataset import (
    BreakingChange,
    CheckKind,
    CheckOutcome,
    Declaration,
    DeclaredColumn,
    Owner,
    QualityCheck,
)
from headrace_server.model.errors import InvalidFieldError
from headrace_server.rpc.messages.instant import timestamp_of

_Proto = pb.DatasetDeclaration


def declaration_of(message: pb.DatasetDeclaration) -> Declaration:
    """Read a declaration."""
    given, owner = message.HasField, message.owner
    return Declaration(
        full_name=message.full_name,
        display_name=message.display_name,
        description=message.description,
        owner=Owner(owner.name, owner.team, owner.contact),
        steward=message.steward,
        documentation_url=message.documentation_url,
        tags=tuple(message.tags),
        columns=tuple(
            DeclaredColumn(c.name, c.type, c.description, c.deprecated) for c in message.columns
        ),
        primary_key=tuple(message.primary_key),
        checks=tuple(map(_check_of, message.checks)),
        version=message.version,
        breaking_changes=tuple(map(_change_of, message.breaking_changes)),
        freshness_hours=message.freshness_hours if given("freshness_hours") else None,
        last_updated_at=instant_of(message, "last_updated_at"),
        update_schedule=message.update_schedule,
        upstreams=tuple(message.upstreams),
        retention_days=message.retention_days if given("retention_days") else None,
    )


def _check_of(message: pb.DatasetDeclaration.Check) -> QualityCheck:
    kind, outcome = message.kind, message.outcome
    return QualityCheck(
        name=message.name,
        kind=CheckKind[_Proto.Check.Kind.Name(kind)] if kind else CheckKind.CUSTOM,
        columns=tuple(message.columns),
        outcome=CheckOutcome[_Proto.Check.Outcome.Name(outcome)]
        if outcome
        else CheckOutcome.NOT_RUN,
        checked_at=instant_of(message, "checked_at"),
    )


def _change_of(message: pb.DatasetDeclaration.BreakingChange) -> BreakingChange:
    effective_at = required_instant(message, "effective_at")
    return BreakingChange(message.description, effective_at, instant_of(message, "announced_at"))


def instant_of(message: Message, field: str) -> datetime | None:
    """Read a Timestamp; None where it is absent. Raises InvalidFieldError beyond the calendar."""
    return required_instant(message, field) if message.HasField(field) else None


def required_instant(message: Message, field: str) -> datetime:
    """Read a Timestamp that the validation requires. Raises InvalidFieldError likewise."""
    value: Timestamp = getattr(message, field)
    try:
        return value.ToDatetime(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidFieldError.of(field, "is no instant of the years 1 to 9999") from error


def declaration_message(record: Declaration) -> pb.DatasetDeclaration:
    """Show a declaration."""
    owner = record.owner
    return _Proto(
        full_name=record.full_name,
        display_name=record.display_name,
        description=record.description,
        owner=None if owner == Owner() else _owner_message(owner),
        steward=record.steward,
        documentation_url=record.documentation_url,
        tags=record.tags,
        columns=map(_column_message, record.columns),
        primary_key=record.primary_key,
        checks=map(_check_message, record.checks),
        version=record.version,
        breaking_changes=map(_change_message, record.breaking_changes),
        freshness_hours=record.freshness_hours,
        last_updated_at=timestamp_of(record.last_updated_at),
        update_schedule=record.update_schedule,
        upstreams=record.upstreams,
        retention_days=record.retention_days,
    )


def _owner_message(owner: Owner) -> pb.DatasetDeclaration.Owner:
    return _Proto.Owner(name=owner.name, team=owner.team, contact=owner.contact)


def _column_message(column: DeclaredColumn) -> pb.DatasetDeclaration.Column:
    return _Proto.Column(
        name=column.name,
        type=column.type,
        description=column.description,
        deprecated=column.deprecated,
    )


def _check_message(check: QualityCheck) -> pb.DatasetDeclaration.Check:
    run = check.outcome is not CheckOutcome.NOT_RUN
    return _Proto.Check(
        name=check.name,
        kind=check.kind.name,
        columns=check.columns,
        outcome=check.outcome.name if run else None,
        checked_at=timestamp_of(check.checked_at),
    )


def _change_message(change: BreakingChange) -> pb.DatasetDeclaration.BreakingChange:
    return _Proto.BreakingChange(
        description=change.description,
        effective_at=timestamp_of(change.effective_at),
        announced_at=timestamp_of(change.announced_at),
    )
