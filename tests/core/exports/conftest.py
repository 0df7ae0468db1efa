"""A whole core with some rows, and nobody at work."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from headrace_server.app import Core, open_core
from headrace_server.config import Config
from headrace_server.core.exports.exports import EXPORT
from headrace_server.model.export import (
    Export,
    ExportOutput,
    ExportRequest,
    ExportSource,
    SourceType,
)
from headrace_server.model.job import Job
from headrace_server.model.tenant import Principal, Scope

CALLER = Principal("default", frozenset({Scope.READ, Scope.WRITE}), None)


def request_of(sql: str = "SELECT * FROM numbers ORDER BY n", **output: object) -> ExportRequest:
    return ExportRequest(
        ExportOutput(**output),  # type: ignore[arg-type]
        ExportSource(SourceType.QUERY, sql),
    )


async def fill(core: Core, *statements: str) -> None:
    async with core.warehouses.use("default") as warehouse:
        await warehouse.list_tables()
        async with warehouse._writing() as connection:  # type: ignore[attr-defined]
            for statement in statements:
                await connection.execute(text(statement))


#: for tests of what the engines may do differently
both_engines = pytest.mark.parametrize("database", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """URL of a control store with its schema: on SQLite, unless a test wants both engines."""
    url: str = request.getfixturevalue(f"migrated_{getattr(request, 'param', 'sqlite')}_url")
    return url


@pytest.fixture
async def core(database: str, tmp_path: Path) -> AsyncIterator[Core]:
    config = Config(data_dir=tmp_path / "data", database_url=database, parsers=1)
    async with open_core(config) as opened:
        values = ", ".join(f"({n}, 'name {n % 3}')" for n in range(10))
        await fill(
            opened,
            "CREATE TABLE numbers (n BIGINT, name VARCHAR(255))",
            f"INSERT INTO numbers VALUES {values}",
        )
        yield opened


async def claimed(core: Core) -> Job:
    (job,) = await core.jobs.claim("worker", [EXPORT], 1)
    return job


Done = Callable[[ExportRequest], Awaitable[Export]]


@pytest.fixture
def done(core: Core) -> Done:
    """Asks for an export and runs its job."""

    async def run(request: ExportRequest) -> Export:
        started = await core.answers.exports.start(CALLER, request)
        await core.answers.exporting.run(await claimed(core))
        return await core.answers.exports.get(CALLER, started.export_id)

    return run


def left(core: Core, export_id: str) -> list[str]:
    """The files that an export has in the spool."""
    folder = core.config.spool_dir / "exports" / export_id
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
