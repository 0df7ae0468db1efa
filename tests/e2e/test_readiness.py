"""Readiness over REST, as the document shows it, and of tables that were just loaded."""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest

from .conftest import Json, Site, bad_fields, customer, lines, names, new_id, ok, order, reason

pytestmark = pytest.mark.asyncio(loop_scope="module")

DATASETS = "/api/datasets"
#: as documented; either where two are named
OUTCOMES = {
    "analytics.users": {"gold"},
    "analytics.events": {"production_ready"},
    "staging.raw_logs": {"draft"},
    "analytics.revenue": {"gold"},
    "experiments.ab_test_results": {"internal"},
    "analytics.page_views": {"production_ready", "gold"},
    "warehouse.inventory": {"production_ready"},
    "marketing.campaigns": {"draft", "internal"},
    "analytics.conversions": {"gold"},
    "legacy.old_transactions": {"draft"},
}
MOST = {
    "OWNERSHIP": 15,
    "DOCUMENTATION": 20,
    "SCHEMA_HYGIENE": 15,
    "DATA_QUALITY": 20,
    "STABILITY": 20,
    "OPERATIONS": 10,
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def curl(site: Site, *words: str) -> Json:
    """Run curl with the documented words, on this site's address."""
    here = [word.replace("localhost:8000", site.http) for word in words]
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", *here, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    answer: Json = json.loads(out)
    return answer


def explains_itself(dataset: Json) -> None:
    assert {d["dimension"]: d["max_score"] for d in dataset["dimension_scores"]} == MOST
    for dimension in dataset["dimension_scores"]:
        own = [r for r in dataset["reasons"] if r["dimension"] == dimension["dimension"]]
        assert dimension["score"] == dimension["max_score"] - sum(r["points"] for r in own)
        assert dimension["not_evaluated"] == [r["rule"] for r in own if r["not_evaluated"]]
    assert dataset["readiness_score"] == sum(d["score"] for d in dataset["dimension_scores"])
    assert all(reason["message"] for reason in dataset["reasons"])
    lost = {r["rule"]: r["points"] for r in dataset["reasons"] if r["points"]}
    assert {a["rule"]: a["points"] for a in dataset["actions"]} == lost


async def test_the_documented_lines(site: Site) -> None:
    made = await curl(site, "-X", "POST", "http://localhost:8000/api/ingest/mock")
    assert set(made) == {"ingested", "errors", "datasets"}
    assert (made["ingested"], made["errors"]) == (10, 0)
    for dataset in made["datasets"]:
        assert set(dataset) == {
            "id",
            "full_name",
            "display_name",
            "readiness_score",
            "readiness_status",
        }
        assert dataset["readiness_status"] in OUTCOMES[dataset["full_name"]]
    assert {d["full_name"] for d in made["datasets"]} == set(OUTCOMES)
    again = await curl(site, "-X", "POST", "http://localhost:8000/api/ingest/mock")
    assert names(again["datasets"], "id") == names(made["datasets"], "id")
    listed = await curl(site, "http://localhost:8000/api/datasets")
    assert names(listed["datasets"], "full_name") == sorted(OUTCOMES)
    for dataset in made["datasets"]:
        shown = await curl(site, f"http://localhost:8000/api/datasets/{dataset['id']}")
        assert shown["readiness_status"] == dataset["readiness_status"].upper()
        assert shown["readiness_score"] == dataset["readiness_score"]
        explains_itself(shown)
        history = await site.get(f"{DATASETS}/{dataset['id']}/history")
        assert [entry["number"] for entry in history["history"]] == ["2", "1"]


async def test_a_list_is_filtered_ordered_and_paged(site: Site) -> None:
    await site.post("/api/ingest/mock")
    gold = await site.get(DATASETS, readiness_status="gold", search="ANALYTICS.")
    assert {d["readiness_status"] for d in gold["datasets"]} == {"GOLD"}
    found: list[Json] = []
    token = ""
    while True:
        page = await site.get(DATASETS, order_by="best_first", page_size=3, page_token=token)
        found += page["datasets"]
        if not (token := page["next_page_token"]):
            break
    best = [(-d["readiness_score"], d["full_name"]) for d in found if d["full_name"] in OUTCOMES]
    assert len(best) == len(OUTCOMES)
    assert best == sorted(best)
    assert all("declaration" not in dataset and not dataset["reasons"] for dataset in found)


async def test_a_load_is_observed_and_disagrees(site: Site) -> None:
    twice = "ada@example.com"
    rows = [customer(new_id(), email=twice if n < 4 else f"{n}@example.com") for n in range(100)]
    await site.load("customers_1.ndjson", lines(*rows, customer("nobody")))
    await site.load("orders_1.ndjson", lines(order(new_id(), new_id())))
    seen = await observed(site, "public.customers")
    explains_itself(seen)
    observation = seen["observation"]
    assert (observation["rows"], observation["rows_read"], observation["rows_rejected"]) == (
        "100",
        "101",
        "1",
    )
    columns = {column["name"]: column for column in observation["columns"]}
    assert columns["customer_id"]["type"] == "UUID"
    assert columns["email"]["null_rate"] == 0
    assert observation["primary_key"] == ["customer_id"]
    said = {reason["rule"]: reason for reason in seen["reasons"]}
    assert "rejected" in said["valid"]["message"]
    parked = await observed(site, "public.orders")
    assert parked["observation"]["rows_parked"] == "1"
    assert parked["observation"]["references"] == ["customer_id -> customers"]
    await site.post(
        DATASETS,
        {
            "full_name": "public.customers",
            "owner": {"name": "Ada"},
            "columns": [{"name": "email", "type": "integer"}, {"name": "shoe_size"}],
            "checks": [{"name": "one each", "kind": "unique", "columns": ["email"]}],
        },
    )
    known = await site.post(f"{DATASETS}/public.customers/observe")
    said = {reason["rule"]: reason for reason in known["reasons"]}
    assert said["unique"]["declared"] == "email is unique"
    assert said["unique"]["observed"] == "3.0 % duplicates"
    assert "lacks shoe_size" in said["columns_declared"]["message"]
    assert (said["types_declared"]["declared"], said["types_declared"]["observed"]) == (
        "integer",
        "STRING(320)",
    )
    assert "owner_named" not in said


async def observed(site: Site, name: str) -> Json:
    """Wait until a dataset is seen."""
    async with asyncio.timeout(20):
        while True:
            answer = await site.rest.get(f"{DATASETS}/{name}")
            if answer.status_code == 200 and "observation" in answer.json():
                shown: Json = answer.json()
                return shown
            await asyncio.sleep(0.05)


async def changes(site: Site, **query: str) -> AsyncGenerator[Json, None]:
    async with site.rest.stream("GET", f"{DATASETS}/watch", params=query) as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            yield json.loads(line)


async def test_a_watch_tells_of_each_change(site: Site) -> None:
    await site.post(DATASETS, {"full_name": "watched.one"})
    watch = changes(site)
    first = await anext(watch)
    assert "watched.one" in names(first["datasets"], "full_name")
    await site.post(DATASETS, {"full_name": "watched.one", "tags": ["t"]})
    second = await anext(watch)
    assert names(second["datasets"], "full_name") == ["watched.one"]
    assert second["datasets"][0]["readiness_score"] == 2
    assert int(second["revision"]) > int(first["revision"])
    await watch.aclose()
    resumed = changes(site, after_revision=first["revision"], id="watched.one")
    assert (await anext(resumed))["datasets"] == second["datasets"]
    await resumed.aclose()


async def test_bad_input(site: Site) -> None:
    answer = await site.rest.post(
        DATASETS,
        json={
            "full_name": "bad.checks",
            "columns": [{"name": "a"}, {"name": "a"}],
            "checks": [{"name": "c", "columns": ["a", "b"]}],
        },
    )
    assert bad_fields(answer) == ["declaration.columns", "declaration.checks[0].columns[1]"]
    assert "no column 'b'" in answer.text
    long = {"full_name": "bad.long", "description": "x" * (1 << 20)}
    assert bad_fields(await site.rest.post(DATASETS, json=long)) == ["declaration.description"]
    assert bad_fields(await site.rest.post(DATASETS, json={"full_name": "undotted"}))
    for path in ("score", "observe"):
        missing = await site.rest.post(f"{DATASETS}/{new_id()}/{path}")
        assert (missing.status_code, reason(missing)) == (404, "NOT_FOUND")
    table = await site.rest.post(f"{DATASETS}/no.table/observe")
    assert (table.status_code, reason(table)) == (404, "NOT_FOUND")


async def test_a_waiver_needs_an_admin(site: Site) -> None:
    now = datetime.now(UTC)
    good = {"rule": "owner_named", "justification": "x", "expires_at": instant(now, 1)}
    await site.post(DATASETS, {"full_name": "waived.one"})
    refused = await site.rest.post(f"{DATASETS}/waived.one/waivers", json=good)
    assert (refused.status_code, reason(refused)) == (403, "MISSING_SCOPE")


async def test_a_waiver(idle_site: Site) -> None:
    rest, headers = idle_site.rest, {"x-api-key": idle_site.admin}
    ok(await rest.post(DATASETS, json={"full_name": "waived.one"}, headers=headers))
    path = f"{DATASETS}/waived.one/waivers"
    now = datetime.now(UTC)
    past = {"rule": "owner_named", "justification": "old", "expires_at": instant(now, -1)}
    assert bad_fields(await rest.post(path, json=past, headers=headers)) == ["expires_at"]
    unknown = {"rule": "nonsense", "justification": "x", "expires_at": instant(now, 1)}
    assert bad_fields(await rest.post(path, json=unknown, headers=headers)) == ["rule"]
    good = {"rule": "owner_named", "justification": "being hired", "expires_at": instant(now, 1)}
    granted = ok(await rest.post(path, json=good, headers=headers))
    assert granted["readiness_score"] == 6
    (why,) = [r for r in granted["reasons"] if r["rule"] == "owner_named"]
    assert why["points"] == 0
    assert why["message"].endswith("(6 points waived: being hired)")
    assert why["waived_until"] == granted["waivers"][0]["expires_at"]
    assert granted["waivers"][0]["granted_by"]
    explains_itself(granted)
    revoked = ok(await rest.delete(f"{path}/owner_named", headers=headers))
    assert (revoked["readiness_score"], revoked["waivers"]) == (0, [])


def instant(now: datetime, days: int) -> str:
    return (now + timedelta(days=days)).isoformat().replace("+00:00", "Z")
