"""The commands of `headrace-server`."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import uvloop

from headrace_server import processes
from headrace_server.config import Config, ConfigError
from headrace_server.core.vault import new_key
from headrace_server.db.engine import shown
from headrace_server.db.sole_worker import StoreInUseError
from headrace_server.demo import DemoError, run_demo
from headrace_server.gateway.envoy import EnvoyError
from headrace_server.logs import set_up_logs
from headrace_server.model.errors import HeadraceError, StorageUnavailableError

USAGE_ERROR = 2

commands = typer.Typer(
    name="headrace-server",
    epilog="Every option can be set in the environment as HEADRACE_ and its name in capitals.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
)

DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder for embedded databases, uploads and logs.", show_default=False),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        help="Control store: postgresql://user@host/name or sqlite:///path. "
        "Default: a SQLite file in the data folder.",
        show_default=False,
    ),
]
GrpcAddress = Annotated[
    str | None, typer.Option(help="Where gRPC listens. Default: 127.0.0.1:50051.")
]
HttpAddress = Annotated[
    str | None, typer.Option(help="Where Envoy listens, for REST. Default: 127.0.0.1:8000.")
]
MetricsAddress = Annotated[
    str | None,
    typer.Option(help="Where Prometheus reads; '' for nowhere. Default: 127.0.0.1:9464."),
]
TlsCert = Annotated[str | None, typer.Option(help="Certificate chain, a PEM file.")]
TlsKey = Annotated[str | None, typer.Option(help="Private key of the certificate, a PEM file.")]
TlsClientCa = Annotated[
    str | None, typer.Option(help="CA that clients' certificates must come from (mutual TLS).")
]
SpoolUrl = Annotated[
    str | None, typer.Option(help="Folder that all servers of one control store share.")
]
Concurrency = Annotated[int | None, typer.Option(help="Jobs worked on at once. Default: 4.")]
ParserCount = Annotated[
    int | None,
    typer.Option("--parsers", help="Processes that parse. Default: one a core."),
]
RemoteLease = Annotated[
    int | None,
    typer.Option(
        "--remote-lease-seconds",
        help="After how many seconds of silence a remote worker's job goes to another. "
        "Default: 60.",
    ),
]
LogFormat = Annotated[
    str | None, typer.Option(help="json, or pretty. Default: pretty on a terminal.")
]


def _run(main: Callable[[Config], Coroutine[Any, Any, None]], **options: Any) -> None:
    """Run a process with its settings; say what is wrong in one line where it cannot."""
    try:
        config = Config.load(**options)
        config.check_files()
        store = _store_of(config)
        set_up_logs(config.log_format)
        uvloop.run(main(config))
    except ConfigError as error:
        _stop(str(error), USAGE_ERROR)
    except StorageUnavailableError as error:
        _stop(f"{error}: {store}", 1)
    except (HeadraceError, EnvoyError, StoreInUseError, OSError) as error:
        _stop(str(error), 1)


def _store_of(config: Config) -> str:
    try:
        return shown(config.control_url)
    except ValueError as error:
        raise ConfigError(f"--database-url: {error}") from None


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"headrace-server {version('headrace-server')}")
        raise typer.Exit


@commands.callback()
def options(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Headrace takes data in and makes it dependable. Start with: headrace-server demo."""


def _stop(message: str, status: int) -> NoReturn:
    typer.secho(f"headrace-server: {message}", err=True, fg="red")
    raise typer.Exit(status)


@commands.command()
def demo(
    *,
    leave: Annotated[
        bool, typer.Option("--exit", help="Stop when done, instead of staying up.")
    ] = False,
    data_dir: DataDir = None,
    grpc_address: GrpcAddress = None,
    http_address: HttpAddress = None,
) -> None:
    """See the main job on real files: upload, validate, load, watch, look at the result.

    Starts a server on embedded SQLite and Envoy, on free ports where the usual ones are taken, and
    keeps its data in a folder that is deleted at the end unless --data-dir names one.
    """
    try:
        good = asyncio.run(run_demo(data_dir, grpc_address, http_address, leave=leave))
    except (ConfigError, HeadraceError, DemoError, EnvoyError, StoreInUseError, OSError) as error:
        _stop(str(error), 1)
    if not good:
        raise typer.Exit(1)


@commands.command()
def up(
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    grpc_address: GrpcAddress = None,
    http_address: HttpAddress = None,
    metrics_address: MetricsAddress = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    spool_url: SpoolUrl = None,
    concurrency: Concurrency = None,
    parsers: ParserCount = None,
    remote_lease_seconds: RemoteLease = None,
    log_format: LogFormat = None,
) -> None:
    """Run server, worker and Envoy together."""
    _run(processes.up, **locals())


@commands.command()
def serve(
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    grpc_address: GrpcAddress = None,
    metrics_address: MetricsAddress = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    spool_url: SpoolUrl = None,
    concurrency: Concurrency = None,
    parsers: ParserCount = None,
    remote_lease_seconds: RemoteLease = None,
    log_format: LogFormat = None,
) -> None:
    """Run the gRPC server and its worker, without Envoy. Several may share one PostgreSQL."""
    _run(processes.serve, **locals())


@commands.command()
def worker(
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    spool_url: SpoolUrl = None,
    concurrency: Concurrency = None,
    parsers: ParserCount = None,
    log_format: LogFormat = None,
) -> None:
    """Run a worker alone, beside servers on the same PostgreSQL and spool."""
    _run(processes.work, **locals())


@commands.command()
def migrate(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Bring the control store's schema up to date. Servers do this too when they start."""
    _run(processes.migrate_only, **locals())


@commands.command()
def create_admin_key(
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    description: Annotated[str, typer.Option(help="What the key is for.")] = "first admin key",
) -> None:
    """Make an admin key and print its secret, once. From then on every call needs a key."""

    async def create(config: Config) -> None:
        secret = await processes.create_admin_key(config, description)
        sys.stdout.write(secret + "\n")
        sys.stdout.flush()
        sys.stderr.write(
            f"This admin key of {shown(config.control_url)} is shown only once. Send it with every "
            "call as x-api-key;\nthe headrace command takes it as --api-key or HEADRACE_API_KEY.\n"
        )

    _run(create, data_dir=data_dir, database_url=database_url)


@commands.command()
def create_secret_key() -> None:
    """Make a key that credentials of mounts are encrypted with, and print it.

    All servers of one PostgreSQL get the same HEADRACE_SECRET_KEYS: this key, and behind a comma
    the keys before it, which still decrypt.
    """
    sys.stdout.write(new_key() + "\n")


@commands.command()
def rotate_secrets(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Encrypt all credentials of mounts anew: with the first of HEADRACE_SECRET_KEYS.

    Where the keys are in the file secret_keys of the data folder, a new one is put before them.
    Start the servers again afterwards; the keys behind the first may go once this has been done.
    """

    async def rotate(config: Config) -> None:
        rotated = await processes.rotate_secrets(config)
        sys.stdout.write(f"{rotated} secrets are sealed with another key now\n")

    _run(rotate, data_dir=data_dir, database_url=database_url)
