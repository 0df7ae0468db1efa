import base64
import os
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from headrace_server.config import Config, ConfigError, is_loopback, split_address

KEY = base64.b64encode(bytes(32)).decode()
#: every setting, as the environment says it and as it is read
SETTINGS: dict[str, tuple[str, Any]] = {
    "data_dir": ("/srv/headrace", Path("/srv/headrace")),
    "database_url": ("postgresql://db/headrace", "postgresql://db/headrace"),
    "grpc_address": ("127.0.0.1:1", "127.0.0.1:1"),
    "http_address": ("[::1]:2", "[::1]:2"),
    "metrics_address": ("", ""),
    "tls_cert": ("cert.pem", "cert.pem"),
    "tls_key": ("key.pem", "key.pem"),
    "tls_client_ca": ("ca.pem", "ca.pem"),
    "spool_url": ("file:///mnt/spool", "file:///mnt/spool"),
    "cors_origins": ("https://a.example,https://b.example", "https://a.example,https://b.example"),
    "concurrency": ("3", 3),
    "parsers": ("5", 5),
    "chunk_bytes": ("1024", 1024),
    "max_upload_bytes": ("2048", 2048),
    "max_line_bytes": ("512", 512),
    "keep_uploads_days": ("1", 1),
    "observe_loads": ("false", False),
    "drain_seconds": ("4", 4),
    "lease_seconds": ("9", 9),
    "remote_lease_seconds": ("30", 30),
    "mapping_batch": ("7", 7),
    "mapping_concurrency": ("8", 8),
    "mapping_host_limit": ("6", 6),
    "simulated_success_rate": ("0.5", 0.5),
    "simulated_latency_ms": ("3", 3),
    "simulated_seed": ("2", 2),
    "allow_private_targets": ("true", True),
    "allowed_roots": ("/srv/in,/srv/out", "/srv/in,/srv/out"),
    "root_options": ("{}", "{}"),
    "storage_hosts": ("files.example,*.lan,10.1.0.0/16", "files.example,*.lan,10.1.0.0/16"),
    "secret_keys": (f"new:{KEY},old:{KEY}", f"new:{KEY},old:{KEY}"),
    "smtp_url": ("smtp://mail.example:25", "smtp://mail.example:25"),
    "smtp_from": ("headrace@example.com", "headrace@example.com"),
    "webhook_secret": (f"whsec_{'A' * 32}", f"whsec_{'A' * 32}"),
    "ai_url": ("http://127.0.0.1:11434/v1", "http://127.0.0.1:11434/v1"),
    "ai_key": ("secret", "secret"),
    "ai_model": ("llama", "llama"),
    "ai_share_values": ("true", True),
    "log_format": ("json", "json"),
}


def test_every_setting_is_tried_here() -> None:
    assert set(SETTINGS) == {setting.name for setting in fields(Config)}


def test_every_setting_is_read_from_the_environment() -> None:
    environ = {f"HEADRACE_{name.upper()}": text for name, (text, _) in SETTINGS.items()}
    config = Config.load(environ)
    assert {name: getattr(config, name) for name in SETTINGS} == {
        name: value for name, (_, value) in SETTINGS.items()
    }


@pytest.mark.parametrize("name", list(SETTINGS))
def test_an_option_that_was_not_given_leaves_the_environment_to_speak(name: str) -> None:
    text, value = SETTINGS[name]
    others = {key: each for key, (each, _) in SETTINGS.items() if key[:3] in {"tls", "smt", "ai_"}}
    given = Config.load({f"HEADRACE_{name.upper()}": text}, **(others | {name: None}))
    assert getattr(given, name) == value
    assert getattr(Config.load({}, **{name: None}), name) == getattr(Config(), name)


