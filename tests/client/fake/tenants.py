"""Tenants and their keys."""

from typing import Any

import grpc
from headrace.v1 import tenant_pb2, tenant_service_pb2, tenant_service_pb2_grpc

from .refusals import Context, fail, not_found
from .room import NOW, Room


class Tenants(Room, tenant_service_pb2_grpc.TenantServiceServicer):
    def CreateTenant(self, request: Any, context: Context) -> Any:  # noqa: N802
        def create() -> tenant_pb2.Tenant:
            if request.tenant_id in self.state.tenants:
                fail(context, grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS", "it exists")
            self.state.tenants[request.tenant_id] = tenant_pb2.Tenant(
                tenant_id=request.tenant_id, display_name=request.display_name,
                status=tenant_pb2.Tenant.ACTIVE,
            )  # fmt: skip
            return self.state.tenants[request.tenant_id]

        return self.once(context, "CreateTenant", create)

    def GetTenant(self, request: Any, context: Context) -> Any:  # noqa: N802
        if request.tenant_id not in self.state.tenants:
            not_found(context, "tenant", request.tenant_id)
        return self.state.tenants[request.tenant_id]

    def ListTenants(self, request: Any, context: Context) -> Any:  # noqa: N802
        tenants, token = self.page(list(self.state.tenants.values()), request)
        return tenant_service_pb2.ListTenantsResponse(tenants=tenants, next_page_token=token)

    def SuspendTenant(self, request: Any, context: Context) -> Any:  # noqa: N802
        tenant = self.GetTenant(request, context)
        tenant.status = tenant_pb2.Tenant.SUSPENDED
        return tenant

    def ReactivateTenant(self, request: Any, context: Context) -> Any:  # noqa: N802
        tenant = self.GetTenant(request, context)
        tenant.status = tenant_pb2.Tenant.ACTIVE
        return tenant

    def CreateApiKey(self, request: Any, context: Context) -> Any:  # noqa: N802
        key = tenant_pb2.ApiKey(
            key_id=f"k{len(self.state.api_keys)}", tenant_id=request.tenant_id,
            description=request.description, scopes=request.scopes,
        )  # fmt: skip
        self.state.api_keys.append(key)
        return tenant_service_pb2.CreateApiKeyResponse(api_key=key, secret="s3cret")  # noqa: S106

    def ListApiKeys(self, request: Any, context: Context) -> Any:  # noqa: N802
        keys, token = self.page(self.state.api_keys, request)
        return tenant_service_pb2.ListApiKeysResponse(api_keys=keys, next_page_token=token)

    def RevokeApiKey(self, request: Any, context: Context) -> Any:  # noqa: N802
        key = next(k for k in self.state.api_keys if k.key_id == request.key_id)
        key.revoked_at.CopyFrom(NOW)
        return key
