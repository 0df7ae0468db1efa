"""RelationshipService."""

# ruff: noqa: N802, ARG002  # names and signatures are those of the protos

from headrace.v1 import relationship_pb2, relationship_service_pb2_grpc
from headrace.v1 import relationship_service_pb2 as pb

from headrace_server.core.relationships.detections import Detections
from headrace_server.rpc.call import Context, caller
from headrace_server.rpc.messages.relationship import (
    decision_message,
    detection_message,
    detection_request,
    edge_of,
    type_of,
    wait_seconds,
)


class RelationshipServicer(relationship_service_pb2_grpc.RelationshipServiceServicer):
    """Finds how tables of the warehouse belong together."""

    def __init__(self, detections: Detections) -> None:
        self._detections = detections

    async def DetectRelationships(
        self, request: pb.DetectRelationshipsRequest, context: Context
    ) -> relationship_pb2.RelationshipDetection:
        started = await self._detections.start(caller(), detection_request(request))
        seconds = wait_seconds(request)
        found = await self._detections.wait(caller(), started.detection_id, seconds)
        return detection_message(found)

    async def GetDetection(
        self, request: pb.GetDetectionRequest, context: Context
    ) -> relationship_pb2.RelationshipDetection:
        return detection_message(await self._detections.get(caller(), request.detection_id))

    async def CancelDetection(
        self, request: pb.CancelDetectionRequest, context: Context
    ) -> relationship_pb2.RelationshipDetection:
        return detection_message(await self._detections.cancel(caller(), request.detection_id))

    async def DecideRelationship(
        self, request: pb.DecideRelationshipRequest, context: Context
    ) -> pb.DecideRelationshipResponse:
        accepted = request.decision == pb.DecideRelationshipRequest.ACCEPT
        decision = await self._detections.decide(
            caller(),
            request.schema or "public",
            edge_of(request),
            type_of(request),
            accepted=accepted,
        )
        return decision_message(decision)
