"""Statements on datamarts. Those that take no tenant are for the worker, which serves all."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.datamart_tables import datamarts
from headrace_server.db.schedule_tables import schedules
from headrace_server.db.tables import tenants
from headrace_server.model.datamart import (
    Datamart,
    MartSchedule,
    MartStatus,
    MartType,
    RefreshStrategy,
    Relation,
    Version,
)
from headrace_server.model.schedule import Schedule

#: kind of the schedules of datamarts; their subject is the datamart's id
SCHEDULE_KIND = "datamart"

_columns = datamarts.c


async def insert(connection: AsyncConnection, mart: Datamart) -> None:
    """Insert a datamart that has neither refreshes nor a schedule."""
    version = mart.version
    await connection.execute(
        datamarts.insert().values(
            datamart_id=mart.datamart_id,
            tenant_id=mart.tenant_id,
            schema=mart.schema,
            name=mart.name,
            query=mart.query,
            type=mart.type.value,
            strategy=mart.strategy.value,
            concurrent=mart.concurrent,
            description=mart.description,
            metadata=dict(mart.metadata),
            sources=[list(source) for source in mart.sources],
            status=mart.status.value,
            rows_count=mart.rows,
            size_bytes=mart.size_bytes,
            unique_key=list(mart.unique_key),
            version=version and version.version,
            versioned_name=version and version.versioned_name,
            retention_days=version and version.retention_days,
            created_at=mart.created_at,
        )
    )


async def find(
    connection: AsyncConnection, tenant_id: str, schema: str, name: str
) -> Datamart | None:
    """Read a tenant's datamart of that name, else the newest version of it that has rows.

    Where no version has any it is the newest.
    """
    named = or_(_columns.name == name, _columns.versioned_name == name)
    statement = (
        _select()
        .where(_columns.tenant_id == tenant_id, _columns.schema == schema, named)
        .order_by(
            (_columns.name == name).desc(),
            _columns.last_refresh.is_not(None).desc(),
            _columns.created_at.desc(),
        )
        .limit(1)
    )
    row = (await connection.execute(statement)).first()
    return None if row is None else _datamart(row)


async def find_in_any_tenant(connection: AsyncConnection, datamart_id: str) -> Datamart | None:
    """Read a datamart, of whichever tenant."""
    row = (await connection.execute(_select().where(_is(datamart_id)))).first()
    return None if row is None else _datamart(row)


async def lock(connection: AsyncConnection, datamart_id: str) -> Datamart | None:
    """Read a datamart that nobody else changes before the commit."""
    await connection.execute(select(_columns.datamart_id).where(_is(datamart_id)).with_for_update())
    return await find_in_any_tenant(connection, datamart_id)


async def lock_all(connection: AsyncConnection, datamart_ids: Collection[str]) -> None:
    """Let nobody else change datamarts before the commit; in one order, so that none deadlock."""
    await connection.execute(
        select(_columns.datamart_id)
        .where(_columns.datamart_id.in_(datamart_ids))
        .order_by(_columns.datamart_id)
        .with_for_update()
    )


async def lock_tenant(connection: AsyncConnection, tenant_id: str) -> None:
    """Let nobody else make datamarts of a tenant before the commit."""
    await connection.execute(
        select(tenants.c.tenant_id)
        .where(tenants.c.tenant_id == tenant_id)
        .with_for_update(key_share=True)
    )


async def of_tenant(connection: AsyncConnection, tenant_id: str) -> list[Datamart]:
    """Read all datamarts of a tenant, oldest first."""
    statement = (
        _select()
        .where(_columns.tenant_id == tenant_id)
        .order_by(_columns.created_at, _columns.datamart_id)
    )
    return [_datamart(row) for row in await connection.execute(statement)]


async def page(
    connection: AsyncConnection, tenant_id: str, schema: str, after: Relation, limit: int
) -> list[Datamart]:
    """Read a tenant's datamarts after a relation, by schema and name; of one schema if given."""
    beyond = or_(
        _columns.schema > after[0], and_(_columns.schema == after[0], _columns.name > after[1])
    )
    statement = (
        _select()
        .where(_of_schema(tenant_id, schema), beyond)
        .order_by(_columns.schema, _columns.name)
        .limit(limit)
    )
    return [_datamart(row) for row in await connection.execute(statement)]


