"""What is found out of a file before its rows are loaded, the same for every attempt."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
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
from headrace_server.model.errors import StaleAttemptError
from headrace_server.model.file_import import FileImport, TypeChanges
from headrace_server.model.job import Job
from headrace_server.warehouse.definitions import bare


@dataclass(frozen=True, slots=True)
class Planned:
    """A file understood, and ready to be cut into chunks."""

    plan: FilePlan
    #: the plain file; it may be gone where all of it was loaded before
    path: Path
    #: whether columns shall hold what is beyond the sample, too, which nobody has looked at
    is_sampled: bool = False
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

    @asynccontextmanager
    async def of(self, record: FileImport, job: Job) -> AsyncIterator["FilePlanning"]:
        """Plan the file of an import in one attempt; what is under way at the end is given up."""
        async with self._sources.fetching(record, job.attempt) as fetch:
            planning = FilePlanning(
                self._store, self._sources, self._parsers, self._limits, record, job, fetch
            )
            try:
                yield planning
            finally:
                await planning.close()


class FilePlanning:
    """Understands the file of one import: by a sample first, then as a whole where needed."""

    def __init__(
        self,
        store: ControlStore,
        sources: ImportSources,
        parsers: Parsers,
        limits: Limits,
        record: FileImport,
        job: Job,
        fetch: Fetch,
    ) -> None:
        self._store = store
        self._sources = sources
        self._parsers = parsers
        self._limits = limits
        self._record = record
        self._job = job
        self._fetch = fetch
        self._digest: asyncio.Task[str] | None = None

    async def planned(self, *, begun: bool, loaded: bool) -> Planned:
        """Understand the file, as before where rows of it were loaded already.

        Where all of it was, and only rejects are replayed, the file itself is not needed. The
        caller has raised the fence of the job's attempt.

        Raises InvalidFieldError and its kind, NotFoundError, TooLargeError for what no attempt
        mends, StorageUnavailableError for what another may.
        """
        if begun:
            # Saved before the first rows were committed, perhaps since it was read.
            self._record = await self._newest()
        record, job = self._record, self._job
        if loaded and record.plan is not None:
            plan = FilePlan.from_json(record.plan)
            return Planned(plan, self._sources.path(record, job.attempt))
        if begun and record.plan is not None:
            return await self._as_before()
        source = await self._sources.keep(record, job.attempt, await self._fetch())
        self._digest = asyncio.create_task(asyncio.to_thread(sha256_of, source))
        plan, path = await self._parsers.run(understand_copy, self._task(source))
        return Planned(plan, path, record.options.type_changes is TypeChanges.WIDEN)

    async def _newest(self) -> FileImport:
        request_id = self._record.ingestion.request_id
        async with self._store.read() as connection:
            return await import_rows.find_in_any_tenant(connection, request_id) or self._record

    async def _as_before(self) -> Planned:
        record = self._record
        async with self._store.read() as connection:
            sha256 = await import_rows.sha256(connection, record.ingestion.request_id)
        source = await self._sources.fetch_again(record, self._job.attempt, sha256 or "")
        plan = FilePlan.from_json(record.plan or {})
        plan, path = await self._parsers.run(understand_copy, self._task(source, plan))
        return Planned(plan, path)

    def _task(self, source: Path, plan: FilePlan | None = None) -> CopiedFile:
        name = PurePosixPath(self._record.file_path).name
        return CopiedFile(source, name, self._record.options, self._limits, plan)

    async def looked_at(self, planned: Planned) -> Planned:
        """Look at all of a file that was sampled; its columns get types that hold all values."""
        plan, path = planned.plan, planned.path
        table = table_of_file(plan, "file")
        cut, shapes = await self._look(plan, path, table, int(self._job.payload["chunk_bytes"]))
        if shapes:
            plan = widened(plan, reduce(merge, shapes))
        return Planned(plan, path, cut=tuple(cut), looked_at=table)

    async def save(self, plan: FilePlan) -> None:
        """Write down what further attempts and users are to know, unless an earlier attempt did.

        Raises StaleAttemptError where another attempt has begun.
        """
        if self._digest is None:
            return
        sha256 = await asyncio.shield(self._digest)
        request_id = self._record.ingestion.request_id
        async with self._store.begin() as connection:
            saved = await import_rows.save_plan(
                connection,
                request_id,
                self._job.attempt,
                plan=plan.to_json(),
                inferred_schema=plan.sql_types(),
                detected_format=plan.format,
                sha256=sha256,
            )
        if not saved:
            raise StaleAttemptError(f"import {request_id} is another attempt's by now")

    async def close(self) -> None:
        """Give up what is under way."""
        if self._digest is not None:
            self._digest.cancel()
            await asyncio.gather(self._digest, return_exceptions=True)

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


async def _next(ranges: Iterator[ChunkRange], taking: asyncio.Lock) -> ChunkRange | None:
    async with taking:
        return await asyncio.to_thread(next, ranges, None)