def test_an_option_wins() -> None:
    environ = {"HEADRACE_CONCURRENCY": "3", "HEADRACE_PARSERS": "5"}
    config = Config.load(environ, concurrency=7)
    assert (config.concurrency, config.parsers) == (7, 5)


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_GRPC_ADDRESS", "127.0.0.1:4711")
    assert os.environ["HEADRACE_GRPC_ADDRESS"] == Config.load().grpc_address


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tls_cert": "c"}, "tls_cert and tls_key belong together"),
        ({"tls_key": "k"}, "tls_cert and tls_key belong together"),
        ({"tls_client_ca": "a"}, "tls_client_ca needs tls_cert and tls_key"),
        ({"grpc_address": "127.0.0.1"}, "grpc_address '127.0.0.1' must look like"),
        ({"grpc_address": ":50051"}, "grpc_address"),
        ({"http_address": "127.0.0.1:http"}, "http_address"),
        ({"http_address": "127.0.0.1:65536"}, "http_address"),
        ({"http_address": "127.0.0.1:\N{SUPERSCRIPT TWO}"}, "http_address"),
        ({"concurrency": 0}, "concurrency must be at least 1"),
        ({"parsers": -1}, "parsers must be at least 0"),
        ({"chunk_bytes": 0}, "chunk_bytes must be at least 1"),
        ({"max_upload_bytes": -1}, "max_upload_bytes must be at least 1"),
        ({"max_line_bytes": 0}, "max_line_bytes must be at least 1"),
        ({"remote_lease_seconds": 0}, "remote_lease_seconds must be at least 1"),
        ({"remote_lease_seconds": 3601}, "remote_lease_seconds must be at most 3600"),
        ({"mapping_concurrency": 0}, "mapping_concurrency must be at least 1"),
        ({"simulated_success_rate": 1.1}, "simulated_success_rate must be within 0 and 1"),
        ({"simulated_latency_ms": -1}, "simulated_latency_ms must be at least 0"),
        ({"allowed_roots": "/srv,data"}, "allowed_roots 'data' must begin with a slash"),
        ({"root_options": "secret"}, "root_options must be a JSON object of objects"),
        ({"root_options": '{"s3://shop": "secret"}'}, "root_options must be a JSON object"),
        ({"root_options": '{"s3://shop": {}}'}, "root_options: s3://shop: not in allowed_roots"),
        ({"storage_hosts": "files.lan,10.0.0/8"}, "storage_hosts '10.0.0/8' must be a name"),
        ({"ai_url": "http://127.0.0.1/v1"}, "ai_url and ai_model belong together"),
        ({"ai_url": "ftp://a", "ai_model": "m"}, "ai_url 'ftp://a' must begin with http://"),
        ({"storage_hosts": "files lan"}, "storage_hosts 'files lan' must be a name"),
        ({"secret_keys": f"a:{KEY},secret"}, "key 2 of secret_keys must be an id"),
        ({"secret_keys": f"a:{KEY},a:{KEY}"}, "secret_keys has two keys with the id 'a'"),
        ({"smtp_from": "a@b.example"}, "smtp_from needs smtp_url"),
        ({"smtp_url": "mail.example"}, "smtp_url must look like smtp://"),
        ({"smtp_url": "smtp://mail.example:mail"}, "smtp_url must look like smtp://"),
        ({"smtp_url": "smtp://mail.example"}, "smtp_from must be a mail address"),
        ({"smtp_url": "smtp://mail.example", "smtp_from": "a"}, "smtp_from must be a mail"),
        ({"webhook_secret": "secret"}, "webhook_secret must be"),
        ({"webhook_secret": "whsec_c2VjcmV0"}, "webhook_secret must be"),
        ({"spool_url": "s3://bucket"}, "spool_url 's3://bucket': give a folder"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match="^" + words.replace("(", r"\(")):
        Config.load({}, **options)


@pytest.mark.parametrize(
    "name", ["concurrency", "parsers", "chunk_bytes", "keep_uploads_days", "drain_seconds"]
)
def test_a_number_that_is_none_is_named(name: str) -> None:
    variable = f"HEADRACE_{name.upper()}"
    with pytest.raises(ConfigError, match=f"^{variable} must be a whole number, not 'many'$"):
        Config.load({variable: "many"})


def test_places_below_the_data_folder() -> None:
    config = Config(data_dir=Path("/srv/headrace"))
    assert config.control_url == "sqlite:////srv/headrace/control.sqlite"
    assert config.spool_dir == Path("/srv/headrace/spool")


def test_leases_are_looked_after_in_a_part_of_the_shortest() -> None:
    assert Config().reap_seconds == 5
    assert Config(remote_lease_seconds=3).reap_seconds == 1
    assert Config(lease_seconds=6, remote_lease_seconds=3600).reap_seconds == 2


def test_places_of_their_own() -> None:
    config = Config(database_url="postgresql://db/headrace", spool_url="file:///mnt/spool")
    assert config.control_url == "postgresql://db/headrace"
    assert config.spool_dir == Path("/mnt/spool")
    assert Config(spool_url="/mnt/other").spool_dir == Path("/mnt/other")


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("127.8.8.8:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("unix:/run/headrace.sock", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("10.0.0.1:1", False),
        ("db.internal:1", False),
    ],
)
def test_loopback(address: str, loopback: bool) -> None:
    assert is_loopback(address) is loopback
    if not address.startswith("unix:"):
        assert Config(grpc_address=address).listens_beyond_loopback is not loopback
        assert Config(http_address=address).listens_beyond_loopback is not loopback


def test_an_address_is_split() -> None:
    assert split_address("a", "[::1]:80") == ("::1", 80)
    assert split_address("a", "localhost:65535") == ("localhost", 65535)


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("simulated_success_rate", "most", "a number"),
        ("allow_private_targets", "perhaps", "true or false"),
    ],
)
def test_a_word_of_another_kind_is_named(name: str, text: str, what: str) -> None:
    variable = f"HEADRACE_{name.upper()}"
    with pytest.raises(ConfigError, match=f"^{variable} must be {what}, not '{text}'$"):
        Config.load({variable: text})


def test_hosts_of_mounts_are_parted() -> None:
    hosts = Config(storage_hosts=" files.lan , 10.0.0.0/8,").private_hosts
    assert hosts == ("files.lan", "10.0.0.0/8")


def test_no_secret_is_shown() -> None:
    config = Config(secret_keys=f"a:{KEY}", root_options='{"s3://shop": {"secret": "hush"}}')
    assert KEY not in repr(config)
    assert "hush" not in repr(config)


def test_roots_are_folders_and_places_in_stores() -> None:
    config = Config.load(
        {
            "HEADRACE_ALLOWED_ROOTS": "/srv/in, file:///srv/out,s3://shop/in,memory://,",
            "HEADRACE_ROOT_OPTIONS": '{"s3://shop/in": {"key": "secret"}}',
        }
    )
    assert config.file_roots == (Path("/srv/in"), Path("/srv/out"))
    assert config.store_roots == {"s3://shop/in": {"key": "secret"}, "memory://": {}}
    assert "secret" not in repr(config)
