"""Who calls, as which tenant, and whether they may: on the real core."""

from collections.abc import AsyncIterator
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

from headrace_server.model.tenant import Scope

if TYPE_CHECKING:
    from rpc.conftest import Edge, EdgeWith, FailureOf

REQUEST = pb.ListStatusesRequest()


@pytest.fixture
def stub(edge: "Edge") -> Any:
    return status_service_pb2_grpc.StatusServiceStub(edge.channel)


async def test_without_any_key_everybody_is_default(edge: "Edge", stub: Any) -> None:
    request_id = await edge.ingestion()
    for credentials in ((), (("authorization", "Bearer whatever"),), (("x-api-key", "nope"),)):
        page = await stub.ListStatuses(REQUEST, metadata=credentials)
        assert [each.request_id for each in page.statuses] == [request_id]


async def test_anonymous_callers_act_for_nobody_else(stub: Any, failure_of: "FailureOf") -> None:
    await stub.ListStatuses(REQUEST, metadata=(("x-tenant-id", "default"),))
    failure = await failure_of(stub.ListStatuses(REQUEST, metadata=(("x-tenant-id", "acme"),)))
    assert failure.code is grpc.StatusCode.PERMISSION_DENIED


async def test_anonymous_callers_do_not_manage_tenants(
    edge: "Edge", failure_of: "FailureOf"
) -> None:
    stub: Any = tenant_service_pb2_grpc.TenantServiceStub(edge.channel)
    failure = await failure_of(stub.ListTenants(tenants.ListTenantsRequest()))
    assert failure.reason == "MISSING_SCOPE"
    assert failure.detail(error_details_pb2.ErrorInfo).metadata == {"scope": "admin"}


async def test_with_a_key_configured_a_key_is_needed(
    edge: "Edge", stub: Any, failure_of: "FailureOf"
) -> None:
    key = await edge.key(Scope.READ)
    for wrong in (
        (),
        (("x-api-key", "nope"),),
        (("authorization", "Bearer nope"),),
        (("authorization", f"Basic {key[0][1]}"),),
        (("authorization", "Bearer "),),
        (("x-api-key", key[0][1][:-1]),),
    ):
        failure = await failure_of(stub.ListStatuses(REQUEST, metadata=wrong))
        assert failure.code is grpc.StatusCode.UNAUTHENTICATED
        assert failure.reason == "UNAUTHENTICATED"
    await stub.ListStatuses(REQUEST, metadata=key)
    await stub.ListStatuses(REQUEST, metadata=(("authorization", f"bearer {key[0][1]}"),))


async def test_a_server_that_forbids_it_lets_nobody_in_without_a_key(
    failure_of: "FailureOf", edge_with: "EdgeWith"
) -> None:
    edge = await edge_with(allow_anonymous=False)
    stub: Any = status_service_pb2_grpc.StatusServiceStub(edge.channel)
    for credentials in ((), (("x-api-key", "nope"),)):
        failure = await failure_of(stub.ListStatuses(REQUEST, metadata=credentials))
        assert failure.code is grpc.StatusCode.UNAUTHENTICATED
    assert (await stub.GetHealth(pb.GetHealthRequest())).status == pb.GetHealthResponse.HEALTHY


@pytest.mark.parametrize("held", [Scope.READ, Scope.WRITE, Scope.WORKER, Scope.ADMIN])
async def test_each_scope_opens_its_methods(
    edge: "Edge", stub: Any, failure_of: "FailureOf", held: Scope
) -> None:
    key = await edge.key(held)
    uploads: Any = ingestion_service_pb2_grpc.IngestionServiceStub(edge.channel)
    managing: Any = tenant_service_pb2_grpc.TenantServiceStub(edge.channel)
    session = ingestion.CreateUploadSessionRequest(file_name="customers.ndjson")
    calls = {
        Scope.READ: stub.ListStatuses(REQUEST, metadata=key),
        Scope.WRITE: uploads.CreateUploadSession(session, metadata=key),
        Scope.ADMIN: managing.ListTenants(tenants.ListTenantsRequest(), metadata=key),
    }
    for needed, call in calls.items():
        if held in {needed, Scope.ADMIN}:
            await call
        else:
            failure = await failure_of(call)
            assert failure.code is grpc.StatusCode.PERMISSION_DENIED
            info = failure.detail(error_details_pb2.ErrorInfo)
            assert info.metadata == {"scope": needed.name.lower()}


