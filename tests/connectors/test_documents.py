from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.connectors.base import ConnectorError
from headrace_server.connectors.documents import decode_json, encode_json, encode_lines

_NUMBERS = st.one_of(
    st.integers().map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)


@given(_NUMBERS)
def test_no_number_is_rounded_on_its_way(text: str) -> None:
    data = f'{{"n":{text}}}'.encode()
    sent = encode_json([decode_json(data)])
    assert Decimal(sent.decode()[5:-1]) == Decimal(text)


def test_a_number_that_no_float_holds_goes_as_it_came() -> None:
    data = b'{"a":12345678901234.5678,"b":1E+400,"c":123456789012345678901234567890,"d":0.10}'
    record = decode_json(data)
    assert isinstance(record["d"], float)
    sent = data.replace(b"0.10", b"0.1")
    assert encode_json([record]) == sent
    assert encode_lines([record, record]) == (sent + b"\n") * 2


@pytest.mark.parametrize("data", [b"", b"{", b"[1e99999999999999999999]", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(ConnectorError, match="the source is no JSON"):
        decode_json(data)


def test_what_json_cannot_say_is_a_fault() -> None:
    with pytest.raises(TypeError, match="object is no value of JSON"):
        encode_json([{"a": object()}])
