"""The server as a whole: health, reflection, TLS, limits and its end."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2 as reflection
from headrace.v1 import ingestion_service_pb2 as ingestion
from headrace.v1 import ingestion_service_pb2_grpc, status_service_pb2_grpc
from headrace.v1 import status_service_pb2 as pb

from headrace_server.rpc.options import ServerOptions, Tls
from headrace_server.rpc.server import HEALTH, REFLECTION, SERVICES, build_server

if TYPE_CHECKING:
    from rpc.conftest import Edge, EdgeWith, FailureOf

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.mark.parametrize("service", ["", *SERVICES])
async def test_each_service_is_healthy(edge: "Edge", service: str) -> None:
    health: Any = health_pb2_grpc.HealthStub(edge.channel)
    answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
    assert answer.status == SERVING


async def test_an_unknown_service_has_no_health(edge: "Edge", failure_of: "FailureOf") -> None:
    health: Any = health_pb2_grpc.HealthStub(edge.channel)
    failure = await failure_of(health.Check(health_pb2.HealthCheckRequest(service="no")))
    assert failure.code is grpc.StatusCode.NOT_FOUND


async def _reflect(
    channel: grpc.aio.Channel, name: str, request: reflection.ServerReflectionRequest
) -> reflection.ServerReflectionResponse:
    call: Any = channel.stream_stream(
        f"/{name}/ServerReflectionInfo",
        request_serializer=reflection.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection.ServerReflectionResponse.FromString,
    )(iter([request]))
    answer: reflection.ServerReflectionResponse = await call.read()
    return answer


@pytest.mark.parametrize("name", REFLECTION)
async def test_reflection_answers_to_both_names(edge: "Edge", name: str) -> None:
    listing = reflection.ServerReflectionRequest(list_services="")
    listed = (await _reflect(edge.channel, name, listing)).list_services_response.service
    assert {each.name for each in listed} == {*SERVICES, HEALTH, *REFLECTION}
    asking = reflection.ServerReflectionRequest(file_containing_symbol=SERVICES[0])
    files = (await _reflect(edge.channel, name, asking)).file_descriptor_response
    names = {
        descriptor_pb2.FileDescriptorProto.FromString(file).name
        for file in files.file_descriptor_proto
    }
    assert "headrace/v1/ingestion_service.proto" in names


async def test_a_taken_port_is_an_error(edge: "Edge") -> None:
    second = build_server(edge.core.services, ServerOptions())
    with pytest.raises(OSError, match="cannot listen on"):
        second.bind(edge.address)
    await second.stop(0)


async def test_a_message_beyond_the_limit_is_refused(
    edge_with: "EdgeWith", failure_of: "FailureOf"
) -> None:
    edge = await edge_with(allow_anonymous=True, max_message_bytes=1000)
    stub: Any = ingestion_service_pb2_grpc.IngestionServiceStub(edge.channel)
    large = ingestion.CreateUploadSessionRequest(file_name="x" * 2000)
    failure = await failure_of(stub.CreateUploadSession(large))
    assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    large = ingestion.CreateUploadSessionRequest(file_name="x" * 1000)
    failure = await failure_of(stub.CreateUploadSession(large))
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (
        failure.error.details()
        == "the request has 1003 bytes, and may have 1000: split it into several"
    )


async def test_calls_beyond_the_limit_are_refused(
    edge_with: "EdgeWith", failure_of: "FailureOf"
) -> None:
    edge = await edge_with(allow_anonymous=True, max_concurrent_calls=1)
    stub: Any = status_service_pb2_grpc.StatusServiceStub(edge.channel)
    watch = stub.WatchStatus(pb.WatchStatusRequest(request_id=await edge.ingestion()))
    await watch.read()
    failure = await failure_of(stub.GetHealth(pb.GetHealthRequest()))
    assert failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    watch.cancel()


async def test_stopping_tells_health_and_watches_and_lets_uploads_end(
    edge: "Edge", failure_of: "FailureOf"
) -> None:
    health: Any = health_pb2_grpc.HealthStub(edge.channel)
    uploads: Any = ingestion_service_pb2_grpc.IngestionServiceStub(edge.channel)
    stub: Any = status_service_pb2_grpc.StatusServiceStub(edge.channel)
    asked, sent, proceed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def messages() -> AsyncIterator[ingestion.IngestFileRequest]:
        body = HttpBody(data=b"{}\n")
        yield ingestion.IngestFileRequest(file_name="customers.ndjson", body=body)
        sent.set()
        await proceed.wait()
        yield ingestion.IngestFileRequest(body=body)

    upload = asyncio.ensure_future(uploads.IngestFile(messages()))
    await sent.wait()
    watch = stub.WatchStatus(pb.WatchStatusRequest(request_id=await edge.ingestion()))
    await watch.read()
    healths = health.Watch(health_pb2.HealthCheckRequest())
    assert (await healths.read()).status == SERVING

    async def stop() -> None:
        asked.set()
        await edge.server.stop(grace=30)

    stopping = asyncio.create_task(stop())
    await asked.wait()
    assert (await healths.read()).status == NOT_SERVING
    failure = await failure_of(watch)
    assert failure.reason == "SHUTTING_DOWN"
    assert not upload.done()
    proceed.set()
    assert (await upload).bytes_received == 6
    async with asyncio.timeout(10):
        await stopping
        await edge.server.wait_for_termination()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority (ca), a server and a client, each a .pem and a .key."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name in ("server", "client"):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=x")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names")
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
    return folder


async def _health_over_tls(edge: "Edge", folder: Path, *, client: str | None = None) -> Any:
    own = [(folder / f"{client}.{end}").read_bytes() for end in ("key", "pem")] if client else []
    credentials = grpc.ssl_channel_credentials((folder / "ca.pem").read_bytes(), *own)
    async with grpc.aio.secure_channel(edge.address, credentials) as channel:
        stub: Any = status_service_pb2_grpc.StatusServiceStub(channel)
        return await stub.GetHealth(pb.GetHealthRequest(), timeout=20)


async def test_tls(edge_with: "EdgeWith", certificates: Path) -> None:
    tls = Tls(certificates / "server.pem", certificates / "server.key")
    edge = await edge_with(tls=tls)
    answer = await _health_over_tls(edge, certificates)
    assert answer.status == pb.GetHealthResponse.HEALTHY
    plain: Any = status_service_pb2_grpc.StatusServiceStub(edge.channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await plain.GetHealth(pb.GetHealthRequest(), timeout=20)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_mutual_tls(edge_with: "EdgeWith", certificates: Path) -> None:
    authority = certificates / "ca.pem"
    tls = Tls(certificates / "server.pem", certificates / "server.key", client_ca=authority)
    edge = await edge_with(tls=tls)
    answer = await _health_over_tls(edge, certificates, client="client")
    assert answer.status == pb.GetHealthResponse.HEALTHY
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _health_over_tls(edge, certificates)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
