"""Reflection, with grpcurl where it or Go is installed, and in any case as grpcurl asks."""

import asyncio
import json
from collections.abc import AsyncIterator

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from .conftest import Site, customer, lines, new_id

SERVICES = {
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "headrace.v1.IngestionService",
    "headrace.v1.StatusService",
    "headrace.v1.ReadinessService",
    "headrace.v1.RemoteJobService",
    "headrace.v1.TenantService",
    "headrace.v1.WarehouseService",
    "headrace.v1.PreviewService",
    "headrace.v1.StorageService",
    "headrace.v1.RelationshipService",
    "headrace.v1.DatamartService",
    "headrace.v1.ExportService",
    "headrace.v1.PipelineService",
    "headrace.v1.RunService",
    "headrace.v1.TriggerService",
}

# Go takes minutes where it has built nothing yet.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(500)]


async def curl(program: str, *args: str) -> str:
    process = await asyncio.create_subprocess_exec(
        program, "-plaintext", *args, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.fixture(params=["direct", "envoy"])
def address(site: Site, request: pytest.FixtureRequest) -> str:
    return site.grpc if request.param == "direct" else site.http


def documents(text: str) -> list[dict[str, object]]:
    """Read JSON objects that stand one after the other."""
    decoder, found, text = json.JSONDecoder(), [], text.strip()
    while text:
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:].lstrip()
    return found


async def test_grpcurl(site: Site, address: str, grpcurl: str | None) -> None:
    request_id = (await site.ingest("customers_1.ndjson", lines(customer(new_id()))))["request_id"]
    if grpcurl is None:
        names, files = await reflected(address, "v1")
        assert names == SERVICES
        assert "headrace/v1/status_service.proto" in files
        return
    assert set((await curl(grpcurl, address, "list")).split()) == SERVICES
    described = await curl(grpcurl, address, "describe", "headrace.v1.StatusService")
    assert "rpc WatchStatus ( .headrace.v1.WatchStatusRequest )" in described
    health = documents(await curl(grpcurl, address, "headrace.v1.StatusService/GetHealth"))
    assert health[0]["status"] == "HEALTHY"
    ask = ("-d", json.dumps({"request_id": request_id}))
    watched = await curl(grpcurl, *ask, address, "headrace.v1.StatusService/WatchStatus")
    last = documents(watched)[-1]
    assert (last["terminal"], last["status"], last["rows_loaded"]) == (True, "COMPLETED", "1")


async def reflected(address: str, version: str) -> tuple[set[str], set[str]]:
    """Ask as grpcurl does: the names of the services, and the files that describe them."""

    async def asked() -> AsyncIterator[ServerReflectionRequest]:
        yield ServerReflectionRequest(list_services="")
        for name in SERVICES:
            if name.startswith("headrace."):
                yield ServerReflectionRequest(file_containing_symbol=name)

    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=ServerReflectionRequest.SerializeToString,
            response_deserializer=ServerReflectionResponse.FromString,
        )(asked())
        answers = [answer async for answer in call]
    listed = {service.name for service in answers[0].list_services_response.service}
    files = {
        FileDescriptorProto.FromString(data).name
        for answer in answers[1:]
        for data in answer.file_descriptor_response.file_descriptor_proto
    }
    return listed, files


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_both_versions_of_reflection(address: str, version: str) -> None:
    listed, files = await reflected(address, version)
    assert listed == SERVICES
    assert {"headrace/v1/status_service.proto", "headrace/v1/ingestion.proto"} <= files
