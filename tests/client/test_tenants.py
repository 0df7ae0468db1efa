from typing import TYPE_CHECKING

from headrace.v1.tenant_pb2 import ApiKey, Tenant

from headrace_client import Client

if TYPE_CHECKING:
    from client.fake.server import FakeServer


async def test_tenants(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        for name in ("acme", "blue", "cyan"):
            await client.create_tenant(name)
        assert [t.tenant_id async for t in client.list_tenants()] == ["acme", "blue", "cyan"]
        assert (await client.suspend_tenant("acme")).status == Tenant.SUSPENDED
        assert (await client.get_tenant("acme")).status == Tenant.SUSPENDED
        assert (await client.reactivate_tenant("acme")).status == Tenant.ACTIVE


async def test_keys(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        created = await client.create_api_key("acme", [ApiKey.READ], "nightly")
        assert created.secret
        assert [key.description async for key in client.list_api_keys("acme")] == ["nightly"]
        revoked = await client.revoke_api_key("acme", created.api_key.key_id)
        assert revoked.HasField("revoked_at")
