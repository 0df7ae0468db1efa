"""TenantService."""

# ruff: noqa: N802, ARG002  # names and signatures are those of the protos

from headrace.v1 import tenant_pb2, tenant_service_pb2_grpc
from headrace.v1 import tenant_service_pb2 as pb

from headrace_server.core.tenants import Tenants
from headrace_server.rpc.call import Context
from headrace_server.rpc.messages.page import page_request
from headrace_server.rpc.messages.tenant import api_key_message, scopes_of, tenant_message


class TenantServicer(tenant_service_pb2_grpc.TenantServiceServicer):
    """Manages tenants and their keys, for admins."""

    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants

    async def CreateTenant(
        self, request: pb.CreateTenantRequest, context: Context
    ) -> tenant_pb2.Tenant:
        return tenant_message(await self._tenants.create(request.tenant_id, request.display_name))

    async def GetTenant(self, request: pb.GetTenantRequest, context: Context) -> tenant_pb2.Tenant:
        return tenant_message(await self._tenants.get(request.tenant_id))

    async def ListTenants(
        self, request: pb.ListTenantsRequest, context: Context
    ) -> pb.ListTenantsResponse:
        page = await self._tenants.list(page_request(request))
        return pb.ListTenantsResponse(
            tenants=map(tenant_message, page.items), next_page_token=page.next_token
        )

    async def SuspendTenant(
        self, request: pb.SuspendTenantRequest, context: Context
    ) -> tenant_pb2.Tenant:
        return tenant_message(await self._tenants.suspend(request.tenant_id))

    async def ReactivateTenant(
        self, request: pb.ReactivateTenantRequest, context: Context
    ) -> tenant_pb2.Tenant:
        return tenant_message(await self._tenants.reactivate(request.tenant_id))

    async def CreateApiKey(
        self, request: pb.CreateApiKeyRequest, context: Context
    ) -> pb.CreateApiKeyResponse:
        key, secret = await self._tenants.create_key(
            request.tenant_id, request.description, scopes_of(request.scopes)
        )
        return pb.CreateApiKeyResponse(api_key=api_key_message(key), secret=secret)

    async def ListApiKeys(
        self, request: pb.ListApiKeysRequest, context: Context
    ) -> pb.ListApiKeysResponse:
        page = await self._tenants.list_keys(request.tenant_id, page_request(request))
        return pb.ListApiKeysResponse(
            api_keys=map(api_key_message, page.items), next_page_token=page.next_token
        )

    async def RevokeApiKey(
        self, request: pb.RevokeApiKeyRequest, context: Context
    ) -> tenant_pb2.ApiKey:
        return api_key_message(await self._tenants.revoke_key(request.tenant_id, request.key_id))
