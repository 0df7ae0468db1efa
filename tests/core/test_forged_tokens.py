import pytest

from headrace_server.core.pages import encode_token, position_of
from headrace_server.core.tenants import _key_position
from headrace_server.model.errors import InvalidFieldError


@pytest.mark.parametrize(
    "text", ["2026-01-01", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", "x"]
)
def test_forged_instant_is_an_invalid_token(text: str) -> None:
    with pytest.raises(InvalidFieldError, match="page_token"):
        position_of(encode_token([text, "x"]))


@pytest.mark.parametrize("microseconds", [2**62, -(2**62)])
def test_forged_creation_time_of_a_key_is_an_invalid_token(microseconds: int) -> None:
    with pytest.raises(InvalidFieldError, match="page_token"):
        _key_position(encode_token([microseconds, "x"]))
