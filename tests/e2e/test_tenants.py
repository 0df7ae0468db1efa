"""Keys, scopes and tenants over REST: nobody sees what belongs to another."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from .conftest import (
    COMPREHENSIVE,
    SESSIONS,
    TABLES,
    TENANTS,
    Json,
    Site,
    customer,
    lines,
    names,
    new_id,
    ok,
    reason,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Caller:
    """Somebody with a key."""

    def __init__(self, rest: httpx.AsyncClient, tenant_id: str, key: Json, headers: Json) -> None:
        self.rest = rest
        self.tenant_id = tenant_id
        self.key_id: str = key["api_key"]["key_id"]
        self.headers = headers

    async def send(self, method: str, path: str, **sent: object) -> httpx.Response:
        headers = {**self.headers, **sent.pop("headers", {})}  # type: ignore[dict-item]  # headers
        return await self.rest.request(method, path, headers=headers, **sent)  # type: ignore[arg-type]  # httpx's own

    async def ingest(self) -> str:
        answer = await self.send(
            "POST",
            COMPREHENSIVE,
            params={"file_name": "customers_1.ndjson"},
            content=lines(customer(new_id())),
        )
        return str(ok(answer)["request_id"])


@pytest.fixture
def admin(idle_site: Site) -> dict[str, str]:
    return {"x-api-key": idle_site.admin}


async def call(site: Site, method: str, path: str, headers: Json, body: Json | None = None) -> Json:
    sent = {} if body is None else {"json": body}
    return ok(await site.rest.request(method, path, headers=headers, **sent))  # type: ignore[arg-type]  # json


async def caller(site: Site, *scopes: str, bearer: bool = False, tenant_id: str = "") -> Caller:
    """A caller with a new key, of a new tenant unless one is given."""
    admin = {"x-api-key": site.admin}
    if not tenant_id:
        tenant_id = f"t-{new_id()[:8]}"
        await call(site, "POST", TENANTS, admin, {"tenant_id": tenant_id})
    path = f"{TENANTS}/{tenant_id}/api-keys"
    key = await call(site, "POST", path, admin, {"scopes": scopes or ("READ", "WRITE")})
    secret = key["secret"]
    headers = {"Authorization": f"Bearer {secret}"} if bearer else {"X-API-Key": secret}
    return Caller(site.rest, tenant_id, key, headers)


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong"}, {"authorization": "Bearer x"}])
async def test_without_a_valid_key_nobody_gets_in(idle_site: Site, headers: Json) -> None:
    for path in ("/status", TABLES, TENANTS, "/status/x/watch"):
        answer = await idle_site.rest.get(path, headers=headers)
        assert (answer.status_code, reason(answer)) == (401, "UNAUTHENTICATED")
    upload = await idle_site.rest.post(COMPREHENSIVE, headers=headers, content=b"{}")
    assert upload.status_code == 401


async def test_tenants_are_created_listed_and_suspended(idle_site: Site, admin: Json) -> None:
    site, tenant_id = idle_site, f"t-{new_id()[:8]}"
    made = await call(
        site, "POST", TENANTS + "/", admin, {"tenant_id": tenant_id, "display_name": "Ada & Co"}
    )
    assert (made["status"], made["display_name"]) == ("ACTIVE", "Ada & Co")
    assert await call(site, "GET", f"{TENANTS}/{tenant_id}", admin) == made
    again = await site.rest.post(TENANTS, headers=admin, json={"tenant_id": tenant_id})
    assert (again.status_code, reason(again)) == (409, "ALREADY_EXISTS")
    listed = await call(site, "GET", TENANTS + "?page_size=1000", admin)
    assert tenant_id in names(listed["tenants"], "tenant_id")
    someone = await caller(site, tenant_id=tenant_id)
    assert (await someone.send("GET", "/status")).status_code == 200
    suspended = await call(site, "POST", f"{TENANTS}/{tenant_id}/suspend/", admin, {})
    assert suspended["status"] == "SUSPENDED"
    assert (await someone.send("GET", "/status")).status_code == 401
    await call(site, "POST", f"{TENANTS}/{tenant_id}/reactivate", admin, {})
    assert (await someone.send("GET", "/status")).status_code == 200


async def test_a_secret_is_shown_once(idle_site: Site, admin: Json) -> None:
    someone = await caller(idle_site, "read")
    path = f"{TENANTS}/{someone.tenant_id}/api-keys"
    headers = {**admin, "Idempotency-Key": new_id()}
    body = {"scopes": ["WRITE", "READ"], "description": "nightly"}
    first = await call(idle_site, "POST", path, headers, body)
    replayed = await call(idle_site, "POST", path, headers, body)
    assert "secret" in first
    assert "secret" not in replayed
    assert replayed["api_key"] == first["api_key"]
    listed = await call(idle_site, "GET", path + "/", admin)
    assert names(listed["api_keys"], "key_id") == [first["api_key"]["key_id"], someone.key_id]
    assert first["secret"] not in json.dumps(listed)


async def test_scopes(idle_site: Site) -> None:
    reader, writer = await caller(idle_site, "READ"), await caller(idle_site, "WRITE")
    assert (await reader.send("GET", "/status")).status_code == 200
    refused = await reader.send("POST", SESSIONS, json={"file_name": "customers.ndjson"})
    assert (refused.status_code, reason(refused)) == (403, "MISSING_SCOPE")
    assert (
        await writer.send("POST", SESSIONS, json={"file_name": "customers.ndjson"})
    ).status_code == 200
    refused = await writer.send("GET", "/status")
    assert (refused.status_code, reason(refused)) == (403, "MISSING_SCOPE")
    for someone in (reader, writer):
        assert (await someone.send("GET", TENANTS)).status_code == 403


async def test_another_tenants_things_look_like_ones_that_do_not_exist(idle_site: Site) -> None:
    owner, other = await caller(idle_site, bearer=True), await caller(idle_site)
    request_id = await owner.ingest()
    session = ok(await owner.send("POST", SESSIONS, json={"file_name": "customers.ndjson"}))
    token = session["upload_token"]
    paths = [
        ("GET", "/status/{}", request_id),
        ("GET", "/status/{}/results", request_id),
        ("GET", "/status/{}/watch", request_id),
        ("POST", "/status/{}/watch-token", request_id),
        ("POST", "/ingest/{}/cancel", request_id),
        ("POST", "/ingest/{}/retry", request_id),
        ("GET", "/api/v1/ingest/{}/rejects", request_id),
        ("POST", "/api/v1/ingest/{}/rejects/replay", request_id),
        ("GET", SESSIONS + "/{}/status", token),
        ("PATCH", SESSIONS + "/{}?offset=0", token),
        ("POST", SESSIONS + "/{}/complete", token),
        ("POST", SESSIONS + "/{}/resume", token),
        ("DELETE", SESSIONS + "/{}", token),
    ]
    for method, path, known in paths:
        unknown = new_id()
        body: Json | None = {} if method == "POST" else None
        theirs = await other.send(method, path.format(known), json=body)
        nobodys = await other.send(method, path.format(unknown), json=body)
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.text.replace(known, "ID") == nobodys.text.replace(unknown, "ID")
    headers = {"Upload-Token": token}
    assert (await other.send("POST", COMPREHENSIVE, headers=headers)).status_code == 404
    assert ok(await other.send("GET", "/status"))["statuses"] == []
    assert ok(await owner.send("GET", f"{SESSIONS}/{token}/status")) == session


async def test_each_tenant_has_a_warehouse_of_its_own(idle_site: Site) -> None:
    owner, other = await caller(idle_site), await caller(idle_site)
    request_id = await owner.ingest()
    await idle_site.work()
    assert ok(await owner.send("GET", f"/status/{request_id}"))["status"] == "COMPLETED"
    tables = ok(await owner.send("GET", TABLES))["tables"]
    assert [table["rows"] for table in tables if table["name"] == "customers"] == ["1"]
    assert ok(await other.send("GET", TABLES))["tables"] == []
    assert (await other.send("GET", f"{TABLES}/public/customers")).status_code == 404


async def test_an_admin_acts_for_a_tenant(idle_site: Site, admin: Json) -> None:
    owner, other = await caller(idle_site), await caller(idle_site)
    request_id = await owner.ingest()
    acting = {**admin, "X-Tenant-Id": owner.tenant_id}
    assert (await call(idle_site, "GET", f"/status/{request_id}", acting))["status"] == "PENDING"
    assert (await idle_site.rest.get(f"/status/{request_id}", headers=admin)).status_code == 404
    nobody = await idle_site.rest.get("/status", headers={**admin, "x-tenant-id": "nobody"})
    assert (nobody.status_code, reason(nobody)) == (404, "NOT_FOUND")
    refused = await other.send("GET", "/status", headers={"x-tenant-id": owner.tenant_id})
    assert (refused.status_code, reason(refused)) == (403, "MISSING_SCOPE")


async def first_message(stream: httpx.Response) -> tuple[Json, AsyncIterator[str]]:
    messages = stream.aiter_lines()
    return json.loads(await anext(messages)), messages


@pytest.mark.parametrize("how", ["revoked", "suspended", "token of a revoked key"])
async def test_open_streams_end_with_their_key(idle_site: Site, admin: Json, how: str) -> None:
    owner = await caller(idle_site)
    request_id = await owner.ingest()
    headers, query = dict(owner.headers), {}
    if how.startswith("token"):
        made = ok(await owner.send("POST", f"/status/{request_id}/watch-token", json={}))
        headers, query = {}, {"watch_token": made["watch_token"]}
    path = f"/status/{request_id}/watch"
    async with idle_site.rest.stream("GET", path, headers=headers, params=query) as stream:
        first, messages = await first_message(stream)
        assert first["terminal"] is False
        if how == "suspended":
            await call(idle_site, "POST", f"{TENANTS}/{owner.tenant_id}/suspend", admin, {})
        else:
            key = f"{TENANTS}/{owner.tenant_id}/api-keys/{owner.key_id}"
            assert (await call(idle_site, "DELETE", key, admin))["revoked_at"]
        async with asyncio.timeout(30):
            rest = [json.loads(line) async for line in messages]
    assert not any(message.get("terminal") for message in rest)
    refused = await idle_site.rest.get(path, headers=headers, params=query)
    assert (refused.status_code, reason(refused)) == (401, "UNAUTHENTICATED")
