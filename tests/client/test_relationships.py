from typing import TYPE_CHECKING

import pytest
from headrace.v1.relationship_pb2 import RelationshipDetection
from headrace.v1.relationship_service_pb2 import DecideRelationshipRequest

from headrace_client import Client, NotFoundError
from headrace_client.relationships import is_open

if TYPE_CHECKING:
    from client.fake.server import FakeServer


async def test_a_detection_is_asked_for_and_followed(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        begun = await client.detect_relationships(["orders", "customers"])
        assert is_open(begun)
        found = await client.get_detection(begun.detection_id)
        assert not is_open(found)
        assert found.total_relationships == len(found.relationships)
        ended = await client.cancel_detection(begun.detection_id)
        assert ended.status == RelationshipDetection.CANCELLED
        with pytest.raises(NotFoundError):
            await client.detect_relationships(["nothing"], wait_seconds=0)


async def test_a_decision_is_sent(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        ends = ("orders", ["customer_id"], "customers", ["id"])
        accepted = await client.decide_relationship(*ends, accept=True)
        rejected = await client.decide_relationship(*ends, accept=False, through="")
    assert accepted.decision == DecideRelationshipRequest.ACCEPT
    assert rejected.decision == DecideRelationshipRequest.REJECT
