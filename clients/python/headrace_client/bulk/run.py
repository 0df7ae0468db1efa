"""A plan carried out: uploads in parallel, loads in the order of the references."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.priority_pb2 import Priority

from headrace_client.bulk.journal import Entry, Journal, entry_key
from headrace_client.bulk.plan import Plan, PlannedFile
from headrace_client.client import Client
from headrace_client.errors import HeadraceError, NotFoundError
from headrace_client.progress import IngestionProgress, Row, follow
from headrace_client.uploading import Upload

# Watches share one connection with uploads, and servers allow about 100 streams on one.
_WATCHES = 40


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    #: the file
    file: PlannedFile
    #: tenant that it was loaded for; None: the key's own
    tenant_id: str | None
    #: its ingestion at the end; None where it did not come so far
    ingestion: Ingestion | None = None
    #: what went wrong on this side; None where nothing did
    error: str | None = None
    #: whether an earlier run had loaded it
    earlier: bool = False


class BulkIngestion:
    """One run of a plan.

    A file is completed only when all files of its parents are, so that the server, which loads
    parents first, has them before; its bytes go ahead of that. `parallel` uploads run at a time.
    """

    def __init__(
        self,
        client: Client,
        plan: Plan,
        journal: Journal,
        progress: IngestionProgress,
        *,
        parallel: int = 4,
        priority: Priority | None = None,
    ) -> None:
        self._client = client
        self._plan = plan
        self._journal = journal
        self._progress = progress
        self._priority = priority
        self._uploads = asyncio.Semaphore(parallel)
        self._watches = asyncio.Semaphore(_WATCHES)
        # Files of each data type that children still have to wait for.
        self._ahead: dict[str, set[Path]] = defaultdict(set)
        for file in plan.files:
            self._ahead[file.data_type].add(file.path)
        self._gone = {data_type: asyncio.Event() for data_type in self._ahead}

    async def run(self) -> list[Outcome]:
        """Load every file; one that fails stops no other. Returns in the order of the plan."""
        rows = [self._progress.add(file.path.name, file.size) for file in self._plan.files]
        pairs = zip(self._plan.files, rows, strict=True)
        outcomes = await asyncio.gather(*(self._file(file, row) for file, row in pairs))
        return [await self._refreshed(outcome) for outcome in outcomes]

    async def _file(self, file: PlannedFile, row: Row) -> Outcome:
        outcome = Outcome(file, self._plan.tenant_id)
        key = entry_key(self._plan.tenant_id, file)
        try:
            ingestion = await self._known(self._journal.get(key))
            if ingestion is not None and ingestion.terminal:
                row.loading(ingestion)
                return replace(outcome, ingestion=ingestion, earlier=True)
            request_id = ingestion.request_id if ingestion else await self._load(file, key, row)
            self._give_way(file)
            async with self._watches:
                return replace(outcome, ingestion=await follow(self._client, request_id, row))
        except (HeadraceError, OSError) as error:
            row.failed()
            return replace(outcome, error=str(error))
        finally:
            self._give_way(file)

    async def _known(self, entry: Entry | None) -> Ingestion | None:
        """Return the ingestion that an earlier run started, running again if it failed."""
        if entry is None or entry.request_id is None:
            return None
        try:
            ingestion = await self._client.get_status(entry.request_id)
        except NotFoundError:  # the server began anew
            return None
        if ingestion.status == Ingestion.FAILED:
            return await self._client.retry_ingestion(entry.request_id)
        return ingestion

    async def _load(self, file: PlannedFile, key: str, row: Row) -> str:
        upload = await self._upload(file, key, row)
        request_id = upload.request_id
        if request_id is None:
            await self._wait_for_parents(file, row)
            session = await self._client.complete_upload(
                upload.upload_token, upload.sha256, upload.bytes_total
            )
            request_id = session.request_id
        self._journal.started(key, request_id)
        return request_id

    async def _upload(self, file: PlannedFile, key: str, row: Row) -> Upload:
        known = self._journal.get(key)
        async with self._uploads:
            if known is not None and known.request_id is None:
                try:
                    return await self._send(file, known, row)
                except NotFoundError:  # the session expired
                    pass
            return await self._send(file, self._journal.begin(key), row)

    async def _send(self, file: PlannedFile, entry: Entry, row: Row) -> Upload:
        return await self._client.upload(
            file.path,
            data_type=file.data_type,
            priority=self._priority,
            idempotency_key=entry.idempotency_key,
            on_progress=row.uploading,
            complete=False,
        )

    async def _wait_for_parents(self, file: PlannedFile, row: Row) -> None:
        for data_type in sorted(self._plan.ancestors[file.data_type] & self._gone.keys()):
            if file.data_type in self._plan.ancestors[data_type]:
                continue  # they refer to each other: whoever comes first is parked
            row.waiting(f"for {data_type}")
            await self._gone[data_type].wait()

    def _give_way(self, file: PlannedFile) -> None:
        """Let the files of children go: this one is with the server, or will not come."""
        ahead = self._ahead[file.data_type]
        ahead.discard(file.path)
        if not ahead:
            self._gone[file.data_type].set()

    async def _refreshed(self, outcome: Outcome) -> Outcome:
        """Read again what waited for rows that came since."""
        if outcome.ingestion is None or not outcome.ingestion.rows_parked:
            return outcome
        try:
            newest = await self._client.get_status(outcome.ingestion.request_id)
        except HeadraceError:  # what is known is still true of its revision
            return outcome
        return replace(outcome, ingestion=newest)
