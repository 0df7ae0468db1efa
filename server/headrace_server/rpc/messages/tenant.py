"""Tenants and their keys."""

from collections.abc import Iterable

from headrace.v1 import tenant_pb2

from headrace_server.model.tenant import ApiKey, Scope, Tenant


def tenant_message(record: Tenant) -> tenant_pb2.Tenant:
    """Show a tenant."""
    return tenant_pb2.Tenant(
        tenant_id=record.tenant_id,
        display_name=record.display_name,
        status=record.status.name,
        created_at=record.created_at,
    )


def api_key_message(record: ApiKey) -> tenant_pb2.ApiKey:
    """Show a key, which never holds its secret."""
    return tenant_pb2.ApiKey(
        key_id=record.key_id,
        tenant_id=record.tenant_id,
        description=record.description,
        scopes=[scope.name for scope in Scope if scope in record.scopes],
        created_at=record.created_at,
        revoked_at=record.revoked_at,
    )


def scopes_of(scopes: Iterable[tenant_pb2.ApiKey.Scope]) -> frozenset[Scope]:
    """Read scopes."""
    return frozenset(Scope[tenant_pb2.ApiKey.Scope.Name(scope)] for scope in scopes)
