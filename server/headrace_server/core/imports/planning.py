"""What is found out of a file before its rows are loaded, the same for every attempt."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path, PurePosixPath

from headrace_server.core.imports.sources import Fetch, ImportSources
from headrace_server.core.imports.targets import table_of_file
from headrace_server.core.imports.tasks import (
    CopiedFile,
    ImportTask,
    look,
    ranges_of,
    understand_copy,
)
from headrace_server.core.ingestion.parsing import Parsers
from headrace_server.core.limits import Limits
from headrace_server.db import file_imports as import_rows
from headrace_server.db.engine import ControlStore
from headrace_server.files.chunks import ChunkRange
from headrace_server.files.disk import sha256_of
from headrace_server.files.importing.plan import FilePlan
from headrace_server.files.importing.widening import Shapes, merge, widened
from headrace_server.model.contract import Table
from headrace_server.model.file_import import FileImport, TypeChanges
from headrace_server.model.job import Job
from headrace_server.warehouse.definitions import bare


@dataclass(frozen=True, slots=True)
class Planned:
    """A file understood, and ready to be cut into chunks."""

    plan: FilePlan
    #: the plain file; it may be gone where all of it was loaded before
    path: Path
    #: how it is cut, where all of it was looked at, and the table whose rows it was looked at as
    cut: tuple[ChunkRange, ...] = ()
    looked_at: Table | None = None

    def cut_for(self, table: Table) -> tuple[ChunkRange, ...]:
        """Return how it is cut; binary rows are those of a table of the same types only."""
        if self.looked_at is not None and len(self.looked_at.columns) == len(table.columns):
            # Nulls in a key are left to the database, which refuses them.
            pairs = zip(self.looked_at.columns, table.columns, strict=True)
            if all(bare(one) == replace(other, nullable=one.nullable) for one, other in pairs):
                return self.cut
        return tuple(replace(each, binary_rows=None) for each in self.cut)


class Planning:
    """Understands files, as a whole where their columns shall hold whatever comes."""

    def __init__(
        self, store: ControlStore, sources: ImportSources, parsers: Parsers, limits: Limits
    ) -> None:
        self._store = store
        self._sources = sources
        self._parsers = parsers
        self._limits = limits

    async def planned(
        self,
        record: FileImport,
        job: Job,
        fetch: Fetch,
        *,
        begun: bool,
        loaded: bool,
    ) -> Planned:
        """Understand the file of an import, as before where rows of it were loaded already.

        Where all of it was, and only rejects are replayed, the file itself is not needed. The
        caller has raised the fence of the job's attempt.

        Raises InvalidFieldError and its kind, NotFoundError, TooLargeError for what no attempt
        mends, StorageUnavailableError for what another may.
        """
        if loaded and record.plan is not None:
            plan = FilePlan.from_json(record.plan)
            return Planned(plan, self._sources.path(record, job.attempt))
        if begun and record.plan is not None:
            return await self._as_before(record, job)
        source = await self._sources.keep(record, job.attempt, await fetch())
        digest = asyncio.create_task(asyncio.to_thread(sha256_of, source))
        try:
            planned = await self._anew(record, job, source)
            await self._save(record, planned.plan, await digest)
        finally:
            digest.cancel()
            await asyncio.gather(digest, return_exceptions=True)
        return planned

    async def _as_before(self, record: FileImport, job: Job) -> Planned:
        request_id = record.ingestion.request_id
        async with self._store.read() as connection:
            sha256 = await import_rows.sha256(connection, request_id)
        source = await self._sources.fetch_again(record, job.attempt, sha256 or "")
        plan = FilePlan.from_json(record.plan or {})
        plan, path = await self._parsers.run(understand_copy, self._task(record, source, plan))
        return Planned(plan, path)

    async def _anew(self, record: FileImport, job: Job, source: Path) -> Planned:
        plan, path = await self._parsers.run(understand_copy, self._task(record, source))
        if record.options.type_changes is not TypeChanges.WIDEN:
            return Planned(plan, path)
        return await self._widened(plan, path, int(job.payload["chunk_bytes"]))

    def _task(self, record: FileImport, source: Path, plan: FilePlan | None = None) -> CopiedFile:
        name = PurePosixPath(record.file_path).name
        return CopiedFile(source, name, record.options, self._limits, plan)

    async def _widened(self, plan: FilePlan, path: Path, size: int) -> Planned:
        """Look at the whole file; its columns get types that hold all of its values."""
        table = table_of_file(plan, "file")
        cut, shapes = await self._look(plan, path, table, size)
        if shapes:
            plan = widened(plan, reduce(merge, shapes))
        return Planned(plan, path, tuple(cut), table)

    async def _look(
        self, plan: FilePlan, path: Path, table: Table, size: int
    ) -> tuple[list[ChunkRange], list[Shapes]]:
        """Cut the file, and look closer at chunks that are not as the table says."""
        ranges = ranges_of(path, plan, size, self._limits.line_bytes, table)
        cut: list[ChunkRange] = []
        found: dict[int, Shapes] = {}
        taking = asyncio.Lock()

        async def look_on() -> None:
            while (planned := await _next(ranges, taking)) is not None:
                cut.append(planned)
                if planned.binary_rows is None:
                    task = ImportTask(path, planned, plan, table, self._limits.line_bytes)
                    found[planned.chunk] = await self._parsers.run(look, task)

        looking = [asyncio.create_task(look_on()) for _ in range(self._parsers.workers + 1)]
        try:
            await asyncio.gather(*looking)
        finally:
            for each in looking:
                each.cancel()
            await asyncio.gather(*looking, return_exceptions=True)
        return cut, [found[chunk] for chunk in sorted(found)]

    async def _save(self, record: FileImport, plan: FilePlan, sha256: str) -> None:
        async with self._store.begin() as connection:
            await import_rows.save_plan(
                connection,
                record.ingestion.request_id,
                plan=plan.to_json(),
                inferred_schema=plan.sql_types(),
                detected_format=plan.format,
                sha256=sha256,
            )


async def _next(ranges: Iterator[ChunkRange], taking: asyncio.Lock) -> ChunkRange | None:
    async with taking:
        return await asyncio.to_thread(next, ranges, None)
