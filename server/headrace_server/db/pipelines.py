"""Statements on pipelines and their versions."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.dialects import upsert
from headrace_server.db.pipeline_tables import pipeline_versions as versions
from headrace_server.db.pipeline_tables import pipelines, runs
from headrace_server.model.pipeline import (
    KINDS,
    Definition,
    OnFailure,
    Parameter,
    Pipeline,
    Retry,
    Settings,
    Step,
    StepKind,
)

_SETTINGS: Mapping[StepKind, type[Settings]] = {kind: type_ for type_, kind in KINDS.items()}
_SAME_PIPELINE = and_(
    versions.c.tenant_id == pipelines.c.tenant_id,
    versions.c.pipeline_id == pipelines.c.pipeline_id,
)


async def insert(connection: AsyncConnection, pipeline: Pipeline) -> bool:
    """Insert a pipeline with its version; False, changing nothing, where the id is taken."""
    statement = upsert(connection, pipelines).values(
        tenant_id=pipeline.tenant_id,
        pipeline_id=pipeline.pipeline_id,
        version=pipeline.version,
        created_at=pipeline.created_at,
    )
    inserted = await connection.execute(statement.on_conflict_do_nothing())
    if inserted.rowcount == 0:
        return False
    await _insert_version(connection, pipeline)
    return True


async def replace(connection: AsyncConnection, pipeline: Pipeline) -> None:
    """Write the next version of a pipeline that is locked."""
    await _insert_version(connection, pipeline)
    await connection.execute(
        pipelines.update()
        .where(
            pipelines.c.tenant_id == pipeline.tenant_id,
            pipelines.c.pipeline_id == pipeline.pipeline_id,
        )
        .values(version=pipeline.version)
    )


async def _insert_version(connection: AsyncConnection, pipeline: Pipeline) -> None:
    await connection.execute(
        versions.insert().values(
            tenant_id=pipeline.tenant_id,
            pipeline_id=pipeline.pipeline_id,
            version=pipeline.version,
            definition=stored(pipeline.definition),
            created_at=pipeline.updated_at,
        )
    )


async def last_version(connection: AsyncConnection, tenant_id: str, pipeline_id: str) -> int:
    """The last version that is known of a pipeline, deleted or not; 0 where there is none."""
    statement = select(func.max(versions.c.version)).where(
        versions.c.tenant_id == tenant_id, versions.c.pipeline_id == pipeline_id
    )
    return (await connection.execute(statement)).scalar_one() or 0


async def find(
    connection: AsyncConnection, tenant_id: str, pipeline_id: str, version: int | None = None
) -> Pipeline | None:
    """Read a tenant's pipeline, in its present version or another."""
    row = (await connection.execute(_select(tenant_id, pipeline_id, version))).first()
    return None if row is None else _pipeline(row)


async def lock(connection: AsyncConnection, tenant_id: str, pipeline_id: str) -> Pipeline | None:
    """Read a tenant's pipeline that nobody else changes before the commit."""
    statement = _select(tenant_id, pipeline_id, None).with_for_update(of=pipelines)
    row = (await connection.execute(statement)).first()
    return None if row is None else _pipeline(row)


async def share(connection: AsyncConnection, tenant_id: str, pipeline_id: str) -> Pipeline | None:
    """Read a tenant's pipeline that nobody changes or deletes before the commit."""
    statement = _select(tenant_id, pipeline_id, None).with_for_update(of=pipelines, read=True)
    row = (await connection.execute(statement)).first()
    return None if row is None else _pipeline(row)


def _select(tenant_id: str, pipeline_id: str, version: int | None) -> Any:
    wanted = pipelines.c.version if version is None else version
    return (
        select(pipelines.c.created_at.label("made_at"), versions)
        .join(versions, and_(_SAME_PIPELINE, versions.c.version == wanted))
        .where(pipelines.c.tenant_id == tenant_id, pipelines.c.pipeline_id == pipeline_id)
    )


