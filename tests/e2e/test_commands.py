"""The `headrace` command in processes of its own, directly and through Envoy."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from .conftest import Ended, Site, customer, item, lines, names, new_id, order, product, run_command

pytestmark = pytest.mark.asyncio(loop_scope="module")

Headrace = Callable[..., Awaitable[Ended]]


DIRECT = pytest.mark.parametrize("headrace", ["direct"], indirect=True)
THROUGH_ENVOY = pytest.mark.parametrize("headrace", ["envoy"], indirect=True)


@pytest.fixture
def headrace(site: Site, tmp_path: Path, request: pytest.FixtureRequest) -> Headrace:
    """Run `headrace` with --json against the server."""
    address = site.grpc if request.param == "direct" else f"http://{site.http}"
    env = {"HEADRACE_ADDRESS": address, "XDG_STATE_HOME": str(tmp_path / "state")}

    async def run(*args: str | Path) -> Ended:
        return await run_command("headrace_client", "--json", *args, env=env)

    return run


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Files whose names sort children first; one order item has no product."""
    folder = tmp_path / "generated_data"
    folder.mkdir()
    buyer, sold, bought = new_id(), product("lamp"), new_id()
    files = {
        "customers_1.ndjson": lines(customer(buyer)),
        "order_items_1.ndjson": lines(item(bought, sold["product_id"]), item(bought, new_id())),
        "orders_1.ndjson": lines(order(bought, buyer)),
        "products_1.ndjson": lines(sold),
        "notes.txt": b"not for us",
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@THROUGH_ENVOY
async def test_bulk_ingest_of_a_directory(headrace: Headrace, site: Site, data_dir: Path) -> None:
    before = len((await site.get("/status", page_size=1000))["statuses"])
    dry = await headrace("bulk-ingest", "--data-dir", data_dir, "--dry-run")
    assert dry.status == 0
    plans = [plan for plan in dry.documents() if not plan["skipped"]]
    stages = {plan["data_type"]: plan["stage"] for plan in plans}
    assert stages["customers"] < stages["orders"] < stages["order_items"]
    assert stages["products"] < stages["order_items"]
    assert len((await site.get("/status", page_size=1000))["statuses"]) == before

    done = await headrace("bulk-ingest", "--data-dir", data_dir)
    assert done.status == 3
    assert "notes.txt" in done.err
    loaded = {each["data_type"]: each for each in done.documents()}
    assert {name: each["rows_parked"] for name, each in loaded.items()} == {
        "customers": "0", "products": "0", "orders": "0", "order_items": "1"
    }  # fmt: skip
    again = await headrace("bulk-ingest", "--data-dir", data_dir)
    assert all(each["earlier"] for each in again.documents())
    assert len((await site.get("/status", page_size=1000))["statuses"]) == before + 4


@DIRECT
async def test_ingest_status_watch_rejects(headrace: Headrace, tmp_path: Path) -> None:
    buyer, file = new_id(), tmp_path / "orders_1.ndjson"
    good = tmp_path / "customers_1.ndjson"
    good.write_bytes(lines(customer(buyer)))
    row = order(new_id(), buyer, currency="POUND")
    file.write_bytes(lines(order(new_id(), buyer), row))
    clean = await headrace("ingest", good)
    assert (clean.status, clean.documents()[0]["status"]) == (0, "COMPLETED")
    mixed = await headrace("ingest", file)
    assert (mixed.status, mixed.documents()[0]["status"]) == (3, "COMPLETED_WITH_ERRORS")
    request_id = mixed.documents()[0]["request_id"]
    shown, watched, listed, found, tables = await asyncio.gather(
        headrace("status", request_id),
        headrace("watch", request_id),
        headrace("status", "--limit", "1000"),
        headrace("rejects", request_id),
        headrace("tables"),
    )
    assert (shown.status, shown.documents()) == (3, mixed.documents())
    assert (watched.status, watched.documents()[-1]["terminal"]) == (3, True)
    assert (listed.status, request_id in names(listed.documents(), "request_id")) == (0, True)
    assert (tables.status, "orders" in names(tables.documents())) == (0, True)
    (reject,) = found.documents()
    assert (reject["line"], reject["column"], json.loads(reject["raw"])) == ("2", "currency", row)

    still = await headrace("rejects", request_id, "--replay")
    assert (still.status, still.documents()[-1]["rows_rejected"]) == (3, "1")
    mended = tmp_path / "mended.ndjson"
    (reject,) = (await headrace("rejects", request_id)).documents()
    mended.write_bytes(lines({"reject_id": reject["reject_id"], "raw": row | {"currency": "GBP"}}))
    corrected = await headrace("rejects", request_id, "--corrections", mended)
    assert (corrected.status, corrected.documents()[-1]["status"]) == (0, "COMPLETED")


@THROUGH_ENVOY
async def test_contracts(headrace: Headrace, tmp_path: Path) -> None:
    shown = await headrace("contracts", "show", "commerce")
    assert shown.status == 0
    contract = json.loads(shown.out)
    mine = tmp_path / "mine.json"
    table = {"name": f"t_{new_id()[:8]}", "columns": [{"name": "id", "type": "INTEGER"}]}
    declared = {"name": table["name"], "tables": [{**table, "primary_key": ["id"]}]}
    mine.write_text(json.dumps(declared))
    registered = await headrace("contracts", "register", mine)
    assert (registered.status, registered.documents()[0]["version"]) == (0, 1)
    listed = await headrace("contracts", "list")
    assert {"commerce", table["name"]} <= set(names(listed.documents()))
    assert contract in listed.documents()


@DIRECT
@pytest.mark.usefixtures("measured_processes")
async def test_exit_statuses_of_failures(headrace: Headrace, tmp_path: Path) -> None:
    broken = tmp_path / "customers_1.ndjson"
    broken.write_bytes(b"PK\x03\x04")
    nothing = tmp_path / "customers_2.ndjson"
    nothing.write_bytes(b"no\n")
    refused, failed, usage, missing = await asyncio.gather(
        headrace("ingest", broken),
        headrace("ingest", nothing),
        headrace("ingest", tmp_path / "none.ndjson"),
        headrace("status", "unknown"),
    )
    assert (refused.status, refused.out) == (2, "")
    assert "zip archive" in refused.err
    assert (failed.status, failed.documents()[0]["status"]) == (1, "FAILED")
    assert usage.status == 2
    assert (missing.status, "not found" in missing.err) == (1, True)
