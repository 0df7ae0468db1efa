"""What is found out of a file before its rows are loaded, the same for every attempt."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path, PurePosixPath

from headrace_server.core.imports.sources import Fetch, ImportSources
from headrace_server.core.imports.targets import table_of_file
from headrace_server.core.imports.tasks import (
    CopiedFile,
    ImportTask,
    Look,
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
from headrace_server.files.importing.verbatim import Verbatim
from headrace_server.files.importing.widening import merge, widened
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
    #: how it is cut, where all of it was looked at
    cut: tuple[ChunkRange, ...] = ()
    #: types that it was looked at with, and by chunk what is of their form
    looked_at: Table | None = None
    verbatim: Mapping[int, Verbatim] = field(default_factory=dict)

    def known(self, table: Table) -> Mapping[int, Verbatim]:
        """By chunk, what is well as it is if it goes into a table."""
        if self.looked_at is None or len(self.looked_at.columns) != len(table.columns):
            return {}
        # Nulls in a key are left to the database, which refuses them.
        pairs = zip(self.looked_at.columns, table.columns, strict=True)
        alike = all(bare(one) == replace(other, nullable=one.nullable) for one, other in pairs)
        return self.verbatim if alike else {}


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
        cut, looks = await self._look(plan, path, table, size)
        shapes = [looks[each.chunk].shapes for each in cut]
        seen = [each for each in shapes if each is not None]
        if seen:
            plan = widened(plan, reduce(merge, seen))
        verbatim = {chunk: each.verbatim for chunk, each in looks.items() if each.verbatim}
        return Planned(plan, path, tuple(cut), table, verbatim)

    async def _look(
        self, plan: FilePlan, path: Path, table: Table, size: int
    ) -> tuple[list[ChunkRange], dict[int, Look]]:
        ranges = ranges_of(path, plan, size, self._limits.line_bytes)
        cut: list[ChunkRange] = []
        found: dict[int, Look] = {}
        taking = asyncio.Lock()

        async def look_on() -> None:
            while (planned := await _next(ranges, taking)) is not None:
                cut.append(planned)
                task = ImportTask(path, planned, plan, table, self._limits.line_bytes)
                found[planned.chunk] = await self._parsers.run(look, task)

        looking = [asyncio.create_task(look_on()) for _ in range(self._parsers.workers + 1)]
        try:
            await asyncio.gather(*looking)
        finally:
            for each in looking:
                each.cancel()
            await asyncio.gather(*looking, return_exceptions=True)
        return cut, found

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
