"""Calls of RelationshipService."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from headrace.v1 import relationship_service_pb2 as pb
from headrace.v1.relationship_pb2 import RelationshipDetection
from headrace.v1.relationship_service_pb2_grpc import RelationshipServiceStub

from headrace_client.connection import Connection

if TYPE_CHECKING:
    from headrace.v1.relationship_service_pb2_grpc import RelationshipServiceAsyncStub

#: seconds that one call waits for the end of a detection
_AT_ONCE = 5.0
_OPEN = (RelationshipDetection.PENDING, RelationshipDetection.IN_PROGRESS)


class RelationshipCalls(Connection):
    """RelationshipService of a Client. Every method raises HeadraceError."""

    @cached_property
    def _relationships(self) -> "RelationshipServiceAsyncStub":
        return RelationshipServiceStub(self.channel)

    async def detect_relationships(
        self,
        tables: Iterable[str] = (),
        *,
        schema: str = "public",
        confidence_threshold: float | None = None,
        use_ai: bool = True,
        wait_seconds: float | None = None,
    ) -> RelationshipDetection:
        """Look for relationships between tables, all of the schema if none are named.

        Returns the detection as it stands after `wait_seconds` at most, 5 if not given; see
        `get_detection`.
        """
        request = pb.DetectRelationshipsRequest(
            tables=tables,
            schema=schema,
            confidence_threshold=confidence_threshold,
            use_ai=use_ai,
            wait_seconds=_AT_ONCE if wait_seconds is None else wait_seconds,
        )
        return await self.call(self._relationships.DetectRelationships, request)

    async def get_detection(self, detection_id: str) -> RelationshipDetection:
        """Return a detection as it stands."""
        request = pb.GetDetectionRequest(detection_id=detection_id)
        return await self.call(self._relationships.GetDetection, request)

    async def cancel_detection(self, detection_id: str) -> RelationshipDetection:
        """Cancel a detection that has not ended."""
        request = pb.CancelDetectionRequest(detection_id=detection_id)
        return await self.call(self._relationships.CancelDetection, request)

    async def decide_relationship(
        self,
        from_table: str,
        from_columns: Sequence[str],
        to_table: str,
        to_columns: Sequence[str],
        *,
        accept: bool,
        through: str = "",
        schema: str = "public",
    ) -> pb.DecideRelationshipResponse:
        """Accept or reject a relationship: detections after this respect that."""
        decision = pb.DecideRelationshipRequest
        request = pb.DecideRelationshipRequest(
            schema=schema,
            from_table=from_table,
            from_columns=from_columns,
            to_table=to_table,
            to_columns=to_columns,
            through=through,
            decision=decision.ACCEPT if accept else decision.REJECT,
        )
        return await self.call(self._relationships.DecideRelationship, request)


def is_open(detection: RelationshipDetection) -> bool:
    """Whether a detection has not ended."""
    return detection.status in _OPEN
