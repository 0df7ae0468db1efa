"""Statements on tables that rows were loaded into since they were last observed."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.db.dataset_tables import dataset_loads
from headrace_server.db.dialects import upsert

_columns = dataset_loads.c


async def add(
    connection: AsyncConnection, tenant_id: str, full_names: Iterable[str], loaded_at: datetime
) -> None:
    """Note that rows came into tables; whoever observes one just now must do so again."""
    rows = [
        {
            "tenant_id": tenant_id,
            "full_name": full_name,
            "loaded_at": loaded_at,
            "claimed_until": loaded_at,
        }
        for full_name in sorted(full_names)
    ]
    statement = upsert(connection, dataset_loads)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[_columns.tenant_id, _columns.full_name],
            set_={"loaded_at": statement.excluded.loaded_at},
        ),
        rows,
    )


async def claim(
    connection: AsyncConnection, now: datetime, until: datetime
) -> tuple[str, str, datetime] | None:
    """Take the table that waits longest: tenant, full name, and when rows came last."""
    statement = (
        select(dataset_loads)
        .where(_columns.claimed_until <= now)
        .order_by(_columns.loaded_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        return None
    await connection.execute(
        dataset_loads.update().where(_is(row.tenant_id, row.full_name)).values(claimed_until=until)
    )
    return row.tenant_id, row.full_name, row.loaded_at


async def done(
    connection: AsyncConnection, tenant_id: str, full_name: str, loaded_at: datetime
) -> None:
    """Strike a table off; one that more rows came into meanwhile can be taken again at once."""
    own = _is(tenant_id, full_name)
    # Not those before it: another server's clock may be behind.
    await connection.execute(dataset_loads.delete().where(own, _columns.loaded_at == loaded_at))
    await connection.execute(
        dataset_loads.update().where(own).values(claimed_until=_columns.loaded_at)
    )


def _is(tenant_id: str, full_name: str) -> ColumnElement[bool]:
    return and_(_columns.tenant_id == tenant_id, _columns.full_name == full_name)
