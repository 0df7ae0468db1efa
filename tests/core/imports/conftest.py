"""A whole core on each engine with a mounted folder, and a worker that runs on request."""

from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent import futures
from pathlib import Path
from typing import Any

import pytest

from headrace_server.app import Core, open_core
from headrace_server.composition import foundation
from headrace_server.config import Config
from headrace_server.core.imports import preparing
from headrace_server.core.imports.accepting import IMPORT_FILE
from headrace_server.model.file_import import FileImport, ImportOptions, NewImport
from headrace_server.model.storage import Place, StorageType
from headrace_server.model.tenant import Principal, Scope

CALLER = Principal("default", frozenset({Scope.READ, Scope.WRITE}), None)
OTHER = Principal("other", frozenset({Scope.READ, Scope.WRITE}), None)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder that is mounted as /in."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def config(tmp_path: Path, migrated_url: str, inbox: Path) -> Config:
    return Config(
        data_dir=tmp_path / "data",
        database_url=migrated_url,
        parsers=1,
        chunk_bytes=4000,
        allowed_roots=str(inbox),
        secret_keys="k1:" + "A" * 43 + "=",
    )


@pytest.fixture
async def core(
    config: Config,
    lent_parsers: Callable[..., futures.Executor],
    monkeypatch: pytest.MonkeyPatch,
    inbox: Path,
) -> AsyncIterator[Core]:
    monkeypatch.setattr(foundation, "process_pool", lent_parsers)
    async with open_core(config) as opened:
        place = Place(StorageType.LOCAL, str(inbox))
        await opened.services.mounts.mount(CALLER, "/in", place)
        yield opened


@pytest.fixture
def chunk_by_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no file tried as a whole, as larger ones are not."""
    monkeypatch.setattr(preparing, "_MOST_TRIED_BYTES", 0)


Work = Callable[[], Awaitable[None]]


@pytest.fixture
def work(core: Core) -> Work:
    """Run every import that waits, one after the other; what fails is recorded as a worker does."""

    async def run_all() -> None:
        while jobs := await core.jobs.claim("tests", [IMPORT_FILE], 1):
            (job,) = jobs
            try:
                await core.imports.run(job)
            except Exception as error:  # noqa: BLE001  # as a worker does
                await core.jobs.record_failure(job.job_id, job.attempt, str(error))

    return run_all


Import = Callable[..., Awaitable[FileImport]]


@pytest.fixture
def imported(core: Core, inbox: Path, work: Work) -> Import:
    """Write a file into the inbox, if its bytes are given, and import it."""

    async def write_and_import(
        name: str, data: bytes | str | None, table: str = "", **options: Any
    ) -> FileImport:
        if data is not None:
            (inbox / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        new = NewImport(f"/in/{name}", table, ImportOptions(**options))
        begun = await core.services.imports.start(CALLER, new)
        await work()
        return await core.services.imports.get(CALLER, begun.ingestion.request_id)

    return write_and_import


Rows = Callable[..., Awaitable[list[tuple[Any, ...]]]]


@pytest.fixture
def rows(core: Core) -> Rows:
    """Read a table, its rows in their order as text."""

    async def read(table: str) -> list[tuple[Any, ...]]:
        schema, point, name = table.rpartition(".")
        async with core.warehouses.use(CALLER.tenant_id) as warehouse:
            found = await warehouse.read_rows(
                schema if point else "public", name, 10_000, max_bytes=1 << 30
            )
        return sorted(
            (
                tuple(None if value is None else str(value) for value in row.values())
                for row in found
            ),
            key=str,
        )

    return read
