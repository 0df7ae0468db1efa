"""Detections and decisions in the control store, on both engines."""

from datetime import UTC, datetime, timedelta
from typing import Any

from headrace_server.db import relationships as rows
from headrace_server.db.engine import ControlStore
from headrace_server.model.relationship import (
    OPEN_DETECTIONS,
    Decision,
    Detection,
    DetectionMethod,
    DetectionRequest,
    DetectionStatus,
    Edge,
    Relationship,
    RelationshipType,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EDGE = Edge("orders", ("customer_id",), "customers", ("id",))
FOUND = Relationship(
    "orders", ("customer_id",), "customers", ("id",), RelationshipType.MANY_TO_ONE, 0.9,
    DetectionMethod.AI_INFERENCE, evidence=("why",),
)  # fmt: skip


def _detection(tenant_id: str) -> Detection:
    request = DetectionRequest("public", ("a", "b"), 0.8, use_ai=True)
    return Detection(
        "d1", tenant_id, request, DetectionStatus.PENDING, 0, 0, None, NOW, None,
        NOW + timedelta(days=7),
    )  # fmt: skip


async def test_a_detection_comes_back_as_it_was_stored(store: ControlStore) -> None:
    ours, theirs = "acme", "globex"
    async with store.begin() as connection:
        await rows.insert(connection, _detection(ours), "j1")
        assert await rows.find(connection, ours, "d1", NOW) == (_detection(ours), "j1")
        assert await rows.find(connection, theirs, "d1", NOW) is None
        assert await rows.find(connection, ours, "d1", NOW + timedelta(days=7)) is None
        done: dict[str, Any] = {
            "status": "COMPLETED",
            "relationships": rows.stored([FOUND]),
            "completed_at": NOW,
        }
        await rows.update(connection, "d1", OPEN_DETECTIONS, **done)
        await rows.update(connection, "d1", OPEN_DETECTIONS, status="FAILED")
        found = await rows.find_in_any_tenant(connection, "d1")
        assert found is not None
        assert (found.status, found.relationships) == (DetectionStatus.COMPLETED, (FOUND,))
        assert found.terminal
        await rows.delete_expired(connection, NOW + timedelta(days=8))
        assert await rows.find_in_any_tenant(connection, "d1") is None


async def test_of_one_edge_the_last_decision_counts(store: ControlStore) -> None:
    ours, theirs = "acme", "globex"
    other = Edge("a", ("x", "y"), "b", ("x", "y"))
    one = RelationshipType.ONE_TO_ONE
    async with store.begin() as connection:
        await rows.decide(connection, ours, Decision("public", EDGE, False, None, NOW))
        await rows.decide(connection, ours, Decision("public", EDGE, True, one, NOW))
        await rows.decide(connection, ours, Decision("public", other, False, None, NOW))
        decided = await rows.decided(connection, ours, "public")
        assert (decided.accepted, decided.rejected) == ({EDGE: one}, frozenset({other}))
        for tenant, schema in ((ours, "raw"), (theirs, "public")):
            nothing = await rows.decided(connection, tenant, schema)
            assert not nothing.accepted
            assert not nothing.rejected
