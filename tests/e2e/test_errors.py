"""Errors over REST: google.rpc.Status with details, and the right HTTP status."""

import httpx
import pytest

from .conftest import (
    COMPREHENSIVE,
    CONTRACTS,
    SESSIONS,
    TABLES,
    TENANTS,
    Json,
    Site,
    bad_fields,
    detail,
    names,
    ok,
    reason,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "11111111-2222-3333-4444-555555555555"
TABLE: Json = {
    "name": "things",
    "columns": [{"name": "id", "type": "INTEGER"}],
    "primary_key": ["id"],
}
CONTRACT: Json = {"name": "things", "tables": [TABLE]}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/status/{UNKNOWN}"),
        ("GET", f"/status/{UNKNOWN}/results"),
        ("GET", f"/status/{UNKNOWN}/watch"),
        ("POST", f"/status/{UNKNOWN}/watch-token"),
        ("POST", f"/ingest/{UNKNOWN}/cancel"),
        ("POST", f"/ingest/{UNKNOWN}/retry"),
        ("GET", f"/api/v1/ingest/{UNKNOWN}/rejects"),
        ("POST", f"/api/v1/ingest/{UNKNOWN}/rejects/replay"),
        ("GET", f"{SESSIONS}/{UNKNOWN}/status"),
        ("PATCH", f"{SESSIONS}/{UNKNOWN}?offset=0"),
        ("POST", f"{SESSIONS}/{UNKNOWN}/complete"),
        ("POST", f"{SESSIONS}/{UNKNOWN}/resume"),
        ("DELETE", f"{SESSIONS}/{UNKNOWN}"),
        ("GET", f"{CONTRACTS}/unknown"),
        ("GET", f"{TABLES}/public/unknown"),
    ],
)
async def test_what_does_not_exist_is_not_found(site: Site, method: str, path: str) -> None:
    answer = await site.rest.request(method, path, json={} if method == "POST" else None)
    assert (answer.status_code, answer.json()["code"], reason(answer)) == (404, 5, "NOT_FOUND")
    assert detail(answer, "ResourceInfo")["resource_type"]


async def test_wrong_fields_are_named(site: Site) -> None:
    async def wrong(path: str, **query: str) -> list[str]:
        return bad_fields(await site.rest.get(path, params=query))

    assert await wrong("/status/no%20id") == ["request_id"]
    assert await wrong("/status", page_size="-1") == ["page_size"]
    assert await wrong("/status", page_size="1001") == ["page_size"]
    assert await wrong("/status", page_token="made-up") == ["page_token"]  # noqa: S106  # none
    assert await wrong(f"/status/{UNKNOWN}/watch", after_revision="-1") == ["after_revision"]
    assert await wrong(f"{CONTRACTS}/Not-A-Name") == ["name"]
    assert await wrong(f"{TABLES}/public/a;b") == ["table"]


async def test_two_wrong_fields_are_both_named(site: Site) -> None:
    answer = await site.rest.post(SESSIONS, json={"file_name": "", "sha256": "x"})
    assert sorted(bad_fields(answer)) == ["file_name", "sha256"]
    assert reason(answer) == "INVALID_FIELD"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, 5),
        ("GET", "/status?unknown=1", 400, 3),
        ("GET", "/status?page_size=many", 400, 3),
        ("GET", "/status?status=SOMEHOW", 400, 3),
        ("POST", "/health", 404, 5),
    ],
)
async def test_what_envoy_refuses_has_the_same_shape(
    site: Site, method: str, path: str, status: int, code: int
) -> None:
    answer = await site.rest.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["code"] == code
    assert answer.json()["message"]


