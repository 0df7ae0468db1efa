"""Relationships, detections and decisions."""

from headrace.v1 import relationship_pb2
from headrace.v1 import relationship_service_pb2 as pb

from headrace_server.core.relationships.joins import suggested_joins
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.relationship import (
    Decision,
    Detection,
    DetectionRequest,
    Edge,
    Relationship,
    RelationshipType,
)

_THRESHOLD, _WAIT = 0.8, 5.0


def detection_request(request: pb.DetectRelationshipsRequest) -> DetectionRequest:
    """Read what is to be found out."""
    given = request.HasField("confidence_threshold")
    return DetectionRequest(
        schema=request.schema or "public",
        tables=tuple(request.tables),
        confidence_threshold=request.confidence_threshold if given else _THRESHOLD,
        use_ai=request.use_ai if request.HasField("use_ai") else True,
    )


def wait_seconds(request: pb.DetectRelationshipsRequest) -> float:
    """Read how long the caller waits."""
    return request.wait_seconds if request.HasField("wait_seconds") else _WAIT


def detection_message(record: Detection) -> relationship_pb2.RelationshipDetection:
    """Show a detection with what it found."""
    return relationship_pb2.RelationshipDetection(
        relationships=map(_relationship_message, record.relationships),
        total_relationships=len(record.relationships),
        suggested_joins=suggested_joins(record.relationships, record.request.schema),
        detection_id=record.detection_id,
        status=record.status.name,
        schema=record.request.schema,
        tables_read=record.tables_read,
        total_tables=record.total_tables,
        error=record.error,
        created_at=record.created_at,
        completed_at=record.completed_at,
        expires_at=record.expires_at,
    )


def _relationship_message(record: Relationship) -> relationship_pb2.Relationship:
    return relationship_pb2.Relationship(
        from_table=record.from_table,
        from_column=record.from_columns[0],
        to_table=record.to_table,
        to_column=record.to_columns[0],
        relationship_type=record.type.name,
        confidence=record.confidence,
        detection_method=record.method.name,
        from_columns=record.from_columns,
        to_columns=record.to_columns,
        through=record.through,
        evidence=record.evidence,
    )


def edge_of(request: pb.DecideRelationshipRequest) -> Edge:
    """Read what is decided on. Raises InvalidFieldError for columns named in both ways."""
    return Edge(
        request.from_table,
        _columns("from_column", request.from_column, tuple(request.from_columns)),
        request.to_table,
        _columns("to_column", request.to_column, tuple(request.to_columns)),
        request.through,
    )


def _columns(field: str, one: str, several: tuple[str, ...]) -> tuple[str, ...]:
    if one and several and several[0] != one:
        raise InvalidFieldError.of(field, f"must be the first of {field}s, or not be given")
    return several or ((one,) if one else ())


def type_of(request: pb.DecideRelationshipRequest) -> RelationshipType | None:
    """Read how many rows belong together; None where that is left to detection."""
    if not request.relationship_type:
        return None
    name = relationship_pb2.Relationship.Type.Name(request.relationship_type)
    return RelationshipType[name]


def decision_message(record: Decision) -> pb.DecideRelationshipResponse:
    """Show a decision."""
    decision = "ACCEPT" if record.accepted else "REJECT"
    return pb.DecideRelationshipResponse(decision=decision, decided_at=record.decided_at)
