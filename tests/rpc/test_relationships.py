"""RelationshipService on the real core, with a worker, on SQLite."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import grpc
import pytest
from headrace.v1 import relationship_service_pb2 as pb
from headrace.v1 import relationship_service_pb2_grpc
from headrace.v1.relationship_pb2 import Relationship, RelationshipDetection

from headrace_server.model.tenant import Scope
from headrace_server.running import running_worker

from .conftest import Edge, FailureOf


@pytest.fixture
async def shop(edge: Edge) -> AsyncIterator[Edge]:
    """The edge with a worker; tables without any constraint in the default tenant's warehouse."""
    async with edge.core.warehouses.use("default") as warehouse:
        await warehouse.list_tables()
    path = edge.core.config.data_dir / "warehouses" / "default.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (customer_id BIGINT, name TEXT)")
        connection.execute("CREATE TABLE orders (order_id BIGINT, customer_id BIGINT, x DOUBLE)")
        customers = [(n, f"customer {n % 40}") for n in range(1, 101)]
        orders = [(1000 + n, 1 + n * 7 % 100, n / 3) for n in range(400)]
        connection.executemany("INSERT INTO customers VALUES (?, ?)", customers)
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?)", orders)
        connection.commit()
    async with running_worker(edge.core):
        yield edge


def _stub(edge: Edge) -> Any:
    return relationship_service_pb2_grpc.RelationshipServiceStub(edge.channel)


async def _detect(edge: Edge, **fields: Any) -> RelationshipDetection:
    request = pb.DetectRelationshipsRequest(wait_seconds=30, **fields)
    found: RelationshipDetection = await _stub(edge).DetectRelationships(request)
    return found


ORDERS: dict[str, Any] = {
    "from_table": "orders",
    "from_column": "customer_id",
    "to_table": "customers",
    "to_column": "customer_id",
}


async def test_the_documented_request_is_answered(shop: Edge) -> None:
    found = await _detect(
        shop, tables=["customers", "orders"], schema="public", confidence_threshold=0.8, use_ai=True
    )
    assert found.status == RelationshipDetection.COMPLETED
    assert found.total_relationships == 1
    (relationship,) = found.relationships
    assert {name: getattr(relationship, name) for name in ORDERS} == ORDERS
    assert relationship.relationship_type == Relationship.MANY_TO_ONE
    assert relationship.detection_method == Relationship.AI_INFERENCE
    assert 0.8 <= relationship.confidence <= 1
    assert "100.0% of 100 different values are in customers.customer_id" in relationship.evidence[0]
    assert list(found.suggested_joins) == [
        "customers JOIN orders ON customers.customer_id = orders.customer_id"
    ]
    again = await _stub(shop).GetDetection(pb.GetDetectionRequest(detection_id=found.detection_id))
    assert again == found
    assert (again.tables_read, again.total_tables) == (2, 2)


async def test_rules_judge_without_the_model(shop: Edge) -> None:
    found = await _detect(shop, use_ai=False)
    (relationship,) = found.relationships
    assert relationship.detection_method == Relationship.NAME_MATCH


async def test_decisions_are_remembered(shop: Edge) -> None:
    decide = _stub(shop).DecideRelationship
    reject = pb.DecideRelationshipRequest(**ORDERS, decision=pb.DecideRelationshipRequest.REJECT)
    assert (await decide(reject)).decision == pb.DecideRelationshipRequest.REJECT
    assert (await _detect(shop)).total_relationships == 0
    accept = pb.DecideRelationshipRequest(**ORDERS, decision=pb.DecideRelationshipRequest.ACCEPT)
    await decide(accept)
    (relationship,) = (await _detect(shop)).relationships
    assert relationship.detection_method == Relationship.CONFIRMED
    assert relationship.confidence == 1


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"from_column": "nothing"}, "from_columns"),
        ({"to_column": ""}, "to_columns"),
        ({"decision": pb.DecideRelationshipRequest.DECISION_UNSPECIFIED}, "decision"),
        ({"from_columns": ["order_id"]}, "from_column"),
        ({"relationship_type": Relationship.MANY_TO_MANY}, "through"),
        ({"to_table": "orders"}, "to_columns"),
    ],
)
async def test_a_wrong_decision_is_refused(
    shop: Edge, failure_of: FailureOf, changed: dict[str, Any], field: str
) -> None:
    accept = {"decision": pb.DecideRelationshipRequest.ACCEPT}
    request = pb.DecideRelationshipRequest(**(ORDERS | accept | changed))
    failure = await failure_of(_stub(shop).DecideRelationship(request))
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert field in str(failure.error.details())


async def test_a_table_that_is_not_there_is_not_found(shop: Edge, failure_of: FailureOf) -> None:
    request = pb.DetectRelationshipsRequest(tables=["customers", "nothing"])
    failure = await failure_of(_stub(shop).DetectRelationships(request))
    assert failure.code is grpc.StatusCode.NOT_FOUND
    decide = pb.DecideRelationshipRequest(
        **(ORDERS | {"to_table": "nothing"}), decision=pb.DecideRelationshipRequest.ACCEPT
    )
    assert (
        await failure_of(_stub(shop).DecideRelationship(decide))
    ).code is grpc.StatusCode.NOT_FOUND


async def test_a_detection_is_its_tenants_own(shop: Edge, failure_of: FailureOf) -> None:
    found = await _detect(shop)
    await shop.core.tenants.create("other", "Other")
    metadata = await shop.key(Scope.READ, Scope.WRITE, tenant_id="other")
    request = pb.GetDetectionRequest(detection_id=found.detection_id)
    failure = await failure_of(_stub(shop).GetDetection(request, metadata=metadata))
    assert failure.code is grpc.StatusCode.NOT_FOUND


async def test_one_that_waits_can_be_cancelled(edge: Edge) -> None:
    request = pb.DetectRelationshipsRequest(wait_seconds=0)
    found = await _stub(edge).DetectRelationships(request)
    assert found.status == RelationshipDetection.PENDING
    cancel = pb.CancelDetectionRequest(detection_id=found.detection_id)
    for _ in range(2):
        ended = await _stub(edge).CancelDetection(cancel)
        assert ended.status == RelationshipDetection.CANCELLED
    async with running_worker(edge.core):
        await asyncio.sleep(0)
    again = await _stub(edge).GetDetection(pb.GetDetectionRequest(detection_id=found.detection_id))
    assert again.status == RelationshipDetection.CANCELLED
