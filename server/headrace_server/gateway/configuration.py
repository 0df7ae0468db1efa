"""Renders `envoy.yaml` with the addresses, certificates and origins of one gateway."""

import hashlib
import re
import ssl
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import headrace.v1
import yaml

from headrace_server.gateway.options import Address, GatewayOptions

_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3."
_TRANSCODER = "envoy.filters.http.grpc_json_transcoder"
_ALPN = ["h2", "http/1.1"]

Config = dict[str, Any]


def render(options: GatewayOptions) -> Config:
    """Return Envoy's configuration, with its admin interface on a free loopback port.

    Raises OSError where the certificate cannot be read, ValueError where it is none or where an
    address is none.
    """
    text = files("headrace_server.gateway").joinpath("envoy.yaml").read_text()
    config: Config = yaml.safe_load(text)
    config["admin"] = {"address": _socket_address(Address("127.0.0.1", 0))}
    listener = config["static_resources"]["listeners"][0]
    listener["address"] = _socket_address(Address.parse(options.http_address))
    for transcoder in _transcoders(listener):
        transcoder["proto_descriptor"] = str(descriptor_path())
    _set_hosts(listener, options)
    if options.cors_origins:
        _set_origins(listener, options.cors_origins)
    cluster = config["static_resources"]["clusters"][0]
    endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    endpoint["address"] = _socket_address(Address.parse(options.grpc_address).reachable())
    if options.tls_cert:
        listener["filter_chains"][0]["transport_socket"] = _listener_tls(options)
        cluster["transport_socket"] = _upstream_tls(options)
    return config


def descriptor_path() -> Path:
    """Where the descriptor set of the contract is installed."""
    return Path(next(iter(headrace.v1.__path__))) / "headrace.binpb"


def _socket_address(address: Address) -> Config:
    return {"socket_address": {"address": address.host, "port_value": address.port}}


def _connection_manager(listener: Config) -> Config:
    manager: Config = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return manager


def _filter(listener: Config, name: str) -> Config:
    filters = _connection_manager(listener)["http_filters"]
    found: Config = next(each for each in filters if each["name"] == name)["typed_config"]
    return found


def _virtual_host(listener: Config) -> Config:
    host: Config = _connection_manager(listener)["route_config"]["virtual_hosts"][0]
    return host


def _transcoders(listener: Config) -> list[Config]:
    overrides = [
        route["typed_per_filter_config"][_TRANSCODER]
        for route in _virtual_host(listener)["routes"]
        if _TRANSCODER in route.get("typed_per_filter_config", {})
    ]
    return [_filter(listener, _TRANSCODER), *overrides]


def _policies(listener: Config) -> Config:
    policies: Config = _filter(listener, "envoy.filters.http.rbac")["rules"]["policies"]
    return policies


def _set_hosts(listener: Config, options: GatewayOptions) -> None:
    """Let any host name in beyond loopback, and those of known pages, as of a proxy, on it."""
    policies = _policies(listener)
    if not Address.parse(options.http_address).is_loopback:
        del policies["foreign-host"]
        return
    rules = policies["foreign-host"]["permissions"][0]["and_rules"]["rules"]
    regex = rules[0]["not_rule"]["header"]["string_match"]["safe_regex"]
    hosts = {urlsplit(origin).netloc for origin in options.cors_origins}
    regex["regex"] = "|".join([regex["regex"], *map(re.escape, sorted(filter(None, hosts)))])


def _set_origins(listener: Config, origins: tuple[str, ...]) -> None:
    """Put the origins into the CORS policy and into the rule that refuses foreign ones."""
    match = {"safe_regex": {"regex": "|".join(map(re.escape, origins))}}
    cors = _virtual_host(listener)["typed_per_filter_config"]["envoy.filters.http.cors"]
    cors["allow_origin_string_match"] = [match]
    unless_known = _policies(listener)["foreign-origin"]["permissions"][0]["and_rules"]["rules"][1][
        "not_rule"
    ]
    unless_known["header"]["string_match"] = match


def _listener_tls(options: GatewayOptions) -> Config:
    common: Config = {"alpn_protocols": _ALPN, "tls_certificates": [_pair(options)]}
    if options.tls_client_ca:
        common["validation_context"] = {"trusted_ca": {"filename": options.tls_client_ca}}
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{_TLS}DownstreamTlsContext",
            "require_client_certificate": bool(options.tls_client_ca),
            "common_tls_context": common,
        },
    }


def _upstream_tls(options: GatewayOptions) -> Config:
    pinned = {"verify_certificate_hash": [_fingerprint(Path(options.tls_cert))]}
    common: Config = {"alpn_protocols": ["h2"], "validation_context": pinned}
    if options.tls_client_ca:
        common["tls_certificates"] = [_pair(options)]
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {"@type": f"{_TLS}UpstreamTlsContext", "common_tls_context": common},
    }


def _pair(options: GatewayOptions) -> Config:
    return {
        "certificate_chain": {"filename": options.tls_cert},
        "private_key": {"filename": options.tls_key},
    }


def _fingerprint(chain: Path) -> str:
    first, end, _ = chain.read_text().partition(ssl.PEM_FOOTER)
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert((first + end).strip())).hexdigest()
