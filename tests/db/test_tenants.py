import asyncio
from dataclasses import replace
from datetime import datetime

from headrace_server.db import tenants
from headrace_server.db.engine import ControlStore
from headrace_server.model.tenant import Tenant, TenantStatus


async def test_a_tenant_is_inserted_once(store: ControlStore, now: datetime) -> None:
    tenant = Tenant("initech", "Initech", TenantStatus.ACTIVE, now)
    async with store.begin() as connection:
        assert await tenants.insert(connection, tenant)
        assert not await tenants.insert(connection, replace(tenant, display_name="other"))
        # The transaction goes on.
        assert await tenants.find(connection, "initech") == tenant
        assert await tenants.find(connection, "nobody") is None


async def test_tenants_are_listed_by_id(store: ControlStore) -> None:
    async with store.read() as connection:
        assert [t.tenant_id for t in await tenants.list_after(connection, "", 9)] == [
            "acme",
            "globex",
        ]
        assert [t.tenant_id for t in await tenants.list_after(connection, "", 1)] == ["acme"]
        assert [t.tenant_id for t in await tenants.list_after(connection, "acme", 9)] == ["globex"]


async def test_the_status_changes_for_one_tenant_only(store: ControlStore) -> None:
    async with store.begin() as connection:
        await tenants.set_status(connection, "acme", TenantStatus.SUSPENDED)
        listed = await tenants.list_after(connection, "", 9)
    assert [t.status for t in listed] == [TenantStatus.SUSPENDED, TenantStatus.ACTIVE]


async def test_one_of_many_inserts_wins(store: ControlStore, now: datetime) -> None:
    async def insert(number: int) -> bool:
        async with store.begin() as connection:
            tenant = Tenant("new", str(number), TenantStatus.ACTIVE, now)
            return await tenants.insert(connection, tenant)

    assert sorted(await asyncio.gather(*map(insert, range(10)))) == [False] * 9 + [True]
