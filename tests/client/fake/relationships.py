"""Relationships of a shop, found at the second look."""

from typing import Any

from headrace.v1 import relationship_service_pb2, relationship_service_pb2_grpc
from headrace.v1.relationship_pb2 import Relationship, RelationshipDetection

from .refusals import Context, not_found
from .room import Room


def _relationship(from_: str, to: str, **more: Any) -> Relationship:
    (from_table, from_columns), (to_table, to_columns) = from_.split("."), to.split(".")
    fields: dict[str, Any] = {
        "relationship_type": Relationship.MANY_TO_ONE,
        "confidence": 0.97,
        "detection_method": Relationship.AI_INFERENCE,
        "evidence": ["100.0% of 3 different values are there"],
    }
    return Relationship(
        from_table=from_table,
        from_columns=from_columns.split(","),
        to_table=to_table,
        to_columns=to_columns.split(","),
        **(fields | more),
    )


FOUND = (
    _relationship("orders.customer_id", "customers.id"),
    _relationship("order_items.order_id", "orders.id"),
    _relationship("order_items.product_id", "products.id"),
    _relationship("products.parent_id", "products.id"),
    _relationship("left.right_id", "right.id", relationship_type=Relationship.ONE_TO_ONE),
    _relationship("right.left_id", "left.id"),
    _relationship(
        "orders.id",
        "products.id",
        relationship_type=Relationship.MANY_TO_MANY,
        through="order_items",
    ),
)
ID, FAILED_ID = "detection-1", "detection-2"


class Relationships(Room, relationship_service_pb2_grpc.RelationshipServiceServicer):
    def DetectRelationships(self, request: Any, context: Context) -> Any:  # noqa: N802
        if "nothing" in request.tables:
            not_found(context, "table", "nothing")
        return RelationshipDetection(
            detection_id=ID,
            status=RelationshipDetection.IN_PROGRESS,
            tables_read=1,
            total_tables=len(request.tables),
        )

    def GetDetection(self, request: Any, context: Context) -> Any:  # noqa: N802
        if request.detection_id == FAILED_ID:
            return RelationshipDetection(
                detection_id=FAILED_ID, status=RelationshipDetection.FAILED, error="no disk"
            )
        if request.detection_id != ID:
            not_found(context, "detection", request.detection_id)
        return RelationshipDetection(
            detection_id=ID,
            status=RelationshipDetection.COMPLETED,
            relationships=FOUND,
            total_relationships=len(FOUND),
            suggested_joins=["customers JOIN orders ON customers.id = orders.customer_id"],
        )

    def CancelDetection(self, request: Any, context: Context) -> Any:  # noqa: N802
        return RelationshipDetection(
            detection_id=request.detection_id, status=RelationshipDetection.CANCELLED
        )

    def DecideRelationship(self, request: Any, context: Context) -> Any:  # noqa: N802
        if request.from_table == "nothing":
            not_found(context, "table", "nothing")
        return relationship_service_pb2.DecideRelationshipResponse(decision=request.decision)
