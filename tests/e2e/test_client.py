"""The client library against the real server, directly and through Envoy."""

from pathlib import Path

import grpc
import pytest
from headrace.v1.contract_pb2 import Contract
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.reject_pb2 import Reject

from headrace_client import Client, HeadraceError
from headrace_client.ingestions import Correction

from .conftest import Site, customer, lines, new_id, order

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(params=["direct", "envoy"])
def address(site: Site, request: pytest.FixtureRequest) -> str:
    return site.grpc if request.param == "direct" else f"http://{site.http}"


async def test_upload_watch_reject_replay(address: str, tmp_path: Path) -> None:
    buyer = new_id()
    customers, orders = tmp_path / "customers_1.ndjson", tmp_path / "orders_1.ndjson"
    customers.write_bytes(lines(customer(buyer)))
    good, bad = order(new_id(), buyer), order(new_id(), buyer, currency="POUND")
    orders.write_bytes(lines(good, bad))
    sent: list[tuple[int, int]] = []
    async with Client(address) as client:
        upload = await client.upload(orders, on_progress=lambda now, of: sent.append((now, of)))
        assert sent[-1] == (orders.stat().st_size,) * 2
        request_id = upload.request_id or ""
        *_, parked = [message async for message in client.watch(request_id)]
        assert (parked.terminal, parked.rows_parked, parked.rows_rejected) == (True, 1, 1)
        again = await client.upload(customers)
        *_, clean = [message async for message in client.watch(again.request_id or "")]
        assert clean.status == Ingestion.COMPLETED
        (reject,) = [each async for each in client.list_rejects(request_id)]
        assert (reject.line, reject.column, reject.reason) == (2, "currency", Reject.TOO_LONG)
        mended = Correction(reject_id=reject.reject_id, raw=reject.raw.replace("POUND", "GBP"))
        replay = await client.replay_rejects(request_id, [mended])
        assert replay.replayed == 1
        *_, ended = [message async for message in client.watch(request_id)]
        assert (ended.status, ended.rows_loaded) == (Ingestion.COMPLETED, 2)
        results = await client.get_results(request_id)
        assert [file.rows_loaded for file in results.files] == [2]
        tables = {table.name: table.rows async for table in client.list_tables()}
        described = await client.describe_table("orders")
        assert described.rows == tables["orders"] >= 2


async def test_errors_have_a_code_a_reason_and_the_fields(address: str, tmp_path: Path) -> None:
    unknown = tmp_path / "dump.ndjson"
    unknown.write_bytes(b"{}\n")
    async with Client(address) as client:
        with pytest.raises(HeadraceError) as caught:
            await client.get_status("unknown")
        assert caught.value.code is grpc.StatusCode.NOT_FOUND
        assert caught.value.reason == "NOT_FOUND"
        with pytest.raises(HeadraceError) as caught:
            await client.upload(unknown)
        assert caught.value.reason == "UNKNOWN_DATA_TYPE"
        assert [field for field, _ in caught.value.field_violations] == ["file_name"]
        with pytest.raises(HeadraceError) as caught:
            await client.register_contract(Contract(name="empty"))
        assert caught.value.reason == "INVALID_FIELD"
        with pytest.raises(HeadraceError) as caught:
            await client.create_tenant("other")
        assert caught.value.code is grpc.StatusCode.PERMISSION_DENIED
