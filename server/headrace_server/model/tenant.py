"""Tenants, their keys, and who is calling."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class TenantStatus(Enum):
    """Whether a tenant may call."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class Scope(Enum):
    """What a key may do. ADMIN implies the others, for every tenant."""

    READ = "READ"
    WRITE = "WRITE"
    WORKER = "WORKER"
    ADMIN = "ADMIN"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A customer of the server."""

    tenant_id: str
    display_name: str
    status: TenantStatus
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key; its secret is kept as a SHA-256 only, since it is long and random."""

    key_id: str
    tenant_id: str
    description: str
    scopes: frozenset[Scope]
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, as whom."""

    tenant_id: str
    scopes: frozenset[Scope]
    #: None for an anonymous caller or a watch token
    key_id: str | None

    def may(self, scope: Scope) -> bool:
        """Whether the caller holds the scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    @property
    def works_only(self) -> bool:
        """Whether the caller may do nothing but carry out remote jobs."""
        return self.scopes == {Scope.WORKER}
