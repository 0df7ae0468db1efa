from typing import Any

import pytest
from google.protobuf import json_format
from headrace.v1 import mapping_pb2

from headrace_server.model.mapping import MappingResult, MappingStatus
from headrace_server.rpc.messages.mapping import mapping_of, mapping_result


def result(output: dict[str, Any] | None) -> mapping_pb2.MappingResult:
    record = MappingResult(0, "m1", MappingStatus.COMPLETED, 2, 30, None, output)
    return mapping_result(record)


def test_whole_numbers_of_a_transformation_are_integers() -> None:
    message = mapping_pb2.Mapping(id="m1", source="s", target="t")
    rules: dict[str, Any] = {
        "a": 1,
        "b": 1.5,
        "c": {"from": "x"},
        "d": None,
        "e": True,
        "f": [2],
        "g": 2e300,
    }
    message.transformation.update(rules)
    found = mapping_of(message, "mapping")
    assert (found.mapping_id, found.source, found.target) == ("m1", "s", "t")
    assert found.transformation == rules
    assert {name: type(value) for name, value in found.transformation.items()} == {
        name: type(value) for name, value in rules.items()
    }


def test_without_a_transformation_there_is_none() -> None:
    assert mapping_of(mapping_pb2.Mapping(id="m1"), "mapping").transformation == {}


def test_an_output_is_shown_without_rounding() -> None:
    output = {"id": 2**53, "ids": [2**53 + 1, -(2**60)], "deep": {"x": None, "y": True, "z": "t"}}
    assert json_format.MessageToDict(result(output).output) == {
        "id": 2**53,
        "ids": [str(2**53 + 1), str(-(2**60))],
        "deep": {"x": None, "y": True, "z": "t"},
    }


@pytest.mark.parametrize(("output", "there"), [(None, False), ({}, True)])
def test_no_output_is_absent(output: dict[str, Any] | None, there: bool) -> None:
    message = result(output)
    assert message.HasField("output") is there
    assert not message.HasField("error")