async def page(
    connection: AsyncConnection, tenant_id: str, *, after: str | None, limit: int
) -> list[Pipeline]:
    """A tenant's pipelines by id, those after an id."""
    statement = (
        select(pipelines.c.created_at.label("made_at"), versions)
        .join(versions, and_(_SAME_PIPELINE, versions.c.version == pipelines.c.version))
        .where(pipelines.c.tenant_id == tenant_id)
        .order_by(pipelines.c.pipeline_id)
        .limit(limit)
    )
    if after is not None:
        statement = statement.where(pipelines.c.pipeline_id > after)
    return [_pipeline(row) for row in await connection.execute(statement)]


async def count(connection: AsyncConnection, tenant_id: str) -> int:
    """How many pipelines a tenant has."""
    statement = select(func.count()).where(pipelines.c.tenant_id == tenant_id)
    return int((await connection.execute(statement)).scalar_one())


async def delete(connection: AsyncConnection, tenant_id: str, pipeline_id: str) -> None:
    """Delete a pipeline; its versions are left to `delete_unused_versions`."""
    await connection.execute(
        pipelines.delete().where(
            pipelines.c.tenant_id == tenant_id, pipelines.c.pipeline_id == pipeline_id
        )
    )


async def definition(
    connection: AsyncConnection, tenant_id: str, pipeline_id: str, version: int
) -> Definition:
    """What a pipeline was, deleted or not, in a version that a run keeps."""
    statement = select(versions.c.definition).where(
        versions.c.tenant_id == tenant_id,
        versions.c.pipeline_id == pipeline_id,
        versions.c.version == version,
    )
    return _definition((await connection.execute(statement)).scalar_one())


async def delete_unused_versions(connection: AsyncConnection, before: datetime) -> None:
    """Forget versions, of all tenants, written before, that neither pipeline nor run is of."""
    present = exists().where(_SAME_PIPELINE, pipelines.c.version == versions.c.version)
    kept = exists().where(
        runs.c.tenant_id == versions.c.tenant_id,
        runs.c.pipeline_id == versions.c.pipeline_id,
        runs.c.pipeline_version == versions.c.version,
    )
    await connection.execute(
        versions.delete().where(versions.c.created_at < before, ~present, ~kept)
    )


def stored(definition: Definition) -> dict[str, Any]:
    """A definition as a column keeps it."""
    return {
        "name": definition.name,
        "description": definition.description,
        "timeout": _seconds(definition.timeout),
        "parameters": msgspec.to_builtins(definition.parameters),
        "steps": [_stored_step(step) for step in definition.steps],
        "written": definition.written,
    }


def _stored_step(step: Step) -> dict[str, Any]:
    return {
        "id": step.step_id,
        "kind": step.kind.value,
        "settings": msgspec.to_builtins(step.settings),
        "depends_on": step.depends_on,
        "retry": msgspec.to_builtins(step.retry),
        "on_failure": step.on_failure.value,
        "timeout": _seconds(step.timeout),
    }


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()


def _definition(kept: Mapping[str, Any]) -> Definition:
    return Definition(
        name=kept["name"],
        steps=tuple(_step(each) for each in kept["steps"]),
        parameters=msgspec.convert(kept["parameters"], tuple[Parameter, ...]),
        description=kept["description"],
        timeout=_duration(kept["timeout"]),
        written=kept["written"],
    )


def _step(kept: Mapping[str, Any]) -> Step:
    return Step(
        step_id=kept["id"],
        settings=msgspec.convert(kept["settings"], _SETTINGS[StepKind(kept["kind"])]),
        depends_on=tuple(kept["depends_on"]),
        retry=msgspec.convert(kept["retry"], Retry),
        on_failure=OnFailure(kept["on_failure"]),
        timeout=_duration(kept["timeout"]),
    )


def _duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _pipeline(row: Any) -> Pipeline:
    return Pipeline(
        pipeline_id=row.pipeline_id,
        tenant_id=row.tenant_id,
        version=row.version,
        definition=_definition(row.definition),
        created_at=row.made_at,
        updated_at=row.created_at,
    )
