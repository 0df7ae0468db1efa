"""One effect and equal answers, however often a call comes: on the real core."""

# ruff: noqa: S105, S106  # tokens of nothing

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.rpc import error_details_pb2
from headrace.v1 import ingestion_service_pb2 as ingestion
from headrace.v1 import (
    ingestion_service_pb2_grpc,
    status_service_pb2_grpc,
    tenant_service_pb2_grpc,
)
from headrace.v1 import status_service_pb2 as pb
from headrace.v1 import tenant_service_pb2 as tenants

from headrace_server.model.tenant import Principal, Scope
from headrace_server.rpc.call import Call
from headrace_server.rpc.interceptors.chain import Handler
from headrace_server.rpc.interceptors.errors import Errors
from headrace_server.rpc.interceptors.idempotency import IdempotencyKeys
from headrace_server.rpc.interceptors.request_id import RequestIds
from headrace_server.rpc.methods import Method

if TYPE_CHECKING:
    from rpc.conftest import Edge, FailureOf, Serve

SESSION = ingestion.CreateUploadSessionRequest(file_name="customers.ndjson")
KEY = (("idempotency-key", "k-1"),)


@pytest.fixture
def uploads(edge: "Edge") -> Any:
    return ingestion_service_pb2_grpc.IngestionServiceStub(edge.channel)


async def test_the_first_answer_is_given_again(uploads: Any) -> None:
    first = await uploads.CreateUploadSession(SESSION, metadata=KEY)
    again = await uploads.CreateUploadSession(SESSION, metadata=KEY)
    assert again == first
    other = await uploads.CreateUploadSession(SESSION, metadata=(("idempotency-key", "k-2"),))
    without = await uploads.CreateUploadSession(SESSION)
    assert len({first.upload_token, other.upload_token, without.upload_token}) == 3


