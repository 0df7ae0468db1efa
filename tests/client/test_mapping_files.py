import json

import pytest
from headrace.v1.priority_pb2 import Priority
from hypothesis import given
from hypothesis import strategies as st

from headrace_client.held_job import json_fields
from headrace_client.mapping_files import MappingFileError, read_mappings

ONE = {"id": "a", "source": "s", "target": "t"}
TWO = {"id": "b", "source": "s", "target": "t", "transformation": {"x": {"from": "y"}}}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"mappings": [ONE, TWO]}, indent=2),
        json.dumps([ONE, TWO]),
        f"{json.dumps(ONE)}\n\n{json.dumps(TWO)}\n",
    ],
)
def test_all_forms_mean_the_same(text: str) -> None:
    request = read_mappings(text)
    assert [mapping.id for mapping in request.mappings] == ["a", "b"]
    assert json_fields(request.mappings[1].transformation) == {"x": {"from": "y"}}
    assert request.priority == Priority.PRIORITY_UNSPECIFIED


def test_one_line_is_one_mapping() -> None:
    assert [mapping.id for mapping in read_mappings(json.dumps(ONE)).mappings] == ["a"]


@pytest.mark.parametrize("name", ["HIGH", "high"])
def test_the_file_may_name_a_priority(name: str) -> None:
    text = json.dumps({"mappings": [ONE], "priority": name})
    assert read_mappings(text).priority == Priority.HIGH


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (" ", "empty"),
        ("id,source", "not JSON"),
        ("5", "neither"),
        ('{"mappings": 5}', "not a list"),
        ("[]", "no mapping"),
        ('{"mappings": [], "prioritiy": "HIGH"}', "'prioritiy'"),
        (json.dumps({"mappings": [ONE], "priority": "URGENT"}), "'URGENT'"),
        (json.dumps({"mappings": [ONE], "priority": 1}), "1 is none of"),
        (json.dumps([ONE, {"id": "b", "target": "t"}]), "mapping 2: source missing"),
        (json.dumps([ONE, TWO, ONE]), "mapping 3: id 'a' is that of mapping 1"),
        (json.dumps([{**ONE, "surce": "s"}]), "mapping 1: not a mapping"),
        (json.dumps([5]), "mapping 1: not a mapping"),
        (f"{json.dumps(ONE)}\n{{torn", "line 2: not JSON"),
        (f"{json.dumps(ONE)}\n\n{json.dumps(ONE)}", "line 3: id 'a' is that of line 1"),
    ],
)
def test_what_is_wrong_is_named(text: str, told: str) -> None:
    with pytest.raises(MappingFileError, match=told):
        read_mappings(text)


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda b: b.decode("latin-1")))
def test_any_text_is_refused_in_words(text: str) -> None:
    # None so short has the three fields of a mapping.
    with pytest.raises(MappingFileError, match=r"\w"):
        read_mappings(text)
