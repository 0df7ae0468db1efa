import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.state import State


def test_the_life_of_a_tenant(run: Callable[..., Result]) -> None:
    assert "ACTIVE" in run("tenants", "create", "acme", "--display-name", "Acme").stdout
    assert "SUSPENDED" in run("tenants", "suspend", "acme").stdout
    assert "ACTIVE" in run("tenants", "reactivate", "acme").stdout
    assert "Acme" in run("tenants", "show", "acme").stdout
    assert json.loads(run("tenants", "list", "--json").stdout)["tenant_id"] == "acme"
    assert run("tenants", "create", "acme").exit_code == 1


def test_the_life_of_a_key(run: Callable[..., Result], state: "State") -> None:
    created = run("keys", "create", "acme", "--scope", "read", "--scope", "WRITE")
    assert "s3cret" in created.stdout
    assert "READ, WRITE" in run("keys", "list", "acme").stdout
    revoked = json.loads(run("keys", "revoke", "acme", "k0", "--json").stdout)
    assert revoked["revoked_at"]
    fields = json.loads(run("keys", "create", "acme", "--scope", "admin", "--json").stdout)
    assert fields["api_key"]["scopes"] == ["ADMIN"]


def test_an_admin_acts_for_a_tenant(run: Callable[..., Result], state: "State") -> None:
    run("tables", "--tenant-id", "acme")
    assert state.calls[-1][1]["x-tenant-id"] == "acme"
