"""What a process need not load to start."""

import subprocess
import sys

import pytest

#: large packages that most processes never need
_SELDOM_NEEDED = {
    "alembic",
    "chardet",
    "numpy",
    "pyarrow",
    "python_calamine",
    "smbprotocol",
    "sqlglot",
}


def _loaded(module: str) -> set[str]:
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.check_output([sys.executable, "-c", program], text=True).split())


@pytest.mark.parametrize(
    ("module", "spared"),
    [
        ("headrace_server.__main__", {"asyncio", "typer"}),
        ("headrace_server.commands", _SELDOM_NEEDED),
        # Imported by each process that parses.
        (
            "headrace_server.core.ingestion.parsing",
            {*_SELDOM_NEEDED, "asyncpg", "grpc", "httpx", "sqlalchemy", "structlog"},
        ),
        ("headrace_client.__main__", {"headrace_server", "sqlalchemy", "yaml"}),
    ],
)
def test_large_packages_are_loaded_when_needed(module: str, spared: set[str]) -> None:
    assert not _loaded(module) & spared
