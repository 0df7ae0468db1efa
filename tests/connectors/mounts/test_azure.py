from collections.abc import Iterator

import pytest
from object_servers import AzureServer, ObjectServer, serving
from storage_servers import REACH

from headrace_server.connectors.base import ConnectorError
from headrace_server.connectors.mounts.azure import AzureBucket, _service
from headrace_server.model.storage import Place, StorageType


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectServer]:
    with serving(AzureServer()) as running:
        running.put("a.csv", b"a\n")
        yield running


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"account_key": "aHVzaA=="}, "SharedKey acme:"),
        ({"sas_token": "?sv=2024&sig=hush"}, "hush"),
        ({"sas_token": "sv=2024&sig=hush"}, "hush"),
        ({}, ""),
    ],
)
async def test_credentials_are_told(server: ObjectServer, named: dict[str, str], said: str) -> None:
    server.authorization = said
    place = Place(
        StorageType.AZURE, "abfs://shop", {"account_name": "acme", **named}, endpoint_url=server.url
    )
    bucket = AzureBucket(place, "shop", REACH)
    assert (await bucket.head("a.csv")).size == 2
    await bucket.close()


def test_the_account_is_a_part_of_a_name() -> None:
    place = Place(StorageType.AZURE, "abfs://shop", {"account_name": "acme"})
    assert _service(place) == "https://acme.blob.core.windows.net"


@pytest.mark.parametrize("name", ["", "ab", "evil.example/", "ACME", "a" * 25])
async def test_an_account_that_can_be_none_is_refused(name: str) -> None:
    place = Place(StorageType.AZURE, "abfs://shop", {"account_name": name})
    with pytest.raises(ConnectorError, match=r"credentials\.account_name must be"):
        AzureBucket(place, "shop", REACH)
