"""What is rendered, and that the file in the repository runs as it stands."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import descriptor_pb2

from headrace_server.gateway.configuration import descriptor_path, render
from headrace_server.gateway.envoy import EnvoyError, validate
from headrace_server.gateway.options import GatewayOptions
from headrace_server.rpc.server import SERVICES

ROOT = Path(__file__).parents[2]


def _every(key: str, within: Any) -> list[Any]:
    """All values of a key, however deep."""
    if isinstance(within, dict):
        return [value for name, value in within.items() if name == key] + [
            found for value in within.values() for found in _every(key, value)
        ]
    return (
        [found for each in within for found in _every(key, each)]
        if isinstance(within, list)
        else []
    )


async def test_the_file_of_the_repository_is_valid() -> None:
    await validate(ROOT / "envoy.yaml", cwd=ROOT)


async def test_a_wrong_file_is_told(tmp_path: Path) -> None:
    wrong = tmp_path / "envoy.json"
    wrong.write_text(json.dumps({"static_resources": {"listeners": [{"nope": 1}]}}))
    with pytest.raises(EnvoyError, match="nope"):
        await validate(wrong)


def test_the_transcoder_knows_every_service() -> None:
    config = yaml.safe_load((ROOT / "envoy.yaml").read_text())
    assert _every("services", config) == [list(SERVICES)] * 2


def test_the_descriptor_set_holds_the_details_of_errors() -> None:
    files = descriptor_pb2.FileDescriptorSet.FromString(descriptor_path().read_bytes())
    assert "google/rpc/error_details.proto" in {file.name for file in files.file}


def test_every_transcoder_prints_alike() -> None:
    config = yaml.safe_load((ROOT / "envoy.yaml").read_text())
    plain, events = _every("print_options", config)
    assert events == {**plain, "stream_sse_style_delimited": True}


async def test_addresses_and_origins_are_put_in(tmp_path: Path) -> None:
    config = render(
        GatewayOptions(
            http_address="[::1]:8080",
            grpc_address="0.0.0.0:9",
            cors_origins=("https://a.example", "https://b.example"),
        )
    )
    addresses = _every("socket_address", config)
    assert {"address": "::1", "port_value": 8080} in addresses
    assert {"address": "127.0.0.1", "port_value": 9} in addresses
    assert set(_every("proto_descriptor", config)) == {str(descriptor_path())}
    origins = [each for each in _every("regex", config) if "https://" in each]
    assert origins == [r"https://a\.example|https://b\.example"] * 2
    (hosts,) = [each for each in _every("regex", config) if "localhost" in each]
    assert hosts.endswith(r"|a\.example|b\.example")
    rendered = tmp_path / "envoy.json"
    rendered.write_text(json.dumps(config))
    await validate(rendered)


@pytest.mark.parametrize(
    ("address", "guarded"),
    [
        ("127.0.0.1:1", True),
        ("localhost:1", True),
        ("[::1]:1", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("headrace.example:1", False),
    ],
)
def test_the_name_of_the_host_matters_on_loopback_only(address: str, guarded: bool) -> None:
    assert ("foreign-host" in json.dumps(render(GatewayOptions(address)))) is guarded


@pytest.mark.parametrize("options", [{"http_address": "8000"}, {"grpc_address": "a:b"}])
def test_a_wrong_address_is_told(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        render(GatewayOptions(**options))  # type: ignore[arg-type]  # of texts only


def test_a_certificate_that_is_missing_is_told() -> None:
    with pytest.raises(FileNotFoundError):
        render(GatewayOptions(tls_cert="/nowhere.pem", tls_key="/nowhere.key"))
