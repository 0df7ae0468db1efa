"""Files in one go, as 3-commerce-files.md documents them."""

import gzip

import pytest
import zstandard

from .conftest import (
    COMPREHENSIVE,
    Site,
    bad_fields,
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


@pytest.mark.parametrize("path", [COMPREHENSIVE, COMPREHENSIVE + "/"])
async def test_the_documented_request(site: Site, path: str) -> None:
    data = lines(customer(new_id()), customer(new_id(), metadata=None))
    answer = await site.rest.post(
        path,
        params={"file_name": "customers_0001.ndjson"},
        content=data,
        headers={
            "X-API-Key": "none exists, so this one is ignored",
            "Idempotency-Key": new_id(),
            "Content-Type": "application/x-ndjson",
        },
    )
    body = ok(answer)
    assert body == {
        "request_id": body["request_id"],
        "upload_token": body["upload_token"],
        "data_type": "customers",
        "status": "PENDING",
        "bytes_received": str(len(data)),
        "files": [
            {
                "file_name": "customers_0001.ndjson",
                "data_type": "customers",
                "bytes_received": str(len(data)),
            }
        ],
    }
    assert answer.headers["x-request-id"]
    ended = await site.ended(body["request_id"])
    assert (ended["status"], ended["rows_loaded"]) == ("COMPLETED", "2")


async def test_bearer_is_ignored_while_no_key_exists(site: Site) -> None:
    headers = {"Authorization": "Bearer whatever"}
    answer = await site.ingest("customers_1.ndjson", lines(customer(new_id())), headers)
    assert (await site.ended(answer["request_id"]))["rows_loaded"] == "1"


async def test_a_form_with_children_before_parents_is_loaded_in_order(site: Site) -> None:
    customer_id, order_id, sold = new_id(), new_id(), product("form-1")
    form = [
        ("file", ("order_items_1.ndjson", lines(item(order_id, sold["product_id"])))),
        ("file", ("orders_1.ndjson", lines(order(order_id, customer_id)))),
        ("file", ("products_1.ndjson", lines(sold))),
        ("file", ("customers_1.ndjson", lines(customer(customer_id)))),
    ]
    body = ok(await site.rest.post(COMPREHENSIVE, files=form))
    order_of_loading = names(body["files"], "data_type")
    assert order_of_loading.index("customers") < order_of_loading.index("orders")
    assert order_of_loading.index("products") < order_of_loading.index("order_items")
    assert order_of_loading[-1] == "order_items"
    ended = await site.ended(body["request_id"])
    assert ended["status"] == "COMPLETED"
    assert (ended["rows_loaded"], ended["rows_parked"]) == ("4", "0")
    assert (ended["total_mappings"], ended["processed_mappings"]) == (4, 4)


@pytest.mark.parametrize("packed", ["gzip", "zstd"])
async def test_packed_files(site: Site, packed: str) -> None:
    data = lines(*(customer(new_id()) for _ in range(1000)))
    if packed == "gzip":
        name, sent = "customers_1.ndjson.gz", gzip.compress(data)
    else:
        name, sent = "customers_1.ndjson.zst", zstandard.compress(data)
    answer = await site.ingest(name, sent)
    assert answer["bytes_received"] == str(len(sent))
    ended = await site.ended(answer["request_id"])
    assert (ended["status"], ended["rows_loaded"]) == ("COMPLETED", "1000")
    assert (ended["bytes_total"], ended["bytes_processed"]) == (str(len(data)), str(len(data)))


@pytest.mark.parametrize("path", ["/api/v1/ingest/orders", "/api/v1/ingest/orders/"])
async def test_the_older_orders_endpoint(site: Site, path: str) -> None:
    customer_id = new_id()
    await site.load("customers.ndjson", lines(customer(customer_id)))
    data = lines(order(new_id(), customer_id))
    body = ok(await site.rest.post(path, content=data))
    assert (body["data_type"], body["files"][0]["file_name"]) == ("orders", "orders.ndjson")
    assert (await site.ended(body["request_id"]))["status"] == "COMPLETED"
    named = ok(await site.rest.post(path, params={"file_name": "export.ndjson"}, content=data))
    assert (named["data_type"], named["files"][0]["file_name"]) == ("orders", "export.ndjson")


async def test_data_type_and_priority_may_be_said(site: Site) -> None:
    answer = await site.ingest(
        "dump.ndjson", lines(customer(new_id())), data_type="customers", priority="high"
    )
    assert answer["data_type"] == "customers"
    ended = await site.ended(answer["request_id"])
    assert (ended["priority"], ended["status"]) == ("HIGH", "COMPLETED")


async def test_an_unknown_data_type_lists_the_known(site: Site) -> None:
    for query in ({"file_name": "dump.ndjson"}, {"file_name": "orders.ndjson", "data_type": "x"}):
        answer = await site.rest.post(COMPREHENSIVE, params=query, content=b"{}\n")
        assert bad_fields(answer) == [list(query)[-1]]
        assert reason(answer) == "UNKNOWN_DATA_TYPE"
        known = detail(answer, "ErrorInfo")["metadata"]["known"]
        assert {"customers", "products", "orders", "order_items"} <= set(known.split(", "))


async def test_a_file_needs_a_name(site: Site) -> None:
    answer = await site.rest.post(COMPREHENSIVE, content=b"{}\n")
    assert bad_fields(answer) == ["file_name"]


async def test_a_form_must_hold_files(site: Site) -> None:
    field = await site.rest.post(COMPREHENSIVE, files=[("comment", (None, b"no file"))])
    assert bad_fields(field) == ["body.comment"]
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    empty = await site.rest.post(COMPREHENSIVE, content=b"--b--\r\n", headers=headers)
    assert bad_fields(empty) == ["body"]


@pytest.mark.parametrize(
    "name", ["../../etc/customers_1.ndjson", "..\\..\\customers_1.ndjson", "/customers_1.ndjson"]
)
async def test_a_name_with_folders_is_its_last_part(site: Site, name: str) -> None:
    answer = await site.ingest(name, lines(customer(new_id())))
    assert answer["files"][0]["file_name"] == "customers_1.ndjson"
    await site.ended(answer["request_id"])
    folder = site.core.config.data_dir
    assert not list(folder.rglob("customers_1*"))
    assert not (folder / name).exists()


@pytest.mark.parametrize("name", ["..", "customers\n.ndjson", "customers_" + "x" * 300])
async def test_a_name_that_is_none_is_refused(site: Site, name: str) -> None:
    answer = await site.rest.post(COMPREHENSIVE, params={"file_name": name}, content=b"{}\n")
    assert bad_fields(answer) == ["file_name"]


async def test_upload_token_continues_a_session(site: Site) -> None:
    data = lines(customer(new_id()), customer(new_id()))
    session = await site.post("/api/v1/ingest/sessions", {"file_name": "customers_1.ndjson"})
    token = session["upload_token"]
    ok(await site.rest.patch(f"/api/v1/ingest/sessions/{token}?offset=0", content=data[:50]))
    headers = {"Upload-Token": token}
    body = ok(await site.rest.post(COMPREHENSIVE, content=data[50:], headers=headers))
    assert (body["upload_token"], body["bytes_received"]) == (token, str(len(data)))
    assert (await site.ended(body["request_id"]))["rows_loaded"] == "2"
    again = ok(await site.rest.post(COMPREHENSIVE, content=data[50:], headers=headers))
    assert again["request_id"] == body["request_id"]
    unknown = await site.rest.post(COMPREHENSIVE, content=data, headers={"Upload-Token": "none"})
    assert (unknown.status_code, reason(unknown)) == (404, "NOT_FOUND")


async def test_fifty_megabytes_through_envoy(site: Site) -> None:
    padding = {"padding": "x" * 9000}
    mark = new_id()
    data = lines(*(customer(new_id(), name=mark, metadata=padding) for _ in range(5700)))
    assert len(data) > 50_000_000
    answer = await site.ingest("customers_big.ndjson", data)
    assert answer["bytes_received"] == str(len(data))
    ended = await site.ended(answer["request_id"])
    assert (ended["status"], ended["rows_loaded"]) == ("COMPLETED", "5700")
    assert ended["bytes_processed"] == str(len(data))
    found = await site.select(f"SELECT count(*) FROM customers WHERE name = '{mark}'")
    assert found == [(5700,)]
