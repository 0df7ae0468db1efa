"""The settings of a process, and the one reader of the environment."""

import ipaddress
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from platformdirs import user_data_path

from headrace_server.connectors.mail import MailSettingError, mail_server
from headrace_server.connectors.mounts.access import check_hosts
from headrace_server.connectors.webhooks import WebhookSecretError, signer
from headrace_server.core.vault import SecretKeyError, parse_keys

PREFIX = "HEADRACE_"

_AT_LEAST_ONE = (
    "concurrency",
    "chunk_bytes",
    "max_upload_bytes",
    "max_line_bytes",
    "lease_seconds",
    "remote_lease_seconds",
    "mapping_batch",
    "mapping_concurrency",
    "mapping_host_limit",
)
_HOUR = 3600
_REAP_SECONDS = 5.0
_LOG_FORMATS = ("", "json", "pretty")


class ConfigError(Exception):
    """A setting is wrong; the message names it and says what would be right."""


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting: HEADRACE_ and its name in capitals; the commonest are options too."""

    #: folder for the embedded databases, the spool and logs
    data_dir: Path = field(default_factory=lambda: user_data_path("headrace"))
    #: control store: sqlite:///path or postgresql://...; empty for a file in data_dir
    database_url: str = ""
    #: where the gRPC server listens
    grpc_address: str = "127.0.0.1:50051"
    #: where Envoy listens, for REST, grpc-web and gRPC
    http_address: str = "127.0.0.1:8000"
    #: where Prometheus metrics are served; empty for nowhere
    metrics_address: str = "127.0.0.1:9464"
    #: certificate chain and key in PEM; both or none
    tls_cert: str = ""
    tls_key: str = ""
    #: CA in PEM that clients' certificates must come from; empty for none needed
    tls_client_ca: str = ""
    #: folder, or file:// URL, that all servers of one control store share; empty: in data_dir
    spool_url: str = ""
    #: origins that browsers may call from, joined by commas
    cors_origins: str = "http://localhost:3000,http://127.0.0.1:3000"
    #: jobs that this process works on at once
    concurrency: int = 4
    #: processes that parse files; 0 for one a core
    parsers: int = 0
    #: bytes of a chunk, the unit of commit
    chunk_bytes: int = 32 << 20
    #: bytes of one upload at most
    max_upload_bytes: int = 100 << 30
    #: bytes of one line at most
    max_line_bytes: int = 16 << 20
    #: days that the bytes of an ingestion that did not end clean are kept for a retry
    keep_uploads_days: int = 7
    #: seconds after which a silent worker's job goes to another; it speaks up three times as often
    lease_seconds: int = 15
    #: seconds after which a remote worker's job goes to another unless it sends a heartbeat
    remote_lease_seconds: int = 60
    #: mappings of a batch, the unit of commit
    mapping_batch: int = 5
    #: mappings of one request that are carried at once
    mapping_concurrency: int = 100
    #: mappings, of all requests, that call one host of others at once
    mapping_host_limit: int = 10
    #: share of the simulated system's calls that succeed, 0 to 1
    simulated_success_rate: float = 0.9
    #: milliseconds that a call of the simulated system takes
    simulated_latency_ms: int = 20
    #: other seeds make other calls of the simulated system fail
    simulated_seed: int = 0
    #: let mappings and mounts reach private, loopback and link-local addresses
    allow_private_targets: bool = False
    #: folders, and URLs in fsspec's stores such as s3://bucket/folder, that mappings may read and
    #: write; mounts may read the folders; joined by commas; empty for none
    allowed_roots: str = ""
    #: JSON: by the URL of a root, the options that fsspec opens it with (endpoint, credentials)
    root_options: str = field(default="", repr=False)
    #: names, addresses, networks and *.suffixes that mounts may reach though private, joined by
    #: commas; empty for none
    storage_hosts: str = ""
    #: keys that credentials of mounts and secrets of triggers are encrypted with, "id:base64 of 32
    #: bytes" joined by commas: the first encrypts, all decrypt; empty for a file in data_dir,
    #: unless on PostgreSQL
    secret_keys: str = field(default="", repr=False)
    #: mail server that tells of imported files and ended runs, smtp://user:password@host:port, or
    #: smtps:// where the connection is encrypted from its beginning; empty for none
    smtp_url: str = field(default="", repr=False)
    #: whom such mail is from
    smtp_from: str = ""
    #: key that what is told of imported files is signed with, "whsec_" and base64; empty for none
    webhook_secret: str = field(default="", repr=False)
    #: base URL of an OpenAI-compatible endpoint that is asked about doubtful relationships, such as
    #: http://127.0.0.1:11434/v1; empty for none
    ai_url: str = ""
    #: its API key; empty for none
    ai_key: str = field(default="", repr=False)
    #: the model that is asked there
    ai_model: str = ""
    #: let it see a few values of the columns, not names, types and figures only
    ai_share_values: bool = False
    #: profile tables after their loads, and score what was seen
    observe_loads: bool = True
    #: seconds that running work and open calls get when the process is asked to stop
    drain_seconds: int = 20
    #: "json", "pretty", or empty for pretty on a terminal
    log_format: str = ""

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ, **options: Any) -> "Config":
        """Take each setting from the options, else the environment, else its default.

        Options that are None were not given. Raises ConfigError.
        """
        given = {name: value for name, value in options.items() if value is not None}
        types = get_type_hints(cls)
        for setting in fields(cls):
            text = environ.get(PREFIX + setting.name.upper())
            if text is not None and setting.name not in given:
                given[setting.name] = _read(setting.name, text, types[setting.name])
        config = cls(**given)
        config.check()
        return config

    def check(self) -> None:
        """Raise ConfigError where settings contradict each other or cannot be used."""
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ConfigError("tls_cert and tls_key belong together: give both or none")
        if self.tls_client_ca and not self.tls_cert:
            raise ConfigError("tls_client_ca needs tls_cert and tls_key")
        for name in ("grpc_address", "http_address"):
            split_address(name, getattr(self, name))
        if self.log_format not in _LOG_FORMATS:
            raise ConfigError(
                f"log_format {self.log_format!r} must be json or pretty (--log-format)"
            )
        if self.parsers < 0:
            raise ConfigError("parsers must be at least 0")
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1")
        if self.remote_lease_seconds > _HOUR:
            raise ConfigError(f"remote_lease_seconds must be at most {_HOUR}")
        self._check_mappings()
        self._check_storage()
        self._check_ai()
        self._check_notifications()
        if "://" in self.spool_url and not self.spool_url.startswith("file://"):
            raise ConfigError(
                f"spool_url {self.spool_url!r}: give a folder or file:// URL that all servers share"
            )

    def _check_mappings(self) -> None:
        if not 0 <= self.simulated_success_rate <= 1:
            raise ConfigError("simulated_success_rate must be within 0 and 1")
        if self.simulated_latency_ms < 0:
            raise ConfigError("simulated_latency_ms must be at least 0")
        for root in self.file_roots:
            if not root.is_absolute():
                raise ConfigError(
                    f"allowed_roots {str(root)!r} must begin with a slash, or with scheme://"
                )
        unknown = self._options_by_root().keys() - set(self._roots())
        if unknown:
            raise ConfigError(f"root_options: {', '.join(sorted(unknown))}: not in allowed_roots")

    def _check_storage(self) -> None:
        try:
            check_hosts(self.private_hosts)
        except ValueError as error:
            raise ConfigError(
                f"storage_hosts {str(error)!r} must be a name, *.suffix, an address or a network"
            ) from None
        try:
            parse_keys(self.secret_keys)
        except SecretKeyError as error:
            raise ConfigError(str(error)) from None

    def _check_notifications(self) -> None:
        if self.smtp_from and not self.smtp_url:
            raise ConfigError("smtp_from needs smtp_url, the server that mail is sent through")
        try:
            if self.smtp_url:
                mail_server(self.smtp_url, self.smtp_from)
        except MailSettingError as error:
            raise ConfigError(str(error)) from None
        try:
            if self.webhook_secret:
                signer(self.webhook_secret)
        except WebhookSecretError as error:
            raise ConfigError(f"webhook_secret {error}") from None

    def _check_ai(self) -> None:
        if bool(self.ai_url) != bool(self.ai_model):
            raise ConfigError("ai_url and ai_model belong together: give both or none")
        if self.ai_url and not self.ai_url.startswith(("http://", "https://")):
            raise ConfigError(f"ai_url {self.ai_url!r} must begin with http:// or https://")

    def check_files(self) -> None:
        """Raise ConfigError where a file or folder that a setting names cannot be what it says."""
        for name in ("tls_cert", "tls_key", "tls_client_ca"):
            path = getattr(self, name)
            if path and not Path(path).is_file():
                raise ConfigError(f"{name} {path!r} is no file (--{name.replace('_', '-')})")
        if self.data_dir.exists() and not self.data_dir.is_dir():
            raise ConfigError(f"data_dir '{self.data_dir}' is no folder (--data-dir)")

    @property
    def parser_count(self) -> int:
        """Processes that parse files. They give way to all else, so each core may have one."""
        return self.parsers or os.cpu_count() or 1

    @property
    def reap_seconds(self) -> float:
        """Seconds between two looks for leases that ran out: a part of the shortest."""
        return min(_REAP_SECONDS, self.lease_seconds / 3, self.remote_lease_seconds / 3)

    @property
    def control_url(self) -> str:
        """URL of the control store."""
        return self.database_url or f"sqlite:///{self.data_dir / 'control.sqlite'}"

    @property
    def spool_dir(self) -> Path:
        """Folder of the spool."""
        if self.spool_url:
            return Path(self.spool_url.removeprefix("file://"))
        return self.data_dir / "spool"

    @property
    def file_roots(self) -> tuple[Path, ...]:
        """Folders that mappings may read and write."""
        folders = (root.removeprefix("file://") for root in self._roots())
        return tuple(Path(folder) for folder in folders if "://" not in folder)

    @property
    def private_hosts(self) -> tuple[str, ...]:
        """Hosts that mounts may reach though private."""
        return tuple(host for each in self.storage_hosts.split(",") if (host := each.strip()))

    @property
    def store_roots(self) -> dict[str, dict[str, Any]]:
        """URLs in fsspec's stores that mappings may read and write, each with its options."""
        options = self._options_by_root()
        urls = [root for root in self._roots() if "://" in root.removeprefix("file://")]
        return {url: options.get(url, {}) for url in urls}

    def _roots(self) -> list[str]:
        return [root for each in self.allowed_roots.split(",") if (root := each.strip())]

    def _options_by_root(self) -> dict[str, dict[str, Any]]:
        # What is wrong is not quoted: it may be a password.
        wrong = ConfigError("root_options must be a JSON object of objects, by the URL of a root")
        try:
            options = json.loads(self.root_options or "{}")
        except ValueError:
            raise wrong from None
        if not isinstance(options, dict) or not all(
            isinstance(each, dict) for each in options.values()
        ):
            raise wrong
        return options

    @property
    def listens_beyond_loopback(self) -> bool:
        """Whether anybody but this machine can reach an address we listen on."""
        return not (is_loopback(self.grpc_address) and is_loopback(self.http_address))


def split_address(name: str, address: str) -> tuple[str, int]:
    """Split `host:port`. Raises ConfigError that names the setting."""
    host, colon, port = address.rpartition(":")
    decimal = port.isascii() and port.isdecimal()
    if not colon or not host or not decimal or int(port) > 0xFFFF:  # noqa: PLR2004  # ports
        raise ConfigError(f"{name} {address!r} must look like 127.0.0.1:50051")
    return host.strip("[]"), int(port)


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach the address."""
    if address.startswith("unix:"):
        return True
    host, _ = split_address("address", address)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(name: str, text: str, kind: type) -> Any:
    if kind not in _READERS:
        return kind(text)
    read, what = _READERS[kind]
    try:
        return read(text)
    except (ValueError, KeyError):
        raise ConfigError(f"{PREFIX}{name.upper()} must be {what}, not {text!r}") from None


def _flag(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.lower()]


_READERS: dict[type, tuple[Callable[[str], Any], str]] = {
    int: (int, "a whole number"),
    float: (float, "a number"),
    bool: (_flag, "true or false"),
}
