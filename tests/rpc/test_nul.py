"""Texts with a NUL character, which PostgreSQL stores nowhere: refused, and the field is named."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.rpc import code_pb2, error_details_pb2
from grpc_status import rpc_status
from headrace.v1 import ingestion_service_pb2, mapping_pb2, remote_job_service_pb2

from headrace_server.app import open_core
from headrace_server.config import Config
from headrace_server.model.tenant import Scope
from headrace_server.rpc.options import ServerOptions
from headrace_server.rpc.server import SERVICES, build_server

NUL = "a\0b"
#: texts that are compared, hashed or decoded but never given to a database, and lines of files
UNSTORED = {"page_token", "signature", "watch_token", "raw"}


Call = Callable[[MethodDescriptor, Message], Awaitable[Any]]


@pytest.fixture
async def call(database_url: str, tmp_path: Path) -> AsyncIterator[Call]:
    """Make a call of any kind with every scope; one that fails gives its google.rpc.Status."""
    config = Config(data_dir=tmp_path, database_url=database_url, parsers=1)
    async with open_core(config) as core:
        server = build_server(core.services, ServerOptions(allow_anonymous=True))
        address = f"127.0.0.1:{server.bind('127.0.0.1:0')}"
        await server.start()
        _, secret = await core.tenants.create_key("default", "test", frozenset(Scope))
        async with grpc.aio.insecure_channel(address) as channel:
            yield partial(call_with, channel, secret)
        await server.stop(0)


def methods() -> Iterator[MethodDescriptor]:
    for name in SERVICES:
        pool = ingestion_service_pb2.DESCRIPTOR.pool
        yield from pool.FindServiceByName(name).methods


def texts(message: Descriptor) -> Iterator[list[FieldDescriptor]]:
    """The ways to all text fields of a message and of those within it."""
    for field in message.fields:
        if field.type == field.TYPE_STRING:
            yield [field]
        elif field.message_type and field.message_type.file.package == "headrace.v1":
            yield from ([field, *way] for way in texts(field.message_type))


def filled(message: Descriptor, way: list[FieldDescriptor]) -> tuple[Any, str]:
    """A message with the text at the end of a way, and how a caller writes that way."""
    made = message_factory.GetMessageClass(message)()
    at: Any = made
    steps: list[str] = []
    for field in way[:-1]:
        at = getattr(at, field.name)
        if field.message_type and field.message_type.GetOptions().map_entry:
            key, value = (NUL, "") if way[-1].name == "key" else ("k", NUL)
            at[key] = value
            return made, ".".join([*steps, f"{field.name}[{key}]"])
        at = at.add() if field.is_repeated else at
        steps.append(f"{field.name}[0]" if field.is_repeated else field.name)
    last = way[-1]
    if last.is_repeated:
        getattr(at, last.name).append(NUL)
    else:
        setattr(at, last.name, NUL)
    return made, ".".join([*steps, f"{last.name}[0]" if last.is_repeated else last.name])


async def call_with(
    channel: grpc.aio.Channel, secret: str, method: MethodDescriptor, request: Message
) -> Any:
    kinds = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
    }
    make: Any = kinds[method.client_streaming, method.server_streaming]
    path = f"/{method.containing_service.full_name}/{method.name}"
    answer_class = message_factory.GetMessageClass(method.output_type)
    stub = make(path, type(request).SerializeToString, answer_class.FromString)
    try:
        sent = [request] if method.client_streaming else request
        answer = stub(sent, metadata=[("x-api-key", secret)])
        return await answer.read() if method.server_streaming else await answer
    except grpc.aio.AioRpcError as error:
        return rpc_status.from_call(error)


def wrong_fields(status: Any) -> set[str]:
    """The fields that an INVALID_ARGUMENT names; none for any other answer."""
    found = error_details_pb2.BadRequest()
    for detail in status.details if getattr(status, "code", 0) == code_pb2.INVALID_ARGUMENT else ():
        if detail.Is(found.DESCRIPTOR):
            detail.Unpack(found)
    return {violation.field for violation in found.field_violations}


#: entries of batches are checked one by one
ENTRIES = {"CreateRemoteJobs": "jobs", "SubmitResults": "results"}


async def test_every_text_of_every_request(call: Call) -> None:
    accepted = []
    tried = 0
    for method in methods():
        for way in texts(method.input_type):
            if way[-1].name in UNSTORED or ENTRIES.get(method.name) == way[0].name:
                continue
            request, path = filled(method.input_type, way)
            tried += 1
            if path not in wrong_fields(await call(method, request)):
                accepted.append(f"{method.name}: {path}")
    assert accepted == []
    assert tried > 50


@pytest.mark.parametrize("name", ENTRIES)
async def test_every_text_of_every_entry_of_a_batch(call: Call, name: str) -> None:
    (method,) = [method for method in methods() if method.name == name]
    ways = [way for way in texts(method.input_type) if way[0].name == ENTRIES[name]]
    request = message_factory.GetMessageClass(method.input_type)()
    for way in ways:
        one, _ = filled(method.input_type, way)
        request.MergeFrom(one)
    answer = await call(method, request)
    outcomes = getattr(answer, ENTRIES[name])
    for way, outcome in zip(ways, outcomes, strict=True):
        assert way[-1].name in wrong_fields(outcome.error)


def odd_objects() -> list[Struct]:
    made = []
    for fields in ({"k": NUL}, {NUL: 1}, {"k": [{"k": NUL}]}):
        struct = Struct()
        struct.update(fields)
        made.append(struct)
    return made


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("CreateRemoteJob", "task_options"),
        ("HeartbeatJob", "checkpoint"),
        ("SubmitResult", "metadata"),
        ("CreateIngestion", "mappings[0].transformation"),
    ],
)
async def test_texts_and_keys_within_json(call: Call, name: str, field: str) -> None:
    (method,) = [method for method in methods() if method.name == name]
    for odd in odd_objects():
        requests: dict[str, Message] = {
            "CreateRemoteJob": remote_job_service_pb2.CreateRemoteJobRequest(
                source_file_path="x", content_type="audio", task_options=odd
            ),
            "HeartbeatJob": remote_job_service_pb2.HeartbeatJobRequest(
                job_id="j", worker_id="w", checkpoint=odd
            ),
            "SubmitResult": remote_job_service_pb2.SubmitResultRequest(
                job_id="j", success=True, metadata=odd
            ),
            "CreateIngestion": ingestion_service_pb2.CreateIngestionRequest(
                mappings=[mapping_pb2.Mapping(id="m", source="s", target="t", transformation=odd)]
            ),
        }
        assert field in wrong_fields(await call(method, requests[name]))


async def test_what_no_database_sees_is_no_internal_error(call: Call) -> None:
    tried = 0
    for method in methods():
        for way in texts(method.input_type):
            if way[-1].name not in UNSTORED:
                continue
            request, _ = filled(method.input_type, way)
            for field in method.input_type.fields:
                if field.type == field.TYPE_STRING and field.name not in UNSTORED:
                    setattr(request, field.name, "x")
                elif field.type == field.TYPE_INT32:
                    setattr(request, field.name, 1)
            status = await call(method, request)
            tried += 1
            assert status.code in {
                code_pb2.INVALID_ARGUMENT,
                code_pb2.NOT_FOUND,
                code_pb2.UNAUTHENTICATED,
            }, (method.name, status)
    assert tried > 5


async def test_the_name_of_a_part(call: Call) -> None:
    (method,) = [method for method in methods() if method.name == "IngestFile"]
    part = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="orders\0.ndjson"\r\n\r\n'
        b"{}\r\n--x--\r\n"
    )
    body = HttpBody(content_type="multipart/form-data; boundary=x", data=part)
    request = ingestion_service_pb2.IngestFileRequest(body=body)
    status = await call(method, request)
    assert status.code == code_pb2.INVALID_ARGUMENT, status
