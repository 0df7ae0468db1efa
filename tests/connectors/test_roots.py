import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.connectors.base import ConnectorError
from headrace_server.connectors.roots import known_schemes, root_of, store_path


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://shop/in", "s3://shop/in"),
        ("S3://shop/in//", "s3://shop/in"),
        ("memory://", "memory://"),
        ("memory:///", "memory://"),
        ("zip://", "zip://"),
    ],
)
def test_a_root_is_a_url(url: str, shown: str) -> None:
    assert root_of(url, {}).place.url == shown


def test_a_root_does_not_show_its_options() -> None:
    assert "secret" not in repr(root_of("memory://", {"password": "secret"}))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s4://shop", "s4: can have no root; use one of .*, s3, "),
        ("http://example.com", "http: can have no root"),
        ("local://etc", "local: can have no root"),
        ("data://x", "data: can have no root"),
        ("s3:shop", "scheme://place"),
        ("ann:secret@shop", "scheme://place"),
        ("s3://ann:secret@shop", "no password"),
        ("zip://::file:///a.zip", "no ::"),
        ("s3://shop/../other", "no \\.\\."),
        ("sftp://host/in", 'requires "paramiko"'),
    ],
)
def test_what_can_be_no_root_is_refused(url: str, words: str) -> None:
    with pytest.raises(ConnectorError, match=words) as caught:
        root_of(url, {})
    assert "secret" not in str(caught.value)


def test_roots_can_be_allowed_of_many_stores() -> None:
    assert {"s3", "gs", "abfs", "sftp", "memory", "zip"} <= known_schemes()
    assert not {"file", "local", "http", "https"} & known_schemes()


@pytest.mark.parametrize(
    "address",
    [
        "s3://shop/in/../a.json", "s3://shop/in/./a.json", "s3://shop/in//a.json", "s3:///a.json",
        "s3://shop/in/%2e%2e/a.json", "s3://shop/in\\..\\a.json", "s3://shop/in/*.json",
        "s3://shop/in/[a].json", "s3://shop/in/a?.json", "s3://shop/in/a.json?versionId=1",
        "s3://shop/in/a.json#x", "s3://ann:secret@shop/in/a.json", "s3://ann@shop/in/a.json",
        "s3://a.json::file:///etc/x.json", "s3://shop/in/a.zip::s3://shop/b", "s3://shop/in/a\n.json",
        "s3://shop/in/a\0.json", "s3://shop/in/", "s3:shop/in/a.json", "s3:/shop/in/a.json",
        "simplecache::s3://shop/in/a.json",
    ],
)  # fmt: skip
def test_an_address_can_be_read_in_one_way_only(address: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        store_path(address)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "below"),
    [
        ("s3://shop/in/a.json", True),
        ("S3://shop/in/b/a.json", True),
        ("s3://shop/in", False),
        ("s3://shop/inner/a.json", False),
        ("s3://Shop/in/a.json", False),
        ("s3://shop/a.json", False),
        ("gs://shop/in/a.json", False),
    ],
)
def test_what_is_below_a_root(address: str, below: bool) -> None:
    assert store_path(address).is_below(store_path("s3://shop/in")) is below


@given(st.lists(st.sampled_from(["..", ".", "", "in", "shop", "a.json", "%2e%2e"]), max_size=5))
def test_nothing_below_a_root_lies_elsewhere(parts: list[str]) -> None:
    address = f"s3://shop/in/{'/'.join(parts)}"
    try:
        path = store_path(address)
    except ConnectorError:
        return
    assert not {"..", ".", "", "%2e%2e"} & set(path.path.split("/"))
    assert path.is_below(store_path("s3://shop/in"))