async def test_fifty_calls_at_once_have_one_effect(uploads: Any, failure_of: "FailureOf") -> None:
    calls = [uploads.CreateUploadSession(SESSION, metadata=KEY) for _ in range(50)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    given: list[Any] = [each for each in answers if not isinstance(each, BaseException)]
    refused = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert {each.code() for each in refused} <= {grpc.StatusCode.ABORTED}
    given += [await uploads.CreateUploadSession(SESSION, metadata=KEY) for _ in refused]
    assert len(given) == 50
    assert len({each.SerializeToString(deterministic=True) for each in given}) == 1


async def test_another_request_with_the_key_is_refused(
    uploads: Any, failure_of: "FailureOf"
) -> None:
    await uploads.CreateUploadSession(SESSION, metadata=KEY)
    other = ingestion.CreateUploadSessionRequest(file_name="orders.ndjson")
    failure = await failure_of(uploads.CreateUploadSession(other, metadata=KEY))
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failure.reason == "IDEMPOTENCY_KEY_REUSED"


async def test_keys_belong_to_a_tenant_and_a_method(edge: "Edge", uploads: Any) -> None:
    await edge.core.tenants.create("acme")
    admin = await edge.key(Scope.ADMIN)
    ours = await uploads.CreateUploadSession(SESSION, metadata=(*KEY, *admin))
    acme = ("x-tenant-id", "acme")
    theirs = await uploads.CreateUploadSession(SESSION, metadata=(*KEY, *admin, acme))
    assert ours.upload_token != theirs.upload_token
    token = ingestion.ResumeUploadRequest(token=ours.upload_token)
    resumed = await uploads.ResumeUpload(token, metadata=(*KEY, *admin))
    assert resumed.upload_token == ours.upload_token


async def test_a_failed_call_does_not_burn_the_key(uploads: Any, failure_of: "FailureOf") -> None:
    unknown = ingestion.CreateUploadSessionRequest(file_name="nothing.ndjson")
    invalid = ingestion.CreateUploadSessionRequest(file_name="")
    for wrong, reason in ((unknown, "UNKNOWN_DATA_TYPE"), (invalid, "INVALID_FIELD")):
        failure = await failure_of(uploads.CreateUploadSession(wrong, metadata=KEY))
        assert failure.reason == reason
    await uploads.CreateUploadSession(SESSION, metadata=KEY)


@pytest.mark.parametrize("key", ["a b", "x" * 256])
async def test_a_key_that_is_none_is_refused(
    uploads: Any, failure_of: "FailureOf", key: str
) -> None:
    call = uploads.CreateUploadSession(SESSION, metadata=(("idempotency-key", key),))
    failure = await failure_of(call)
    (violation,) = failure.detail(error_details_pb2.BadRequest).field_violations
    assert violation.field == "idempotency-key"


async def test_a_secret_is_given_once(edge: "Edge") -> None:
    admin = await edge.key(Scope.ADMIN)
    stub: Any = tenant_service_pb2_grpc.TenantServiceStub(edge.channel)
    request = tenants.CreateApiKeyRequest(tenant_id="default", scopes=["READ"])
    first = await stub.CreateApiKey(request, metadata=(*KEY, *admin))
    again = await stub.CreateApiKey(request, metadata=(*KEY, *admin))
    assert first.secret
    assert not again.HasField("secret")
    assert again.api_key == first.api_key


async def test_a_method_that_only_reads_ignores_the_key(edge: "Edge") -> None:
    stub: Any = status_service_pb2_grpc.StatusServiceStub(edge.channel)
    assert not (await stub.ListStatuses(pb.ListStatusesRequest(), metadata=KEY)).statuses
    await edge.ingestion()
    assert len((await stub.ListStatuses(pb.ListStatusesRequest(), metadata=KEY)).statuses) == 1


class AsDefault:
    """Lets everybody in."""

    def wrap(self, _method: Method, handler: Handler) -> Handler:
        async def admitted(call: Call, request: Any) -> Any:
            call.principal = Principal("default", frozenset(Scope), None)
            return await handler(call, request)

        return admitted


async def test_work_with_a_key_ends_though_its_caller_is_gone(
    edge: "Edge", serve: "Serve", failure_of: "FailureOf"
) -> None:
    working, proceed, done = asyncio.Event(), asyncio.Event(), 0

    async def answer(request: Any, context: Any) -> pb.CreateWatchTokenResponse:
        nonlocal done
        working.set()
        await proceed.wait()
        done += 1
        return pb.CreateWatchTokenResponse(watch_token=f"t-{done}")

    keys = IdempotencyKeys(edge.core.services.idempotency)
    stub = await serve(Errors(), RequestIds(), AsDefault(), keys, answer=answer)
    request = pb.CreateWatchTokenRequest(request_id="r")
    call = stub.CreateWatchToken(request, metadata=KEY)
    await working.wait()
    in_use = await failure_of(stub.CreateWatchToken(request, metadata=KEY))
    assert in_use.reason == "IDEMPOTENCY_KEY_IN_USE"
    assert in_use.detail(error_details_pb2.RetryInfo).retry_delay.ToMilliseconds() > 0
    call.cancel()
    proceed.set()
    await keys.drain()
    again = await stub.CreateWatchToken(request, metadata=KEY)
    assert (again.watch_token, done) == ("t-1", 1)


async def test_a_failure_whose_caller_is_gone_frees_the_key(edge: "Edge", serve: "Serve") -> None:
    working, proceed, tries = asyncio.Event(), asyncio.Event(), 0

    async def answer(request: Any, context: Any) -> pb.CreateWatchTokenResponse:
        nonlocal tries
        tries += 1
        working.set()
        await proceed.wait()
        if tries == 1:
            raise KeyError
        return pb.CreateWatchTokenResponse(watch_token="t")

    keys = IdempotencyKeys(edge.core.services.idempotency)
    stub = await serve(Errors(), RequestIds(), AsDefault(), keys, answer=answer)
    request = pb.CreateWatchTokenRequest(request_id="r")
    call = stub.CreateWatchToken(request, metadata=KEY)
    await working.wait()
    call.cancel()
    proceed.set()
    await keys.drain()
    assert (await stub.CreateWatchToken(request, metadata=KEY)).watch_token == "t"
