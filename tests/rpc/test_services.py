"""The handlers, on the real core with a worker: what was sent is what is told."""

import gzip
import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from headrace.v1 import contract_pb2 as contracts
from headrace.v1 import (
    ingestion_pb2,
    ingestion_service_pb2_grpc,
    reject_pb2,
    status_service_pb2_grpc,
    tenant_pb2,
    tenant_service_pb2_grpc,
    upload_pb2,
    warehouse_service_pb2_grpc,
)
from headrace.v1 import ingestion_service_pb2 as ingestion
from headrace.v1 import priority_pb2 as priority
from headrace.v1 import status_service_pb2 as status
from headrace.v1 import tenant_service_pb2 as tenants
from headrace.v1 import warehouse_service_pb2 as warehouse

from headrace_server.model.tenant import Scope
from headrace_server.running import running_worker

if TYPE_CHECKING:
    from rpc.conftest import Edge, FailureOf

Status = ingestion_pb2.Ingestion


class Client:
    """A stub of every service."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.ingestion: Any = ingestion_service_pb2_grpc.IngestionServiceStub(channel)
        self.status: Any = status_service_pb2_grpc.StatusServiceStub(channel)
        self.tenants: Any = tenant_service_pb2_grpc.TenantServiceStub(channel)
        self.warehouse: Any = warehouse_service_pb2_grpc.WarehouseServiceStub(channel)

    async def ended(self, request_id: str) -> ingestion_pb2.Ingestion:
        """The last message of a watch."""
        watch = self.status.WatchStatus(status.WatchStatusRequest(request_id=request_id))
        *before, last = [message async for message in watch]
        assert not any(message.terminal for message in before)
        assert last.terminal
        message: ingestion_pb2.Ingestion = last
        return message


@pytest.fixture
def client(edge: "Edge") -> Client:
    return Client(edge.channel)


async def _messages(*messages: Any) -> AsyncIterator[Any]:
    for message in messages:
        yield message


def _customer(**changes: Any) -> dict[str, Any]:
    return {"customer_id": str(uuid.uuid4()), "created_at": "2026-01-01T00:00:00Z", **changes}


def _order(customer_id: str) -> dict[str, Any]:
    return {
        "order_id": str(uuid.uuid4()),
        "external_order_id": "e",
        "customer_id": customer_id,
        "total_amount": "1.5",
        "currency": "EUR",
        "order_status": "new",
        "order_date": "2026-01-01T00:00:00Z",
        "created_at": "2026-01-01T00:00:00Z",
    }


def _lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


async def test_a_file_from_upload_to_table(edge: "Edge", client: Client) -> None:
    good, bad = _customer(), _customer(email=7)
    data = _lines(good, bad)
    first = ingestion.IngestFileRequest(
        file_name="customers_1.ndjson", priority="HIGH", body=HttpBody(data=data[:10])
    )
    rest = ingestion.IngestFileRequest(body=HttpBody(data=data[10:]))
    received = await client.ingestion.IngestFile(_messages(first, rest))
    assert received.data_type == "customers"
    assert received.status == Status.PENDING
    assert received.bytes_received == len(data)
    assert received.files[0].file_name == "customers_1.ndjson"
    orphan = _order(str(uuid.uuid4()))
    orders = ingestion.IngestOrdersRequest(body=HttpBody(data=gzip.compress(_lines(orphan))))
    parked = await client.ingestion.IngestOrders(_messages(orders))
    assert parked.files[0].file_name == "orders.ndjson"

    async with running_worker(edge.core):
        told = await client.ended(received.request_id)
        assert told.status == Status.COMPLETED_WITH_ERRORS
        assert (told.rows_loaded, told.rows_rejected) == (1, 1)
        assert told.priority == priority.HIGH
        assert (told.progress, told.total_mappings, told.processed_mappings) == (100, 1, 1)
        assert (await client.ended(parked.request_id)).rows_parked == 1
        await _check_results(client, received.request_id, len(data))
        await _check_rejects(client, received.request_id, parked.request_id, orphan)
        await _check_replay(client, received.request_id, bad)
    await _check_tables(client)


async def _check_results(client: Client, request_id: str, size: int) -> None:
    got = await client.status.GetStatus(status.GetStatusRequest(request_id=request_id))
    assert got.request_id == request_id
    assert got.HasField("started_at")
    assert got.HasField("completed_at")
    results = await client.status.GetResults(status.GetResultsRequest(request_id=request_id))
    assert results.status == Status.COMPLETED_WITH_ERRORS
    assert (results.total_mappings, results.processed_mappings, results.failed_mappings) == (
        1,
        1,
        0,
    )
    (file,) = results.files
    assert (file.id, file.data_type, file.bytes_total) == ("customers_1.ndjson", "customers", size)
    assert not file.HasField("error")
    (chunk,) = results.chunks
    assert (chunk.id, chunk.rows_read, chunk.byte_length) == ("customers_1.ndjson", 2, size)
    assert chunk.attempts == 1


async def _check_rejects(
    client: Client, request_id: str, parked_id: str, orphan: dict[str, Any]
) -> None:
    request = ingestion.ListRejectsRequest
    (reject,) = (await client.ingestion.ListRejects(request(request_id=request_id))).rejects
    assert (reject.file_name, reject.data_type) == ("customers_1.ndjson", "customers")
    assert (reject.line, reject.column) == (2, "email")
    assert reject.reason == reject_pb2.Reject.WRONG_TYPE
    assert not reject.HasField("missing_parent")
    only_parked = request(request_id=request_id, filter="PARKED")
    assert not (await client.ingestion.ListRejects(only_parked)).rejects
    only_rejected = request(request_id=parked_id, filter="REJECTED")
    assert not (await client.ingestion.ListRejects(only_rejected)).rejects
    (waiting,) = (await client.ingestion.ListRejects(request(request_id=parked_id))).rejects
    assert waiting.missing_parent.table == "customers"
    assert waiting.missing_parent.value == orphan["customer_id"]
    assert waiting.HasField("parked_since")


async def _check_replay(client: Client, request_id: str, bad: dict[str, Any]) -> None:
    listed = ingestion.ListRejectsRequest(request_id=request_id)
    (reject,) = (await client.ingestion.ListRejects(listed)).rejects
    corrected = ingestion.ReplayRejectsRequest.Correction(
        reject_id=reject.reject_id, raw=json.dumps({**bad, "email": "a@b"})
    )
    request = ingestion.ReplayRejectsRequest(
        request_id=request_id, corrections=[corrected], only_corrections=True
    )
    answer = await client.ingestion.ReplayRejects(request)
    assert answer.replayed == 1
    assert answer.status.request_id == request_id
    assert (await client.ended(request_id)).rows_loaded == 2


async def _check_tables(client: Client) -> None:
    tables = (await client.warehouse.ListTables(warehouse.ListTablesRequest())).tables
    by_name = {table.name: table for table in tables}
    assert by_name["customers"].rows == 2
    assert by_name["customers"].contract == "commerce"
    request = warehouse.DescribeTableRequest(schema="public", table="orders")
    described = await client.warehouse.DescribeTable(request)
    columns = {column.name: column for column in described.columns}
    assert columns["order_id"].primary_key
    assert columns["customer_id"].references == "customers.customer_id"
    assert not columns["order_id"].HasField("references")


async def test_an_upload_in_pieces(client: Client, failure_of: "FailureOf") -> None:
    data = _lines(_customer())
    opened = await client.ingestion.CreateUploadSession(
        ingestion.CreateUploadSessionRequest(
            file_name="customers.ndjson",
            total_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest().upper(),
            priority="LOW",
        )
    )
    token = opened.upload_token
    assert (opened.status, opened.offset, opened.total_bytes) == (
        upload_pb2.UploadSession.OPEN,
        0,
        len(data),
    )
    piece = ingestion.AppendUploadRequest(
        token=token,
        offset=0,
        sha256=hashlib.sha256(data[:5]).hexdigest(),
        body=HttpBody(data=data[:5]),
    )
    assert (await client.ingestion.AppendUpload(_messages(piece))).offset == 5
    wrong = await failure_of(client.ingestion.AppendUpload(_messages(piece)))
    assert wrong.reason == "WRONG_OFFSET"
    early = ingestion.CompleteUploadRequest(token=token)
    assert (await failure_of(client.ingestion.CompleteUpload(early))).reason == "WRONG_LENGTH"
    await client.ingestion.ResumeUpload(ingestion.ResumeUploadRequest(token=token))
    got = await client.ingestion.GetUploadSession(ingestion.GetUploadSessionRequest(token=token))
    assert (got.offset, got.data_type) == (5, "customers")
    rest = ingestion.AppendUploadRequest(token=token, offset=5, body=HttpBody(data=data[5:]))
    await client.ingestion.AppendUpload(_messages(rest))
    done = await client.ingestion.CompleteUpload(early)
    assert done.status == upload_pb2.UploadSession.COMPLETED
    found = await client.status.GetStatus(status.GetStatusRequest(request_id=done.request_id))
    assert found.priority == priority.LOW


async def test_an_upload_is_aborted(client: Client, failure_of: "FailureOf") -> None:
    opened = await client.ingestion.CreateUploadSession(
        ingestion.CreateUploadSessionRequest(file_name="customers.ndjson")
    )
    assert not opened.HasField("total_bytes")
    token = opened.upload_token
    await client.ingestion.AbortUpload(ingestion.AbortUploadRequest(token=token))
    gone = ingestion.GetUploadSessionRequest(token=token)
    assert (await failure_of(client.ingestion.GetUploadSession(gone))).code is (
        grpc.StatusCode.NOT_FOUND
    )


async def test_a_session_is_continued_by_its_token(client: Client) -> None:
    data = _lines(_customer())
    opened = await client.ingestion.CreateUploadSession(
        ingestion.CreateUploadSessionRequest(file_name="customers.ndjson")
    )
    whole = ingestion.IngestFileRequest(body=HttpBody(data=data))
    received = await client.ingestion.IngestFile(
        _messages(whole), metadata=(("upload-token", opened.upload_token),)
    )
    assert received.upload_token == opened.upload_token


async def test_an_idempotency_key_of_an_upload(client: Client) -> None:
    first = ingestion.IngestFileRequest(
        file_name="customers.ndjson", body=HttpBody(data=_lines(_customer()))
    )
    key = (("idempotency-key", "k"),)
    received = await client.ingestion.IngestFile(_messages(first), metadata=key)
    assert await client.ingestion.IngestFile(_messages(first), metadata=key) == received


async def test_a_form_of_several_files(client: Client) -> None:
    parts = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="%b"\r\n\r\n%b\r\n' % part
        for part in ((b"orders.ndjson", b"{}\n"), (b"customers.ndjson", b"{}\n{}\n"))
    )
    body = HttpBody(content_type="multipart/form-data; boundary=x", data=parts + b"--x--\r\n")
    received = await client.ingestion.IngestFile(_messages(ingestion.IngestFileRequest(body=body)))
    assert [(file.file_name, file.bytes_received) for file in received.files] == [
        ("customers.ndjson", 6),
        ("orders.ndjson", 3),
    ]
    assert received.bytes_received == 9


async def test_an_ingestion_is_cancelled_and_retried(edge: "Edge", client: Client) -> None:
    request_id = await edge.ingestion()
    cancelled = await client.ingestion.CancelIngestion(
        ingestion.CancelIngestionRequest(request_id=request_id)
    )
    assert cancelled.status == Status.CANCELLED
    listing = status.ListStatusesRequest(status="CANCELLED")
    listed = await client.status.ListStatuses(listing)
    assert [each.request_id for each in listed.statuses] == [request_id]
    retried = await client.ingestion.RetryIngestion(
        ingestion.RetryIngestionRequest(request_id=request_id)
    )
    assert retried.status == Status.PENDING
    assert not (await client.status.ListStatuses(listing)).statuses


async def test_pages_follow_each_other(edge: "Edge", client: Client) -> None:
    made = [await edge.ingestion() for _ in range(3)]
    seen: list[str] = []
    token = ""
    while True:
        page = await client.status.ListStatuses(
            status.ListStatusesRequest(page_size=2, page_token=token)
        )
        seen += [each.request_id for each in page.statuses]
        token = page.next_page_token
        if not token:
            break
    assert sorted(seen) == sorted(made)


async def test_health(edge: "Edge", client: Client) -> None:
    await edge.ingestion()
    told = await client.status.GetHealth(status.GetHealthRequest())
    assert told.status == status.GetHealthResponse.HEALTHY
    assert told.active_requests == 1
    assert told.HasField("timestamp")


async def test_a_contract_goes_in_and_comes_out(client: Client) -> None:
    Column = contracts.Column  # noqa: N806  # a class
    table = contracts.Table(
        name="readings",
        columns=[
            Column(name="id", type="INTEGER", minimum="0", maximum="9"),
            Column(name="code", type="STRING", max_length=8, pattern="[A-Z]+"),
            Column(name="kind", type="STRING", nullable=True, allowed_values=["a", "b"]),
            Column(name="value", type="DECIMAL", precision=10, scale=2),
            Column(name="parent", type="INTEGER", nullable=True),
            Column(name="more", type="JSON", nullable=True),
        ],
        primary_key=["id"],
        references=[contracts.Reference(columns=["parent"], table="readings")],
        unknown_columns="RESCUE",
        rescue_column="more",
    )
    contract = contracts.Contract(name="sensors", tables=[table])
    made = await client.ingestion.RegisterContract(
        ingestion.RegisterContractRequest(contract=contract)
    )
    assert (made.version, made.builtin) == (1, False)
    assert made.HasField("created_at")
    got = await client.ingestion.GetContract(ingestion.GetContractRequest(name="sensors"))
    assert got == made
    columns = {column.name: column for column in got.tables[0].columns}
    assert columns["kind"].max_length == 255
    assert (columns["value"].precision, columns["value"].scale) == (10, 2)
    for column in columns.values():
        assert column.HasField("max_length") == (column.type == Column.STRING)
        assert column.HasField("scale") == (column.type == Column.DECIMAL)
    again = await client.ingestion.RegisterContract(ingestion.RegisterContractRequest(contract=got))
    assert again == made
    listed = (await client.ingestion.ListContracts(ingestion.ListContractsRequest())).contracts
    assert [each.name for each in listed] == ["commerce", "sensors"]
    assert listed[0].builtin
    assert not listed[0].HasField("created_at")
    assert listed[0].tables[0].unknown_columns == contracts.Table.REJECT


async def test_tenants_and_keys(edge: "Edge", client: Client, failure_of: "FailureOf") -> None:
    admin = await edge.key(Scope.ADMIN)
    call = client.tenants
    made = await call.CreateTenant(tenants.CreateTenantRequest(tenant_id="acme"), metadata=admin)
    assert (made.display_name, made.status) == ("acme", tenant_pb2.Tenant.ACTIVE)
    got = await call.GetTenant(tenants.GetTenantRequest(tenant_id="acme"), metadata=admin)
    assert got == made
    listed = await call.ListTenants(tenants.ListTenantsRequest(page_size=1), metadata=admin)
    assert [each.tenant_id for each in listed.tenants] == ["acme"]
    assert listed.next_page_token
    key = await call.CreateApiKey(
        tenants.CreateApiKeyRequest(tenant_id="acme", description="ours", scopes=["WRITE", "READ"]),
        metadata=admin,
    )
    assert list(key.api_key.scopes) == [tenant_pb2.ApiKey.READ, tenant_pb2.ApiKey.WRITE]
    assert key.api_key.description == "ours"
    theirs = (("x-api-key", key.secret),)
    listing = status.ListStatusesRequest()
    await client.status.ListStatuses(listing, metadata=theirs)
    await call.SuspendTenant(tenants.SuspendTenantRequest(tenant_id="acme"), metadata=admin)
    suspended = await failure_of(client.status.ListStatuses(listing, metadata=theirs))
    assert suspended.code is grpc.StatusCode.UNAUTHENTICATED
    again = tenants.ReactivateTenantRequest(tenant_id="acme")
    await call.ReactivateTenant(again, metadata=admin)
    await client.status.ListStatuses(listing, metadata=theirs)
    ending = tenants.RevokeApiKeyRequest(tenant_id="acme", key_id=key.api_key.key_id)
    await call.RevokeApiKey(ending, metadata=admin)
    revoked = await failure_of(client.status.ListStatuses(listing, metadata=theirs))
    assert revoked.code is grpc.StatusCode.UNAUTHENTICATED
    keys = await call.ListApiKeys(tenants.ListApiKeysRequest(tenant_id="acme"), metadata=admin)
    assert [each.HasField("revoked_at") for each in keys.api_keys] == [True]
