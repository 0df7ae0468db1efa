"""Imports asked for, and told of."""

import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath

from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import Limits
from headrace_server.core.storage.mounts import Mounts
from headrace_server.core.waiting import wait_for_end
from headrace_server.db import file_imports as import_rows
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import Wakeups, ingestion_topic
from headrace_server.files.formats import data_type_of
from headrace_server.model.errors import InvalidFieldError, NotFoundError
from headrace_server.model.file_import import FileImport, ImportMode, ImportOptions, NewImport
from headrace_server.model.ingestion import Ingestion, IngestionFile, Kind
from headrace_server.model.job import Clocks, NewJob
from headrace_server.model.tenant import Principal
from headrace_server.model.warehouse import Catalog

#: kind of the job that imports a file; its payload names the ingestion
IMPORT_FILE = "import_file"
#: schema of tables that nobody named
RAW = "raw"

_ENDINGS = re.compile(
    r"(?:\.(?:csv|tsv|tab|txt|json|ndjson|jsonl|xlsx|xlsm|parquet|pq|gz|gzip|zst|zstd))+$",
    re.IGNORECASE,
)
_LONGEST_NAME = 63
#: characters of a file's name that its ingestion shows; keys of buckets may have more
_LONGEST_SHOWN = 255
_FOREIGN = re.compile(r"[^a-z0-9_]+")


class FileImports:
    """Files of mounts on their way into tables."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        contracts: Contracts,
        mounts: Mounts,
        wakeups: Wakeups,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._contracts = contracts
        self._mounts = mounts
        self._wakeups = wakeups
        self._limits = limits
        self._clock = clock

    async def start(
        self, caller: Principal, new: NewImport, import_id: str | None = None
    ) -> FileImport:
        """Have a file imported that is there, under an id that none has or one that is made up.

        Raises NotFoundError where it is not, or lies below no mount, InvalidFieldError for options
        that contradict each other, StorageUnavailableError where its place does not answer.
        """
        check_options(new.options)
        await self._mounts.stat(caller.tenant_id, new.file_path)
        async with self._store.begin() as connection:
            started = await self.accept(connection, caller.tenant_id, new, import_id)
        self._jobs.announce()
        return await self.get(caller, started)

    async def accept(
        self,
        connection: Connection,
        tenant_id: str,
        new: NewImport,
        import_id: str | None = None,
    ) -> str:
        """Insert an import with its ingestion and job; `Jobs.announce` it once that is committed.

        Returns its id.
        """
        target = await self._target(tenant_id, new)
        request_id = import_id or str(uuid.uuid4())
        job = await self._jobs.enqueue(
            connection,
            NewJob(
                IMPORT_FILE,
                tenant_id,
                # The size of the chunks is fixed here: their numbers name them in the ledger.
                {"request_id": request_id, "chunk_bytes": self._limits.import_chunk_bytes},
                priority=new.priority,
                clocks=Clocks(lease=self._limits.lease),
            ),
        )
        name = PurePosixPath(new.file_path).name[:_LONGEST_SHOWN]
        file = IngestionFile.accepted(request_id, 0, name, target)
        ingestion = Ingestion.accepted(
            request_id, tenant_id, Kind.IMPORT, new.priority, units=1, at=self._clock()
        )
        await ingestion_rows.insert(connection, ingestion, job.job_id, [file])
        await import_rows.insert(
            connection, tenant_id, request_id, replace(new, target_table=target)
        )
        return request_id

    async def get(self, caller: Principal, import_id: str) -> FileImport:
        """Return an import as it stands. Raises NotFoundError."""
        async with self._store.read() as connection:
            found = await import_rows.find(connection, caller.tenant_id, import_id)
        if found is None:
            raise NotFoundError("import", import_id)
        return found

    async def wait(self, caller: Principal, import_id: str, seconds: float) -> FileImport:
        """Return an import when it has ended, or after so many seconds. Raises NotFoundError."""
        return await wait_for_end(
            self._wakeups,
            ingestion_topic(import_id),
            lambda: self.get(caller, import_id),
            lambda found: found.ingestion.terminal,
            seconds,
        )

    async def _target(self, tenant_id: str, new: NewImport) -> str:
        catalog = await self._contracts.catalog(tenant_id)
        return versioned(target_of(new.file_path, new.target_table, catalog), new.version)


def check_options(options: ImportOptions) -> None:
    """Raise InvalidFieldError for options that contradict each other."""
    if options.key_columns and options.mode is ImportMode.APPEND:
        raise InvalidFieldError.of(
            "options.key_columns", "tell rows apart for UPSERT; APPEND keeps every row"
        )


def target_of(file_path: str, named: str, catalog: Catalog) -> str:
    """Return the table for a file: the named one, the contract's for its name, else one of raw.

    A table of the schema public is named without it.
    """
    if named:
        return named.removeprefix("public.")
    name = PurePosixPath(file_path).name
    fitting = data_type_of(_ENDINGS.sub("", name), catalog)
    return fitting or f"{RAW}.{table_name(name)}"


def table_name(file_name: str) -> str:
    """Return the name of a table for a file that nothing else names."""
    plain = _FOREIGN.sub("_", _ENDINGS.sub("", file_name).lower()).strip("_") or "file"
    named = plain if not plain[0].isdigit() else f"_{plain}"
    return named[:_LONGEST_NAME]


def versioned(table: str, version: int) -> str:
    """Return the name of a table's nth version; the first has the name itself."""
    if version <= 1:
        return table
    schema, point, name = table.rpartition(".")
    suffix = f"_v{version}"
    return f"{schema}{point}{name[: _LONGEST_NAME - len(suffix)]}{suffix}"
