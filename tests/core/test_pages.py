import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.core.pages import decode_token, encode_token, page_of, position_of
from headrace_server.model.errors import InvalidFieldError

_texts = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    max_size=20,
)
_values = st.lists(_texts | st.integers(-(2**63), 2**63 - 1), max_size=5)


def _token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@given(_values)
def test_a_token_gives_its_values_back(values: list[str | int]) -> None:
    token = encode_token(values)
    assert decode_token(token) == values
    assert decode_token(token, *(type(value) for value in values)) == values
    assert token.isascii()
    assert not set(token) & set("+/=")


@given(st.text(max_size=40) | st.text("ABCabc019-_=+/", max_size=40))
def test_any_other_text_is_refused_or_is_the_one_spelling(text: str) -> None:
    try:
        values = decode_token(text)
    except InvalidFieldError:
        return
    assert encode_token(values) == text


@pytest.mark.parametrize(
    "token",
    [
        "",
        "ü",
        "!!!!",
        "W10=",
        " W10",
        "W1",
        _token("[] "),
        _token("{}"),
        _token("null"),
        _token('"a"'),
        _token("[1.0]"),
        _token("[null]"),
        _token("[true]"),
        _token("[[]]"),
        _token("[NaN]"),
        _token("[9223372036854775808]"),
        _token('["\\u0000"]'),
        _token('["\\ud800"]'),
        _token("[" * 700),
        _token("[" * 100_000),
        _token(json.dumps(["é"])),
    ],
)
def test_what_was_not_made_here_is_refused(token: str) -> None:
    with pytest.raises(InvalidFieldError, match="page_token: must be a next_page_token") as caught:
        decode_token(token)
    assert caught.value.metadata == {"field": "page_token"}
    assert [violation.field for violation in caught.value.violations] == ["page_token"]


@pytest.mark.parametrize("values", [[], ["a"], [1, "a"], ["a", 1, 1], ["a", "b"]])
def test_a_token_of_another_list_is_refused(values: list[str | int]) -> None:
    with pytest.raises(InvalidFieldError):
        decode_token(encode_token(values), str, int)


def test_a_page_names_the_next_only_where_there_is_more() -> None:
    def position(row: int) -> list[int]:
        return [row]

    assert page_of([1, 2], 2, position).next_token == ""
    assert page_of([], 2, position).items == ()
    page = page_of([1, 2, 3], 2, position)
    assert page.items == (1, 2)
    assert decode_token(page.next_token, int) == [2]


def test_a_list_by_time_goes_on_after_an_instant_and_an_id() -> None:
    token = encode_token(["2026-03-09T06:00:00+00:00", "run_1"])
    assert position_of(token) == (datetime(2026, 3, 9, 6, tzinfo=UTC), "run_1")
    assert position_of("") is None