async def test_an_admin_acts_for_a_tenant_and_nobody_else_does(
    edge: "Edge", stub: Any, failure_of: "FailureOf"
) -> None:
    await edge.core.tenants.create("acme")
    request_id = await edge.ingestion("acme")
    acme = ("x-tenant-id", "acme")
    admin, reader = await edge.key(Scope.ADMIN), await edge.key(Scope.READ)
    page = await stub.ListStatuses(REQUEST, metadata=(*admin, acme))
    assert [each.request_id for each in page.statuses] == [request_id]
    assert not (await stub.ListStatuses(REQUEST, metadata=admin)).statuses
    refused = await failure_of(stub.ListStatuses(REQUEST, metadata=(*reader, acme)))
    assert refused.reason == "MISSING_SCOPE"
    nobody = await failure_of(
        stub.ListStatuses(REQUEST, metadata=(*admin, ("x-tenant-id", "nobody")))
    )
    assert nobody.code is grpc.StatusCode.NOT_FOUND


async def test_another_tenants_ingestion_looks_like_none(
    edge: "Edge", stub: Any, failure_of: "FailureOf"
) -> None:
    await edge.core.tenants.create("acme")
    key = await edge.key(Scope.READ)
    theirs = await edge.ingestion("acme")
    failures = [
        await failure_of(stub.GetStatus(pb.GetStatusRequest(request_id=each), metadata=key))
        for each in (theirs, "0" * len(theirs))
    ]
    words = [str(failure.error.details()) for failure in failures]
    assert words[0].replace(theirs, "X") == words[1].replace("0" * len(theirs), "X")
    assert [failure.reason for failure in failures] == ["NOT_FOUND", "NOT_FOUND"]


async def test_a_stopped_key_is_refused_at_once(
    edge: "Edge", stub: Any, failure_of: "FailureOf"
) -> None:
    await edge.core.tenants.create("acme")
    key = await edge.key(Scope.READ, tenant_id="acme")
    await stub.ListStatuses(REQUEST, metadata=key)
    await edge.core.tenants.suspend("acme")
    failure = await failure_of(stub.ListStatuses(REQUEST, metadata=key))
    assert failure.code is grpc.StatusCode.UNAUTHENTICATED


async def test_a_watch_token_stands_in_for_a_key(
    edge: "Edge", stub: Any, failure_of: "FailureOf"
) -> None:
    request_id, other = await edge.ingestion(), await edge.ingestion()
    key = await edge.key(Scope.READ)
    made = await stub.CreateWatchToken(
        pb.CreateWatchTokenRequest(request_id=request_id), metadata=key
    )
    watch = stub.WatchStatus(
        pb.WatchStatusRequest(request_id=request_id, watch_token=made.watch_token)
    )
    assert (await watch.read()).request_id == request_id
    watch.cancel()
    for wrong in (
        pb.WatchStatusRequest(request_id=other, watch_token=made.watch_token),
        pb.WatchStatusRequest(request_id=request_id, watch_token="nope"),  # noqa: S106  # none
        pb.WatchStatusRequest(request_id=request_id),
    ):
        failure = await failure_of(stub.WatchStatus(wrong))
        assert failure.code is grpc.StatusCode.UNAUTHENTICATED


async def test_an_upload_is_refused_before_its_bytes_are_read(
    edge: "Edge", failure_of: "FailureOf"
) -> None:
    key = await edge.key(Scope.READ)
    uploads: Any = ingestion_service_pb2_grpc.IngestionServiceStub(edge.channel)

    async def messages() -> AsyncIterator[ingestion.IngestFileRequest]:
        yield ingestion.IngestFileRequest(file_name="customers.ndjson")

    failure = await failure_of(uploads.IngestFile(messages(), metadata=key))
    assert failure.reason == "MISSING_SCOPE"
