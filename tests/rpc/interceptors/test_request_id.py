"""Request ids: taken where sane, made otherwise, always sent back."""

from typing import TYPE_CHECKING

import pytest
from headrace.v1 import status_service_pb2 as pb

from headrace_server.rpc.interceptors.errors import Errors
from headrace_server.rpc.interceptors.request_id import RequestIds

if TYPE_CHECKING:
    from rpc.conftest import FailureOf, Serve


async def _sent_back(call: object) -> str:
    trailers = dict(await call.trailing_metadata())  # type: ignore[attr-defined]  # a grpc call
    return str(trailers["x-request-id"])


async def test_a_sane_id_is_kept(serve: "Serve") -> None:
    stub = await serve(RequestIds())
    call = stub.GetStatus(pb.GetStatusRequest(), metadata=(("x-request-id", "Ab1-._"),))
    await call
    assert await _sent_back(call) == "Ab1-._"


@pytest.mark.parametrize("given", [None, "", "a b", 'a"b', "x" * 65])
async def test_another_is_made(serve: "Serve", given: str | None) -> None:
    stub = await serve(RequestIds())
    metadata = () if given is None else (("x-request-id", given),)
    calls = [stub.GetStatus(pb.GetStatusRequest(), metadata=metadata) for _ in range(2)]
    for call in calls:
        await call
    first, second = [await _sent_back(call) for call in calls]
    assert first != second
    assert given not in {first, second}
    assert len(first) == 32


async def test_a_stream_sends_it_back_too(serve: "Serve") -> None:
    stub = await serve(RequestIds())
    call = stub.WatchStatus(pb.WatchStatusRequest(), metadata=(("x-request-id", "abc"),))
    assert len([each async for each in call]) == 2
    assert await _sent_back(call) == "abc"


async def test_an_error_sends_it_back_too(serve: "Serve", failure_of: "FailureOf") -> None:
    async def broken(request: object, context: object) -> None:
        raise KeyError

    stub = await serve(Errors(), RequestIds(), answer=broken)
    failure = await failure_of(
        stub.GetStatus(pb.GetStatusRequest(), metadata=(("x-request-id", "abc"),))
    )
    assert failure.trailers["x-request-id"] == "abc"