@pytest.mark.parametrize("body", ['{"file_name": ', "[1]", '{"file_name": 7}'])
async def test_a_broken_body_is_a_bad_request(site: Site, body: str) -> None:
    answer = await site.rest.post(SESSIONS, content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert answer.json()["message"]


async def test_a_message_of_9_mb_is_to_be_split(site: Site) -> None:
    answer = await site.rest.post(SESSIONS, content=b'{"file_name": "' + b"x" * 9_000_000 + b'"}')
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert "split it into several" in answer.json()["message"]


async def test_a_message_of_17_mb_is_too_large(site: Site) -> None:
    answer = await site.rest.post(SESSIONS, content=b'{"file_name": "' + b"x" * 17_000_000 + b'"}')
    assert (answer.status_code, answer.json()["code"]) == (429, 8)


async def test_headers_that_are_too_large(site: Site) -> None:
    answer = await site.rest.get("/health", headers={"x-long": "x" * 20_000})
    assert (answer.status_code, answer.json()["code"]) == (431, 8)


async def test_more_streams_than_a_tenant_may_hold(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await site.ingest("customers_1.ndjson", b"")
    limits = site.core.services.watches._limits
    monkeypatch.setattr(type(limits), "watches", property(lambda _: 0), raising=False)
    refused = await site.rest.get(f"/status/{answer['request_id']}/watch")
    assert (refused.status_code, reason(refused)) == (429, "QUOTA_EXCEEDED")
    assert detail(refused, "QuotaFailure")["violations"][0]["subject"] == "watches"
    assert detail(refused, "RetryInfo")["retry_delay"]


async def test_managing_tenants_needs_a_key_even_here(site: Site) -> None:
    answer = await site.rest.get(TENANTS)
    assert (answer.status_code, reason(answer)) == (403, "MISSING_SCOPE")
    acting = await site.rest.get("/status", headers={"x-tenant-id": "other"})
    assert (acting.status_code, reason(acting)) == (403, "MISSING_SCOPE")


async def test_contracts(site: Site) -> None:
    commerce = await site.get(f"{CONTRACTS}/commerce/")
    assert (commerce["builtin"], commerce["version"]) == (True, 1)
    assert "created_at" not in commerce
    assert set(names(commerce["tables"])) == {"customers", "products", "orders", "order_items"}
    registered = ok(await site.rest.post(CONTRACTS + "/", json=CONTRACT))
    assert (registered["version"], registered["builtin"]) == (1, False)
    assert ok(await site.rest.post(CONTRACTS, json=CONTRACT))["version"] == 1
    text = {"name": "t", "type": "DATE", "nullable": True}
    wider = TABLE | {"columns": [*TABLE["columns"], text]}
    second = ok(await site.rest.post(CONTRACTS, json=CONTRACT | {"tables": [wider]}))
    assert second["version"] == 2
    first = await site.get(f"{CONTRACTS}/things", version=1)
    assert len(first["tables"][0]["columns"]) == 1
    assert "max_length" not in first["tables"][0]["columns"][0]
    listed = await site.get(CONTRACTS, page_size=1)
    assert names(listed["contracts"]) == ["commerce"]
    rest = await site.get(CONTRACTS, page_token=listed["next_page_token"])
    assert names(rest["contracts"]) == ["things"]
    missing = await site.rest.get(f"{CONTRACTS}/things?version=9")
    assert (missing.status_code, reason(missing)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "changes",
    [
        {"primary_key": ["other"]},
        {"references": [{"columns": ["id"], "table": "nowhere"}]},
        {"unknown_columns": "RESCUE"},
    ],
)
async def test_a_contract_that_contradicts_itself(site: Site, changes: Json) -> None:
    wrong = {"name": "wrong", "tables": [TABLE | changes]}
    answer = await site.rest.post(CONTRACTS, json=wrong)
    assert answer.status_code == 400
    assert reason(answer) == "INVALID_CONTRACT"


async def test_tables(site: Site) -> None:
    await site.load("customers_1.ndjson", b"")
    answer = await site.get(TABLES + "/")
    found = next(table for table in answer["tables"] if table["name"] == "customers")
    assert (found["schema"], found["contract"], found["rows"]) == ("public", "commerce", "0")
    assert found["columns"] == []
    described = await site.get(f"{TABLES}/public/customers/")
    assert [(c["name"], c["primary_key"]) for c in described["columns"]][:2] == [
        ("customer_id", True),
        ("name", False),
    ]
    orders = (
        await site.get(f"{TABLES}/public/orders") if "orders" in names(answer["tables"]) else {}
    )
    references = {c["name"]: c.get("references") for c in orders.get("columns", [])}
    assert references.get("customer_id", "customers.customer_id") == "customers.customer_id"


async def test_foreign_pages_may_not_call(site: Site) -> None:
    origin = {"Origin": "https://evil.example"}
    assert (await site.rest.post(COMPREHENSIVE, headers=origin)).status_code == 403
    own = {"Origin": "http://localhost:3000"}
    answer: httpx.Response = await site.rest.get("/health", headers=own)
    assert answer.headers["access-control-allow-origin"] == own["Origin"]
