"""tenants and keys, for admins."""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Annotated

import typer
from headrace.v1.tenant_pb2 import ApiKey, Tenant

from headrace_client.client import Client
from headrace_client.commands.output import Output, when
from headrace_client.commands.session import CLEAN, EPILOG, run

tenants = typer.Typer(no_args_is_help=True, help="Tenants, with an admin key.")
keys = typer.Typer(no_args_is_help=True, help="API keys, with an admin key.")

TenantId = Annotated[str, typer.Argument(metavar="TENANT", help="The id of the tenant.")]


class ScopeName(Enum):
    """The names of the scopes, as typed."""

    READ = "read"
    WRITE = "write"
    WORKER = "worker"
    ADMIN = "admin"


_SCOPES: dict[ScopeName, ApiKey.Scope] = {
    ScopeName.READ: ApiKey.READ,
    ScopeName.WRITE: ApiKey.WRITE,
    ScopeName.WORKER: ApiKey.WORKER,
    ScopeName.ADMIN: ApiKey.ADMIN,
}


@tenants.command("list", epilog=EPILOG)
def list_tenants(context: typer.Context) -> None:
    """List the tenants."""

    async def work(client: Client, output: Output) -> int:
        _print_tenants([tenant async for tenant in client.list_tenants()], output)
        return CLEAN

    run(context, work)


@tenants.command("create", epilog=EPILOG)
def create_tenant(
    context: typer.Context,
    tenant: TenantId,
    display_name: Annotated[str, typer.Option(help="The name shown to people.")] = "",
) -> None:
    """Create a tenant and its warehouse."""
    _on_tenant(context, lambda client: client.create_tenant(tenant, display_name))


@tenants.command("show", epilog=EPILOG)
def show_tenant(context: typer.Context, tenant: TenantId) -> None:
    """Show a tenant."""
    _on_tenant(context, lambda client: client.get_tenant(tenant))


@tenants.command("suspend", epilog=EPILOG)
def suspend_tenant(context: typer.Context, tenant: TenantId) -> None:
    """Suspend a tenant: its keys stop working, its data is kept."""
    _on_tenant(context, lambda client: client.suspend_tenant(tenant))


@tenants.command("reactivate", epilog=EPILOG)
def reactivate_tenant(context: typer.Context, tenant: TenantId) -> None:
    """Let a suspended tenant call again."""
    _on_tenant(context, lambda client: client.reactivate_tenant(tenant))


@keys.command("list", epilog=EPILOG)
def list_keys(context: typer.Context, tenant: TenantId) -> None:
    """List the keys of a tenant, newest first."""

    async def work(client: Client, output: Output) -> int:
        _print_keys([key async for key in client.list_api_keys(tenant)], output)
        return CLEAN

    run(context, work)


@keys.command("create", epilog=EPILOG)
def create_key(
    context: typer.Context,
    tenant: TenantId,
    scope: Annotated[
        list[ScopeName], typer.Option(case_sensitive=False, help="May be given several times.")
    ],
    description: Annotated[str, typer.Option(help="What the key is for.")] = "",
) -> None:
    """Create a key and print its secret, once.

    Example:
    - `headrace keys create acme --scope read --scope write --description "nightly load"`

    """
    scopes = [_SCOPES[name] for name in dict.fromkeys(scope)]

    async def work(client: Client, output: Output) -> int:
        answer = await client.create_api_key(tenant, scopes, description)
        if output.json:
            output.document(answer)
        else:
            output.say(f"key {answer.api_key.key_id} for {tenant}; its secret, shown only now:")
            output.say(answer.secret)
        return CLEAN

    run(context, work)


@keys.command("revoke", epilog=EPILOG)
def revoke_key(
    context: typer.Context,
    tenant: TenantId,
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="The id of the key.")],
) -> None:
    """Revoke a key for good."""

    async def work(client: Client, output: Output) -> int:
        _print_keys([await client.revoke_api_key(tenant, key_id)], output)
        return CLEAN

    run(context, work)


def _on_tenant(context: typer.Context, call: Callable[[Client], Awaitable[Tenant]]) -> None:
    async def work(client: Client, output: Output) -> int:
        _print_tenants([await call(client)], output)
        return CLEAN

    run(context, work)


def _print_tenants(found: list[Tenant], output: Output) -> None:
    if output.json:
        for tenant in found:
            output.document(tenant)
        return
    rows = [
        (t.tenant_id, t.display_name, Tenant.Status.Name(t.status), when(t, "created_at"))
        for t in found
    ]
    output.table(("id", "name", "status", "created"), rows)


def _print_keys(found: list[ApiKey], output: Output) -> None:
    if output.json:
        for key in found:
            output.document(key)
        return
    rows = [
        (
            key.key_id,
            ", ".join(ApiKey.Scope.Name(scope) for scope in key.scopes),
            key.description,
            when(key, "created_at"),
            when(key, "revoked_at"),
        )
        for key in found
    ]
    output.table(("id", "scopes", "description", "created", "revoked"), rows)
