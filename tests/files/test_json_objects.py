import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.files.json_objects import MAX_NESTING, LineFault, Member, read_object
from headrace_server.model.rows import RejectReason

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(
    pairs=st.lists(st.tuples(st.text(max_size=3), JSON), max_size=5),
    space=st.sampled_from(["", " ", "\t \r"]),
    escaped=st.booleans(),
)
def test_every_member_comes_in_its_order_as_written(
    pairs: list[tuple[str, object]], space: str, escaped: bool
) -> None:
    raws = [json.dumps(value, ensure_ascii=escaped) for _, value in pairs]
    members = [
        f"{space}{json.dumps(key, ensure_ascii=escaped)}{space}:{space}{raw}{space}"
        for (key, _), raw in zip(pairs, raws, strict=True)
    ]
    line = f"{space}{{{space}{','.join(members)}}}{space}"
    assert read_object(line) == [
        Member(key, raw, value if isinstance(value, str) else None)
        for (key, value), raw in zip(pairs, raws, strict=True)
    ]


@given(line=st.text(st.sampled_from('{}[]:,"\\ a1.e-tnull\t\0'), max_size=20))
def test_it_takes_exactly_the_objects_that_json_has(line: str) -> None:
    try:
        pairs = json.loads(line, object_pairs_hook=tuple)
    except json.JSONDecodeError:
        with pytest.raises(LineFault) as caught:
            read_object(line)
        assert caught.value.reason is RejectReason.MALFORMED_JSON
        return
    if line.strip(" \t").startswith("{"):
        assert [member.key for member in read_object(line)] == [key for key, _ in pairs]
    else:
        with pytest.raises(LineFault) as caught:
            read_object(line)
        assert caught.value.reason is RejectReason.NOT_AN_OBJECT


def test_nesting_has_a_limit_whatever_stack_is_left() -> None:
    def nested(levels: int) -> str:
        return '{"a":' + "[" * (levels - 1) + "]" * (levels - 1) + "}"

    assert len(read_object(nested(MAX_NESTING))) == 1
    with pytest.raises(LineFault, match="nested deeper than 256"):
        read_object(nested(MAX_NESTING + 1))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"a": 1', "character 8: expecting ',' or '}'"),
        ('{"a": tru}', "character 7: Expecting value"),
        ('{"a": "x', "character 7: Unterminated string starting"),
        ('{"a": 1} {"a": 2}', "character 10: more follows the object; one object a line"),
        ('{"a": NaN}', "NaN is not JSON"),
    ],
)
def test_the_message_says_where(line: str, message: str) -> None:
    with pytest.raises(LineFault) as caught:
        read_object(line)
    assert message in caught.value.message
