"""Finds out who calls, as which tenant, and whether they may."""

from dataclasses import replace
from functools import partial
from typing import Any

from headrace_server.core.exports.links import DownloadLinks
from headrace_server.core.tenants import DEFAULT_TENANT, Tenants
from headrace_server.core.watching import Watches
from headrace_server.model.errors import MissingScopeError, UnauthenticatedError
from headrace_server.model.tenant import Principal, Scope
from headrace_server.rpc.call import Call
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.methods import Method

#: who everybody is as long as no key is configured; managing tenants always needs a key
ANONYMOUS = Principal(DEFAULT_TENANT, frozenset({Scope.READ, Scope.WRITE, Scope.WORKER}), None)

#: the method that a signed link calls
_DOWNLOAD = "headrace.v1.ExportService/DownloadExport"


class Authentication:
    """Takes `x-api-key` or `authorization: Bearer`, and `x-tenant-id` from admins."""

    def __init__(
        self, tenants: Tenants, watches: Watches, links: DownloadLinks, *, allow_anonymous: bool
    ) -> None:
        self._tenants = tenants
        self._watches = watches
        self._links = links
        self._allow_anonymous = allow_anonymous

    def wrap(self, method: Method, handler: Handler) -> Handler:
        scope = method.scope
        if scope is None:
            return handler
        takes_token = _takes_watch_token(method)
        takes_link = method.full_name == _DOWNLOAD

        async def authenticated(call: Call, request: Any) -> Any:
            still_allowed = self._tenants.revalidate
            if takes_token and request.watch_token:
                token, topic = request.watch_token, request.request_id
                principal = await self._watches.principal_of(token, topic)
            elif takes_link and request.signature:
                principal = await self._links.principal_of(
                    request.export_id, request.expires, request.signature
                )
                still_allowed = self._links.still_speaks
            else:
                principal = await self._identify(call)
            call.principal = _admitted(principal, scope, for_workers=method.for_workers)
            call.still_allowed = partial(still_allowed, principal)
            return await handler(call, request)

        return authenticated

    async def _identify(self, call: Call) -> Principal:
        secret, acting_for = _secret_of(call), call.header("x-tenant-id")
        if secret is not None:
            try:
                return await self._tenants.authenticate(secret, acting_for)
            except UnauthenticatedError:
                # As long as no key is configured, credentials sent all the same are ignored.
                if not await self._is_anonymous_allowed():
                    raise
        elif not await self._is_anonymous_allowed():
            raise UnauthenticatedError(
                "no API key came with the call: send it as x-api-key or authorization: Bearer"
            )
        if acting_for not in {None, ANONYMOUS.tenant_id}:
            raise MissingScopeError("acting for a tenant needs a key of scope ADMIN", scope="admin")
        return ANONYMOUS

    async def _is_anonymous_allowed(self) -> bool:
        return self._allow_anonymous and await self._tenants.anonymous_allowed()


def _admitted(principal: Principal, scope: Scope, *, for_workers: bool) -> Principal:
    """Return as whom the caller is let in; whatever else its key may do, a worker only works."""
    if principal.may(scope):
        return principal
    if for_workers and principal.may(Scope.WORKER):
        return replace(principal, scopes=frozenset({Scope.WORKER}))
    name = scope.name.lower()
    raise MissingScopeError(f"the key lacks the scope {name!r}", scope=name)


def _secret_of(call: Call) -> str | None:
    key = call.header("x-api-key")
    if key is not None:
        return key
    scheme, _, token = (call.header("authorization") or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _takes_watch_token(method: Method) -> bool:
    request_class = method.request_class
    if request_class is None or method.client_streaming:
        return False
    return "watch_token" in request_class.DESCRIPTOR.fields_by_name
