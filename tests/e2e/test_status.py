"""StatusService over REST: get, list, results, watch, tokens, health; and cancel and retry."""

import asyncio
import json
from datetime import datetime

import httpx
import pytest

from .conftest import (
    Json,
    Site,
    customer,
    detail,
    item,
    lines,
    names,
    new_id,
    ok,
    order,
    product,
    reason,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENTS = {"Accept": "text/event-stream"}


async def test_the_shape_of_a_status(site: Site) -> None:
    data = lines(customer(new_id()))
    ended = await site.load("customers_1.ndjson", data)
    for slash in ("", "/"):
        status = await site.get(f"/status/{ended['request_id']}{slash}")
        assert status == ended
    assert status == status | {
        "kind": "FILES",
        "status": "COMPLETED",
        "progress": 100,
        "total_mappings": 1,
        "processed_mappings": 1,
        "failed_mappings": 0,
        "rows_loaded": "1",
        "rows_rejected": "0",
        "rows_parked": "0",
        "bytes_total": str(len(data)),
        "bytes_processed": str(len(data)),
        "terminal": True,
        "priority": "MEDIUM",
    }
    assert int(status["revision"]) > 1
    assert "details" not in status
    moments = [
        datetime.fromisoformat(status[f"{w}_at"]) for w in ("created", "started", "completed")
    ]
    assert moments == sorted(moments)


async def test_results_by_file_and_chunk(site: Site) -> None:
    request_id = (await site.load("customers_1.ndjson", lines(customer(new_id()))))["request_id"]
    results = await site.get(f"/status/{request_id}/results/")
    assert set(results) == {
        "request_id", "status", "total_mappings", "processed_mappings", "failed_mappings",
        "files", "results", "chunks", "next_page_token",
    }  # fmt: skip
    (file,) = results["files"]
    assert (file["status"], file["rows_loaded"]) == ("COMPLETED", "1")
    assert "error" not in file
    (chunk,) = results["chunks"]
    assert (chunk["id"], chunk["chunk"], chunk["rows_superseded"]) == ("customers_1.ndjson", 0, "0")


async def test_lists_are_paged_and_filtered(idle_site: Site) -> None:
    site = await acting_for_new_tenant(idle_site)
    made = [(await site.ingest("orders.ndjson", b"{}\n"))["request_id"] for _ in range(5)]
    await site.post(f"/ingest/{made[0]}/cancel")
    found: list[str] = []
    token = ""
    while True:
        page = await site.get("/status/", page_size=2, page_token=token)
        assert len(page["statuses"]) <= 2
        found += names(page["statuses"], "request_id")
        token = page["next_page_token"]
        if not token:
            break
    assert found == made[::-1]
    cancelled = (await site.get("/status", status="cancelled"))["statuses"]
    assert names(cancelled, "request_id") == [made[0]]


async def acting_for_new_tenant(site: Site) -> Site:
    """The same site, on which the admin acts for a new tenant."""
    tenant_id = f"t-{new_id()[:8]}"
    site.rest.headers = httpx.Headers({"x-api-key": site.admin})
    await site.post("/api/v1/tenants", {"tenant_id": tenant_id})
    site.rest.headers["x-tenant-id"] = tenant_id
    return site


async def test_a_watch_is_ndjson_up_to_the_terminal_message(site: Site) -> None:
    data = lines(*(customer(new_id()) for _ in range(2000)))
    request_id = (await site.ingest("customers_1.ndjson", data))["request_id"]
    async with site.rest.stream("GET", f"/status/{request_id}/watch/") as answer:
        assert answer.headers["content-type"] in {"application/x-ndjson", "application/json"}
        messages = [json.loads(line) async for line in answer.aiter_lines()]
    revisions = [int(message["revision"]) for message in messages]
    assert revisions == sorted(set(revisions))
    assert [m["terminal"] for m in messages] == [False] * (len(messages) - 1) + [True]
    assert messages[-1] == await site.get(f"/status/{request_id}")


async def test_a_watch_resumes_after_a_revision(site: Site) -> None:
    ended = await site.load("customers_1.ndjson", lines(customer(new_id())))
    path = f"/status/{ended['request_id']}/watch?after_revision={ended['revision']}"
    answer = await site.rest.get(path)
    assert [json.loads(line) for line in answer.text.splitlines()] == [ended]


def events(text: str) -> list[Json]:
    """Read server-sent events as a browser's EventSource does."""
    blocks = [block for block in text.replace("\r\n", "\n").split("\n\n") if block]
    assert all(line.startswith("data: ") for block in blocks for line in block.split("\n"))
    return [json.loads(block.removeprefix("data: ")) for block in blocks]


async def test_a_watch_as_server_sent_events(site: Site) -> None:
    request_id = (await site.ingest("customers_1.ndjson", lines(customer(new_id()))))["request_id"]
    answer = await site.rest.get(f"/status/{request_id}/watch", headers=EVENTS)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert events(answer.text)[-1] == await site.get(f"/status/{request_id}")


async def test_a_browser_watches_with_a_token_in_place_of_a_key(idle_site: Site) -> None:
    site = await acting_for_new_tenant(idle_site)
    request_id = (await site.ingest("customers_1.ndjson", lines(customer(new_id()))))["request_id"]
    other = (await site.ingest("customers_1.ndjson", lines(customer(new_id()))))["request_id"]
    made = await site.post(f"/status/{request_id}/watch-token")
    assert datetime.fromisoformat(made["expires_at"])
    query = {"watch_token": made["watch_token"]}
    await site.work()
    async with httpx.AsyncClient(base_url=f"http://{site.http}") as browser:
        answer = await browser.get(f"/status/{request_id}/watch", params=query, headers=EVENTS)
        assert events(answer.text)[-1]["terminal"] is True
        for path, token in (
            (f"/status/{other}/watch", made["watch_token"]),
            (f"/status/{request_id}/watch", "made-up"),
            (f"/status/{request_id}/watch", ""),
        ):
            refused = await browser.get(path, params={"watch_token": token})
            assert (refused.status_code, reason(refused)) == (401, "UNAUTHENTICATED")
        elsewhere = await browser.get(f"/status/{request_id}", params=query)
        assert elsewhere.status_code in {400, 401}


async def test_health_needs_no_key(idle_site: Site) -> None:
    async with httpx.AsyncClient(base_url=f"http://{idle_site.http}") as anybody:
        for path in ("/health", "/health/"):
            body = ok(await anybody.get(path))
            assert (body["status"], set(body)) == (
                "HEALTHY",
                {"status", "timestamp", "active_requests"},
            )
            assert int(body["active_requests"]) >= 0
        assert (await anybody.get("/status")).status_code == 401


async def test_cancel_then_retry(idle_site: Site) -> None:
    site = await acting_for_new_tenant(idle_site)
    request_id = (await site.ingest("customers_1.ndjson", lines(customer(new_id()))))["request_id"]
    watching = asyncio.create_task(site.watched(request_id))
    cancelled = await site.post(f"/ingest/{request_id}/cancel")
    assert (cancelled["status"], cancelled["terminal"]) == ("CANCELLED", True)
    assert await site.post(f"/ingest/{request_id}/cancel/") == cancelled
    assert (await watching)[-1]["status"] == "CANCELLED"
    retried = await site.post(f"/ingest/{request_id}/retry/")
    assert (retried["status"], retried["terminal"]) == ("PENDING", False)
    assert int(retried["revision"]) > int(cancelled["revision"])
    assert {"completed_at", "details"}.isdisjoint(retried)
    await site.work()
    ended = await site.ended(request_id)
    assert (ended["status"], ended["rows_loaded"]) == ("COMPLETED", "1")
    assert await site.post(f"/ingest/{request_id}/cancel") == ended
    refused = await site.rest.post(f"/ingest/{request_id}/retry", json={})
    assert (refused.status_code, reason(refused)) == (400, "WRONG_STATE")
    assert detail(refused, "PreconditionFailure")["violations"][0]["subject"] == "COMPLETED"


async def test_rejects_are_paged_and_filtered(site: Site) -> None:
    missing = new_id()
    rows = [order(new_id(), missing, currency="POUND" if n % 2 else "GBP") for n in range(6)]
    request_id = (await site.load("orders_1.ndjson", lines(*rows)))["request_id"]
    path = f"/api/v1/ingest/{request_id}/rejects"
    assert names(await site.rejects(request_id, filter="rejected"), "line") == ["2", "4", "6"]
    assert names(await site.rejects(request_id, filter="PARKED"), "line") == ["1", "3", "5"]
    first = await site.get(path + "/", page_size=4)
    second = await site.get(path, page_size=4, page_token=first["next_page_token"])
    assert names(first["rejects"] + second["rejects"], "line") == ["2", "4", "6", "1", "3", "5"]
    assert second["next_page_token"] == ""


async def test_parked_rows_are_released_transitively(site: Site) -> None:
    buyer, order_id = new_id(), new_id()
    sold = product("s")
    items = await site.load("order_items_1.ndjson", lines(item(order_id, sold["product_id"])))
    orders = await site.load("orders_1.ndjson", lines(order(order_id, buyer)))
    await site.load("products_1.ndjson", lines(sold))
    assert (await site.get(f"/status/{items['request_id']}"))["rows_parked"] == "1"
    await site.load("customers_1.ndjson", lines(customer(buyer)))
    for request_id in (orders["request_id"], items["request_id"]):
        clean = await site.get(f"/status/{request_id}")
        assert (clean["status"], clean["rows_parked"]) == ("COMPLETED", "0")
