"""Tenants, their keys, and who is calling."""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from headrace_server.core.api_secrets import hash_of, is_secret_of, key_id_of, new_secret
from headrace_server.core.pages import decode_token, invalid_token, page_of
from headrace_server.core.recent import RecentlyRead
from headrace_server.db import api_keys as key_rows
from headrace_server.db import tenants as tenant_rows
from headrace_server.db.api_keys import StoredKey
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import API_KEYS, Wakeups
from headrace_server.model.errors import (
    AlreadyExistsError,
    MissingScopeError,
    NotFoundError,
    UnauthenticatedError,
)
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.tenant import ApiKey, Principal, Scope, Tenant, TenantStatus

#: the tenant of anonymous callers
DEFAULT_TENANT = "default"

#: how long a key that another server revoked may work where its wake-up was lost
_TRUST_SECONDS = 5.0
_MOST_KEPT = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TENANT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class _WorkingKey:
    """A key that is neither revoked nor of a suspended tenant."""

    #: who calls with it, as the key's own tenant
    principal: Principal
    #: SHA-256 of the secret in hexadecimal
    secret_hash: str


class Tenants:
    """Tenants and API keys. Changes hold at once here, and in other servers by a wake-up."""

    def __init__(
        self,
        store: ControlStore,
        wakeups: Wakeups,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._wakeups = wakeups
        self._clock = clock
        self._keys = RecentlyRead[_WorkingKey](_TRUST_SECONDS, _MOST_KEPT)
        self._tenants = RecentlyRead[Tenant](_TRUST_SECONDS, _MOST_KEPT)
        wakeups.call_back(API_KEYS, self._forget)

    async def create(self, tenant_id: str, display_name: str = "") -> Tenant:
        """Create a tenant; its name is the id unless given. Raises AlreadyExistsError."""
        tenant = self._new_tenant(tenant_id, display_name)
        async with self._store.begin() as connection:
            if not await tenant_rows.insert(connection, tenant):
                raise AlreadyExistsError("tenant", tenant_id)
        return tenant

    async def ensure_default(self) -> None:
        """Create the tenant of anonymous callers where there is none."""
        async with self._store.begin() as connection:
            await tenant_rows.insert(connection, self._new_tenant(DEFAULT_TENANT, ""))

    async def get(self, tenant_id: str) -> Tenant:
        """Return a tenant. Raises NotFoundError."""
        async with self._store.read() as connection:
            tenant = await tenant_rows.find(connection, tenant_id)
        return _found(tenant, tenant_id)

    async def list(self, page: PageRequest) -> Page[Tenant]:
        """Return a page of the tenants, by id. Raises InvalidFieldError for a bad page token."""
        (after,) = decode_token(page.token, str) if page.token else ("",)
        async with self._store.read() as connection:
            rows = await tenant_rows.list_after(connection, str(after), page.limit + 1)
        return page_of(rows, page.limit, lambda tenant: [tenant.tenant_id])

    async def suspend(self, tenant_id: str) -> Tenant:
        """Make the tenant's keys stop working; its data is kept. Raises NotFoundError."""
        return await self._set_status(tenant_id, TenantStatus.SUSPENDED)

    async def reactivate(self, tenant_id: str) -> Tenant:
        """Let the tenant's keys work again. Raises NotFoundError."""
        return await self._set_status(tenant_id, TenantStatus.ACTIVE)

    async def create_key(
        self, tenant_id: str, description: str, scopes: Iterable[Scope]
    ) -> tuple[ApiKey, str]:
        """Create a key; return it with its secret, which is kept nowhere. Raises NotFoundError."""
        key_id, secret = new_secret()
        key = ApiKey(key_id, tenant_id, description, frozenset(scopes), self._clock(), None)
        async with self._store.begin() as connection:
            _found(await tenant_rows.find(connection, tenant_id), tenant_id)
            await key_rows.insert(connection, StoredKey(key, hash_of(secret)))
        self._wakeups.notify(API_KEYS)
        return key, secret

    async def list_keys(self, tenant_id: str, page: PageRequest) -> Page[ApiKey]:
        """Return a page of a tenant's keys, newest first, the revoked ones included.

        Raises NotFoundError, InvalidFieldError for a bad page token.
        """
        before = _key_position(page.token) if page.token else None
        async with self._store.read() as connection:
            _found(await tenant_rows.find(connection, tenant_id), tenant_id)
            rows = await key_rows.list_before(connection, tenant_id, before, page.limit + 1)
        return page_of(rows, page.limit, _position)

    async def revoke_key(self, tenant_id: str, key_id: str) -> ApiKey:
        """Revoke a key for good; a second time changes nothing. Raises NotFoundError."""
        async with self._store.begin() as connection:
            await key_rows.revoke(connection, tenant_id, key_id, self._clock())
            stored = await key_rows.find(connection, key_id)
        if stored is None or stored.key.tenant_id != tenant_id:
            raise NotFoundError("API key", key_id)
        self._wakeups.notify(API_KEYS)
        return stored.key

    async def authenticate(self, secret: str, acting_for: str | None = None) -> Principal:
        """Return who calls with this secret, as the tenant `acting_for` where that is given.

        Raises UnauthenticatedError for a secret that is unknown, revoked or of a suspended tenant;
        MissingScopeError for `acting_for` another tenant without ADMIN; NotFoundError where an
        admin acts for a tenant that does not exist.
        """
        key_id = key_id_of(secret)
        key = await self._working_key(key_id) if key_id else None
        if key is None or not is_secret_of(secret, key.secret_hash):
            raise UnauthenticatedError(
                "the API key is unknown or revoked, or its tenant is suspended"
            )
        caller = key.principal
        if not acting_for or acting_for == caller.tenant_id:
            return caller
        if not caller.may(Scope.ADMIN):
            raise MissingScopeError("acting for a tenant needs a key of scope ADMIN", scope="admin")
        _found(await self._tenant(acting_for), acting_for)
        return replace(caller, tenant_id=acting_for)

    async def revalidate(self, principal: Principal) -> bool:
        """Whether the principal of an open stream would be let in now."""
        if principal.key_id is None:
            return principal.tenant_id == DEFAULT_TENANT and await self.anonymous_allowed()
        key = await self._working_key(principal.key_id)
        if key is None:
            return False
        if key.principal.tenant_id == principal.tenant_id:
            return True
        admin = key.principal.may(Scope.ADMIN)
        return admin and await self._tenant(principal.tenant_id) is not None

    async def is_active(self, tenant_id: str) -> bool:
        """Whether a tenant is there and not suspended."""
        tenant = await self._tenant(tenant_id)
        return tenant is not None and tenant.status is TenantStatus.ACTIVE

    async def anonymous_allowed(self) -> bool:
        """Whether no key was ever created.

        Read anew each time: the first key comes from a process of its own, and must hold at once.
        Revoking the last key lets nobody in without one: the server may listen to the world by
        then.
        """
        async with self._store.read() as connection:
            return not await key_rows.any_exist(connection)

    def _new_tenant(self, tenant_id: str, display_name: str) -> Tenant:
        return Tenant(tenant_id, display_name or tenant_id, TenantStatus.ACTIVE, self._clock())

    async def _set_status(self, tenant_id: str, status: TenantStatus) -> Tenant:
        async with self._store.begin() as connection:
            await tenant_rows.set_status(connection, tenant_id, status)
            tenant = await tenant_rows.find(connection, tenant_id)
        self._wakeups.notify(API_KEYS)
        return _found(tenant, tenant_id)

    def _forget(self) -> None:
        self._keys.forget()
        self._tenants.forget()

    def _working_key(self, key_id: str) -> Awaitable[_WorkingKey | None]:
        return self._keys.get(key_id, lambda: self._read_working_key(key_id))

    async def _tenant(self, tenant_id: str) -> Tenant | None:
        if _TENANT_ID.fullmatch(tenant_id) is None:
            return None
        return await self._tenants.get(tenant_id, lambda: self._read_tenant(tenant_id))

    async def _read_working_key(self, key_id: str) -> _WorkingKey | None:
        async with self._store.read() as connection:
            stored = await key_rows.find(connection, key_id)
            if stored is None or stored.key.revoked_at is not None:
                return None
            tenant = await tenant_rows.find(connection, stored.key.tenant_id)
        if tenant is None or tenant.status is not TenantStatus.ACTIVE:
            return None
        return _WorkingKey(
            Principal(tenant.tenant_id, stored.key.scopes, key_id), stored.secret_hash
        )

    async def _read_tenant(self, tenant_id: str) -> Tenant | None:
        async with self._store.read() as connection:
            return await tenant_rows.find(connection, tenant_id)


def _found(tenant: Tenant | None, tenant_id: str) -> Tenant:
    if tenant is None:
        raise NotFoundError("tenant", tenant_id)
    return tenant


def _key_position(token: str) -> tuple[datetime, str]:
    microseconds, key_id = decode_token(token, int, str)
    try:
        return _EPOCH + timedelta(microseconds=int(microseconds)), str(key_id)
    except OverflowError as error:
        raise invalid_token() from error


def _position(key: ApiKey) -> tuple[int, str]:
    return (key.created_at - _EPOCH) // timedelta(microseconds=1), key.key_id
