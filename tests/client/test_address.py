import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_client.address import Address, parse_address


@pytest.mark.parametrize(
    ("text", "target", "tls", "loopback"),
    [
        ("127.0.0.1:50051", "127.0.0.1:50051", False, True),
        ("localhost", "localhost:50051", False, True),
        ("http://localhost:8000", "localhost:8000", False, True),
        ("http://example.org/", "example.org:80", False, False),
        ("https://example.org", "example.org:443", True, False),
        ("[::1]:7", "[::1]:7", False, True),
        ("unix:/run/headrace", "unix:/run/headrace", False, True),
    ],
)
def test_forms(text: str, target: str, tls: bool, loopback: bool) -> None:
    assert parse_address(text) == Address(target, tls, loopback)


@pytest.mark.parametrize("text", ["", "ftp://x", "http://x/path", "host:port", ":1", "a:99999"])
def test_a_wrong_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|[Pp]ort"):
        parse_address(text)


@given(
    st.from_regex(r"[a-z][a-z0-9]{0,10}(\.[a-z]{2,5})?", fullmatch=True),
    st.integers(min_value=1, max_value=65535),
)
def test_host_and_port_come_back(host: str, port: int) -> None:
    plain = parse_address(f"{host}:{port}")
    assert plain.target == f"{host}:{port}"
    assert parse_address(f"http://{host}:{port}") == plain
    assert parse_address(plain.target) == plain