async def count(connection: AsyncConnection, tenant_id: str, schema: str) -> int:
    """How many datamarts a tenant has; in one schema if given."""
    statement = select(func.count()).select_from(datamarts).where(_of_schema(tenant_id, schema))
    return int((await connection.execute(statement)).scalar_one())


async def update(connection: AsyncConnection, datamart_id: str, **values: Any) -> None:
    """Change columns of a datamart."""
    await connection.execute(datamarts.update().where(_is(datamart_id)).values(**values))


async def delete(connection: AsyncConnection, datamart_id: str) -> None:
    """Forget a datamart and its refreshes."""
    await connection.execute(datamarts.delete().where(_is(datamart_id)))


async def tenants_with_followers(connection: AsyncConnection) -> list[str]:
    """The tenants that have datamarts to be refreshed after loads."""
    on_commit = _columns.strategy == RefreshStrategy.ON_COMMIT.value
    statement = select(_columns.tenant_id).where(on_commit).distinct()
    return list((await connection.execute(statement)).scalars())


async def expired(connection: AsyncConnection, now: datetime) -> list[Datamart]:
    """Versions, of all tenants, whose time is over."""
    due = _columns.expires_at <= now
    return [_datamart(row) for row in await connection.execute(_select().where(due))]


async def supersede(connection: AsyncConnection, newest: Datamart) -> Sequence[Datamart]:
    """Return the other versions of what one became the newest version of, if they have no end."""
    assert newest.version is not None  # noqa: S101  # a version supersedes others
    others = and_(
        _columns.tenant_id == newest.tenant_id,
        _columns.schema == newest.schema,
        _columns.versioned_name == newest.version.versioned_name,
        _columns.created_at < newest.created_at,
        _columns.expires_at.is_(None),
    )
    return [_datamart(row) for row in await connection.execute(_select().where(others))]


def _select() -> Select[Any]:
    of_schedule = and_(
        schedules.c.tenant_id == _columns.tenant_id,
        schedules.c.kind == SCHEDULE_KIND,
        schedules.c.subject == _columns.datamart_id,
    )
    return select(
        datamarts, schedules.c.cron, schedules.c.time_zone, schedules.c.nominal_at
    ).select_from(datamarts.outerjoin(schedules, of_schedule))


def _is(datamart_id: str) -> ColumnElement[bool]:
    return _columns.datamart_id == datamart_id


def _of_schema(tenant_id: str, schema: str) -> ColumnElement[bool]:
    own = _columns.tenant_id == tenant_id
    return and_(own, _columns.schema == schema) if schema else own


def _datamart(row: Any) -> Datamart:
    return Datamart(
        datamart_id=row.datamart_id,
        tenant_id=row.tenant_id,
        schema=row.schema,
        name=row.name,
        query=row.query,
        type=MartType(row.type),
        strategy=RefreshStrategy(row.strategy),
        concurrent=row.concurrent,
        description=row.description,
        metadata=row.metadata,
        sources=tuple((schema, name) for schema, name in row.sources),
        status=MartStatus(row.status),
        rows=row.rows_count,
        size_bytes=row.size_bytes,
        last_refresh=row.last_refresh,
        error=row.error,
        unique_key=tuple(row.unique_key),
        created_at=row.created_at,
        latest_refresh_id=row.latest_refresh_id,
        refreshes=row.refreshes,
        seen=row.seen,
        version=_version(row),
        expires_at=row.expires_at,
        schedule=_schedule(row),
    )


def _version(row: Any) -> Version | None:
    if row.version is None:
        return None
    return Version(row.version, row.versioned_name, row.retention_days)


def _schedule(row: Any) -> MartSchedule | None:
    if row.cron is None:
        return None
    return MartSchedule(
        row.schedule_id,
        Schedule(row.cron, row.time_zone),
        row.schedule_concurrent,
        row.nominal_at,
    )
