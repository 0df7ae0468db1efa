"""Documents of JSON as lines of objects."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace_server.files.formats import Compression
from headrace_server.files.importing import plain_json
from headrace_server.files.importing.plain_json import write_values
from headrace_server.files.importing.plan import FilePlan
from headrace_server.model.errors import InvalidFieldError, TooLargeError

PLAN = FilePlan("json", Compression.NONE, (), encoding="utf-8")


def lines(document: str | bytes) -> list[bytes]:
    data = document.encode() if isinstance(document, str) else document
    target = io.BytesIO()
    write_values(io.BytesIO(data), target, PLAN)
    return target.getvalue().splitlines()


@pytest.mark.parametrize(
    ("document", "written"),
    [
        ('[{"a": 1.50}, {"a": 1E400}]', [b'{"a": 1.50}', b'{"a": 1E400}']),
        ('{"a": 1}', [b'{"a": 1}']),
        ('{"a": 1}\n{"b": 2}', [b'{"a": 1}', b'{"b": 2}']),
        ('[\n{"a":\r\n[1,\n2]}\n]\n', [b'{"a": [1, 2]}']),
        ('[1, "x", null]', [b'{"value":1}', b'{"value":"x"}', b'{"value":null}']),
        ("[NaN, [], [[2]]]", [b'{"value":NaN}', b"{}", b'{"column_1":[2]}']),
        ('[[1, "b,]"]]', [b'{"column_1":1,"column_2":"b,]"}']),
        ("[]", []),
        (" \n", []),
        ('[{"a": "\\u00e4\\n"}]', [b'{"a": "\\u00e4\\n"}']),
    ],
)
def test_each_value_is_a_line_as_it_came(document: str, written: list[bytes]) -> None:
    assert [each.replace(b"  ", b" ") for each in lines(document)] == written


@pytest.mark.parametrize(
    ("document", "line", "words"),
    [
        ('[{"a": 1},\n{"a": 2}\n{"a": 3}]', 3, "expecting ',' or ']'"),
        ('[{"a": 1},\n{"a" 2}]', 2, "Expecting ':' delimiter"),
        ('[{"a": 1},\n', 2, "Expecting value"),
        ('[{"a": "x', 1, "Unterminated string starting"),
        ('[{"a": "x\ny"}]', 1, "Invalid control character"),
        ("[1]\n]", 2, "Expecting value"),
        ("[" * 200_000, 1, "it is nested too deeply"),
        ("[tru]", 1, "Expecting value"),
    ],
)
def test_a_broken_document_is_told_with_its_line(document: str, line: int, words: str) -> None:
    with pytest.raises(InvalidFieldError) as told:
        lines(document)
    assert told.value.message.startswith(f"file: is no JSON document at its line {line}: {words}")


def test_the_line_of_a_break_far_from_the_beginning_is_told() -> None:
    rows = [f'{{"a": {n}, "b": "{"x" * 200}"}}' for n in range(20_000)]
    rows[15_000] = '{"a" 1}'
    with pytest.raises(InvalidFieldError, match="at its line 15001: Expecting ':'"):
        lines("[" + ",\n".join(rows) + "]")


def test_a_value_that_is_too_long_is_told_from_a_break(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_json, "MOST_CHARACTERS", 2 << 20)
    with pytest.raises(TooLargeError, match="longer than 2097152 characters; send lines"):
        lines('["' + "x" * (5 << 20) + '"]')
    with pytest.raises(InvalidFieldError, match="line 1: Expecting ','"):
        lines('[{"a": 1 2},' + '{"a": 1},' * (1 << 20))


def test_bytes_that_are_no_text_stay_in_their_line() -> None:
    assert lines(b'[{"a": "\xe4"}, {"a": "b"}]') == [b'{"a": "\xff\xe4"}', b'{"a": "b"}']


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.dictionaries(st.text(), JSON, max_size=3)), st.sampled_from([None, 1]))
def test_objects_come_back(rows: list[dict[str, object]], indent: int | None) -> None:
    written = lines(json.dumps(rows, indent=indent, ensure_ascii=False))
    assert [json.loads(line) for line in written] == rows


@pytest.mark.parametrize("length", range(1, 12))
def test_values_may_be_cut_anywhere(length: int) -> None:
    values = [1234567, -0.5, 1e-7, True, None, 'ü\\"', {"a": [False]}, float("-inf"), [""]]
    text = json.dumps(values)
    pieces = [text[place : place + length] for place in range(0, len(text), length)]
    found = [json.loads(raw) for raw in plain_json._Values(pieces).all()]
    assert found == values
