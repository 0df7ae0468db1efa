"""Statements on detections of relationships, and on what was decided on them.

Those that take no tenant are for the worker, which serves all of them.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.relationship_tables import relationship_decisions as decisions
from headrace_server.db.relationship_tables import relationship_detections as detections
from headrace_server.model.relationship import (
    Decision,
    Decisions,
    Detection,
    DetectionRequest,
    DetectionStatus,
    Edge,
    Relationship,
    RelationshipType,
)


async def insert(connection: AsyncConnection, detection: Detection, job_id: str) -> None:
    """Insert a detection that was asked for."""
    await connection.execute(
        detections.insert().values(
            detection_id=detection.detection_id,
            tenant_id=detection.tenant_id,
            job_id=job_id,
            request=msgspec.to_builtins(detection.request),
            status=detection.status.value,
            created_at=detection.created_at,
            expires_at=detection.expires_at,
        )
    )


async def find(
    connection: AsyncConnection, tenant_id: str, detection_id: str, now: datetime
) -> tuple[Detection, str] | None:
    """Read a tenant's detection that is not yet to be forgotten, and the id of its job."""
    statement = select(detections).where(
        detections.c.tenant_id == tenant_id,
        detections.c.detection_id == detection_id,
        detections.c.expires_at > now,
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else (_detection(row), row.job_id)


async def find_in_any_tenant(connection: AsyncConnection, detection_id: str) -> Detection | None:
    """Read a detection, of whichever tenant."""
    statement = select(detections).where(detections.c.detection_id == detection_id)
    row = (await connection.execute(statement)).first()
    return None if row is None else _detection(row)


async def update(
    connection: AsyncConnection,
    detection_id: str,
    expected: Collection[DetectionStatus],
    **values: Any,
) -> None:
    """Change columns of a detection, of whichever tenant, that is in one of these states."""
    await connection.execute(
        detections.update()
        .where(
            detections.c.detection_id == detection_id,
            detections.c.status.in_([status.value for status in expected]),
        )
        .values(**values)
    )


def stored(relationships: Sequence[Relationship]) -> Any:
    """Relationships as a column keeps them."""
    return msgspec.to_builtins(relationships)


async def delete_expired(connection: AsyncConnection, now: datetime) -> None:
    """Forget detections, of all tenants, whose time is over."""
    await connection.execute(detections.delete().where(detections.c.expires_at <= now))


def _detection(row: Any) -> Detection:
    return Detection(
        detection_id=row.detection_id,
        tenant_id=row.tenant_id,
        request=msgspec.convert(row.request, DetectionRequest),
        status=DetectionStatus(row.status),
        tables_read=row.tables_read,
        total_tables=row.total_tables,
        error=row.error,
        created_at=row.created_at,
        completed_at=row.completed_at,
        expires_at=row.expires_at,
        relationships=msgspec.convert(row.relationships or (), tuple[Relationship, ...]),
    )


async def decide(connection: AsyncConnection, tenant_id: str, decision: Decision) -> None:
    """Remember a decision; of one edge the last one counts."""
    edge = msgspec.to_builtins(decision.edge)
    key = {
        "tenant_id": tenant_id,
        "schema": decision.schema,
        "edge_hash": sha256(json.dumps(edge, sort_keys=True).encode()).hexdigest(),
    }
    same = [decisions.c[name] == value for name, value in key.items()]
    await connection.execute(decisions.delete().where(*same))
    await connection.execute(
        decisions.insert().values(
            **key,
            edge=edge,
            accepted=decision.accepted,
            relationship_type=decision.type and decision.type.value,
            decided_at=decision.decided_at,
        )
    )


async def decided(connection: AsyncConnection, tenant_id: str, schema: str) -> Decisions:
    """All that a tenant decided on the tables of a schema."""
    found = await connection.execute(
        select(decisions).where(decisions.c.tenant_id == tenant_id, decisions.c.schema == schema)
    )
    accepted: dict[Edge, RelationshipType | None] = {}
    rejected = set()
    for row in found:
        edge = msgspec.convert(row.edge, Edge)
        if row.accepted:
            accepted[edge] = row.relationship_type and RelationshipType(row.relationship_type)
        else:
            rejected.add(edge)
    return Decisions(accepted, frozenset(rejected))
