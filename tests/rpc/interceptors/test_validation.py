"""The rules on the fields, and how a breach of them is told."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from headrace.v1 import contract_pb2, ingestion_service_pb2_grpc
from headrace.v1 import ingestion_service_pb2 as ingestion
from headrace.v1 import status_service_pb2 as pb
from headrace.v1.datamart_service_pb2 import RefreshDatamartRequest
from headrace.v1.dataset_pb2 import DatasetDeclaration

from headrace_server.model.errors import InvalidFieldError
from headrace_server.rpc.field_rules import FieldRules
from headrace_server.rpc.interceptors.errors import Errors
from headrace_server.rpc.interceptors.request_id import RequestIds
from headrace_server.rpc.interceptors.validation import Validation

if TYPE_CHECKING:
    from rpc.conftest import Edge, FailureOf, Serve


async def test_a_valid_request_passes(serve: "Serve") -> None:
    stub = await serve(Errors(), RequestIds(), Validation())
    answer = await stub.GetStatus(pb.GetStatusRequest(request_id="abc"))
    assert answer.request_id == "abc"


@pytest.mark.parametrize("request_id", ["", "a/b", "..", "a\0b", "a\n", "x" * 65, "é"])
async def test_a_wrong_field_is_named(
    serve: "Serve", failure_of: "FailureOf", request_id: str
) -> None:
    stub = await serve(Errors(), RequestIds(), Validation())
    request = pb.WatchStatusRequest(request_id=request_id, after_revision=-1)
    failure = await failure_of(stub.WatchStatus(request))
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failure.reason == "INVALID_FIELD"
    violations = failure.detail(error_details_pb2.BadRequest).field_violations
    assert {each.field for each in violations} == {"request_id", "after_revision"}
    assert failure.detail(error_details_pb2.ErrorInfo).metadata["field"] == violations[0].field


async def test_a_field_within_lists_is_named_by_its_path(
    edge: "Edge", failure_of: "FailureOf"
) -> None:
    stub: Any = ingestion_service_pb2_grpc.IngestionServiceStub(edge.channel)
    tables = [contract_pb2.Table(name="a"), contract_pb2.Table(name="NO")]
    contract = contract_pb2.Contract(name="c", tables=tables)
    request = ingestion.RegisterContractRequest(contract=contract)
    failure = await failure_of(stub.RegisterContract(request))
    fields = {v.field for v in failure.detail(error_details_pb2.BadRequest).field_violations}
    assert {"contract.tables[1].name", "contract.tables[0].columns"} <= fields


async def _messages(*messages: Any) -> AsyncIterator[Any]:
    for message in messages:
        yield message


async def test_the_first_message_of_a_stream_is_checked(
    edge: "Edge", failure_of: "FailureOf"
) -> None:
    stub: Any = ingestion_service_pb2_grpc.IngestionServiceStub(edge.channel)
    wrong = ingestion.AppendUploadRequest(token="a/b", body=HttpBody(data=b"x"))  # noqa: S106  # none
    failure = await failure_of(stub.AppendUpload(_messages(wrong)))
    fields = {v.field for v in failure.detail(error_details_pb2.BadRequest).field_violations}
    assert fields == {"token", "offset"}


async def test_a_stream_without_messages_is_one_with_an_empty_message(
    edge: "Edge", failure_of: "FailureOf"
) -> None:
    stub: Any = ingestion_service_pb2_grpc.IngestionServiceStub(edge.channel)
    failure = await failure_of(stub.AppendUpload(_messages()))
    assert failure.reason == "INVALID_FIELD"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (RefreshDatamartRequest(name="my mart"), "name: must be small letters, digits and _"),
        (RefreshDatamartRequest(name="a", schema="B"), "schema: must be small letters, digits"),
        (pb.GetStatusRequest(request_id="a/b"), "request_id: must be letters, digits, - and _"),
    ],
)
def test_patterns_are_told_in_words(message: Message, words: str) -> None:
    with pytest.raises(InvalidFieldError, match=words):
        FieldRules().check(message)


@pytest.mark.parametrize("name", ["orders", "public.", ".orders", "a..b", "a b.c", "a.b\n", "é.b"])
def test_the_name_of_a_dataset_is_explained(name: str) -> None:
    declaration = DatasetDeclaration(full_name=name)
    with pytest.raises(InvalidFieldError, match=r"full_name: must be names .* sales\.orders"):
        FieldRules().check(declaration)


@pytest.mark.parametrize("name", ["public.orders", "a.b.c", "_a-1.b$"])
def test_names_of_datasets_that_pass(name: str) -> None:
    FieldRules().check(DatasetDeclaration(full_name=name))
