import pytest

from headrace_server.connectors.base import ConnectorError
from headrace_server.connectors.filesystem import FileConnector
from headrace_server.connectors.registry import BARE, Connectors, scheme_of
from headrace_server.connectors.simulated import SimulatedSystem

SIMULATED = SimulatedSystem(success_rate=1, latency=0, seed=0)
FILES = FileConnector([])


@pytest.fixture
def connectors() -> Connectors:
    return Connectors({BARE: SIMULATED, "table": FILES, "file": FILES})


@pytest.mark.parametrize(
    ("address", "scheme"),
    [
        ("source_system_1", ""),
        ("a name with spaces", ""),
        ("1:2", ""),
        ("/a:b", ""),
        ("FILE:///a", "file"),
        ("https://a", "https"),
        ("s3+x.y-z://b", "s3+x.y-z"),
    ],
)
def test_the_scheme_is_what_stands_before_the_first_colon(address: str, scheme: str) -> None:
    assert scheme_of(address) == scheme


def test_the_scheme_picks_the_connector(connectors: Connectors) -> None:
    assert connectors.of("source_1") is SIMULATED
    assert connectors.of("File:///a.json") is FILES


@pytest.mark.parametrize("written", [False, True])
def test_an_unknown_scheme_is_refused_with_the_known_ones(
    connectors: Connectors, written: bool
) -> None:
    with pytest.raises(
        ConnectorError, match=r"^ftp: is no known scheme; use file:, table: or a bare name$"
    ):
        connectors.check("ftp://example.com/", written=written)


def test_what_the_connector_refuses_is_refused(connectors: Connectors) -> None:
    connectors.check("source_1", written=True)
    with pytest.raises(ConnectorError, match="allows no folders"):
        connectors.check("file:///a.json", written=False)


def test_a_scheme_without_a_root_is_refused_with_the_way_to_allow_one() -> None:
    connectors = Connectors({BARE: SIMULATED, "file": FILES}, without_root={"s3"})
    with pytest.raises(ConnectorError, match=r"HEADRACE_ALLOWED_ROOTS=s3://\.\.\.; else use file:"):
        connectors.check("s3://shop/a.json", written=False)
