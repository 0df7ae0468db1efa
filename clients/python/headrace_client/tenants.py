"""Calls of TenantService, for admins."""

from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from headrace.v1 import tenant_service_pb2 as pb
from headrace.v1.tenant_pb2 import ApiKey, Tenant
from headrace.v1.tenant_service_pb2_grpc import TenantServiceStub

from headrace_client.connection import Connection

if TYPE_CHECKING:
    from headrace.v1.tenant_service_pb2_grpc import TenantServiceAsyncStub


class TenantCalls(Connection):
    """TenantService of a Client. Every method raises HeadraceError."""

    @cached_property
    def _tenants(self) -> "TenantServiceAsyncStub":
        return TenantServiceStub(self.channel)

    async def create_tenant(
        self, tenant_id: str, display_name: str = "", *, idempotency_key: str | None = None
    ) -> Tenant:
        """Create a tenant and its warehouse."""
        request = pb.CreateTenantRequest(tenant_id=tenant_id, display_name=display_name)
        return await self.mutate(self._tenants.CreateTenant, request, idempotency_key)

    async def get_tenant(self, tenant_id: str) -> Tenant:
        """Get a tenant."""
        return await self.call(self._tenants.GetTenant, pb.GetTenantRequest(tenant_id=tenant_id))

    async def list_tenants(self, *, page_size: int = 0) -> AsyncIterator[Tenant]:
        """Yield the tenants by id."""
        request = pb.ListTenantsRequest(page_size=page_size)
        async for page in self.pages(self._tenants.ListTenants, request):
            for tenant in page.tenants:
                yield tenant

    async def suspend_tenant(self, tenant_id: str) -> Tenant:
        """Suspend a tenant: its keys stop working."""
        request = pb.SuspendTenantRequest(tenant_id=tenant_id)
        return await self.call(self._tenants.SuspendTenant, request)

    async def reactivate_tenant(self, tenant_id: str) -> Tenant:
        """Let a suspended tenant call again."""
        request = pb.ReactivateTenantRequest(tenant_id=tenant_id)
        return await self.call(self._tenants.ReactivateTenant, request)

    async def create_api_key(
        self,
        tenant_id: str,
        scopes: Sequence[ApiKey.Scope],
        description: str = "",
        *,
        idempotency_key: str | None = None,
    ) -> pb.CreateApiKeyResponse:
        """Create a key. Its secret is in this answer and nowhere else."""
        request = pb.CreateApiKeyRequest(
            tenant_id=tenant_id, scopes=scopes, description=description
        )
        return await self.mutate(self._tenants.CreateApiKey, request, idempotency_key)

    async def list_api_keys(self, tenant_id: str, *, page_size: int = 0) -> AsyncIterator[ApiKey]:
        """Yield the keys of a tenant, newest first, the revoked ones included."""
        request = pb.ListApiKeysRequest(tenant_id=tenant_id, page_size=page_size)
        async for page in self.pages(self._tenants.ListApiKeys, request):
            for api_key in page.api_keys:
                yield api_key

    async def revoke_api_key(self, tenant_id: str, key_id: str) -> ApiKey:
        """Revoke a key for good."""
        request = pb.RevokeApiKeyRequest(tenant_id=tenant_id, key_id=key_id)
        return await self.call(self._tenants.RevokeApiKey, request)
