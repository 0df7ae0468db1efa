"""Rows kept aside: listed, and loaded again after a fix."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping

from headrace_server.core.ingestion.ingestions import Ingestions
from headrace_server.core.jobs import Jobs
from headrace_server.core.pages import decode_token, page_of
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups, ingestion_topic
from headrace_server.files.disk import on_disk
from headrace_server.files.replays import replay_line
from headrace_server.files.spool import Spool
from headrace_server.model.errors import FieldViolation, InvalidFieldError, WrongStateError
from headrace_server.model.ingestion import REPLAYABLE, Ingestion, IngestionFile, Status
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.tenant import Principal
from headrace_server.model.warehouse import KeptRow
from headrace_server.warehouse.registry import Warehouses


class Rejects:
    """The rejected and parked rows of a tenant's ingestions."""

    def __init__(
        self,
        store: ControlStore,
        ingestions: Ingestions,
        jobs: Jobs,
        warehouses: Warehouses,
        spool: Spool,
        wakeups: Wakeups,
    ) -> None:
        self._store = store
        self._ingestions = ingestions
        self._jobs = jobs
        self._warehouses = warehouses
        self._spool = spool
        self._wakeups = wakeups

    async def list(
        self,
        caller: Principal,
        request_id: str,
        *,
        rejected: bool,
        parked: bool,
        page: PageRequest,
    ) -> tuple[Mapping[int, IngestionFile], Page[KeptRow]]:
        """Return the ingestion's files by number and a page of its kept ingestion_rows."""
        await self._ingestions.get(caller, request_id)
        after = str(decode_token(page.token, str)[0]) if page.token else None
        async with self._store.read() as connection:
            files = await ingestion_rows.files(connection, request_id)
        async with self._warehouses.use(caller.tenant_id) as warehouse:
            found = await warehouse.kept_rows(
                request_id, rejected=rejected, parked=parked, after=after, limit=page.limit + 1
            )
        by_number = {file.file_no: file for file in files}
        return by_number, page_of(found, page.limit, lambda last: [last.reject_id])

    async def replay(
        self,
        caller: Principal,
        request_id: str,
        corrections: Mapping[str, str],
        *,
        only_corrections: bool,
    ) -> tuple[int, Ingestion]:
        """Put rejected rows into the queue again, corrected where a correction is given.

        Returns how many, and the ingestion, which runs again until the replay has ended. Rows of
        which only the beginning was kept are left unless corrected. Raises WrongStateError while
        the ingestion runs, InvalidFieldError for a correction of an unknown reject.
        """
        ingestion = await self._ingestions.get(caller, request_id)
        if ingestion.status not in REPLAYABLE:
            raise _not_replayable(ingestion.status)
        await self._refuse_unread(ingestion)
        ids = list(corrections) if only_corrections else None
        async with self._warehouses.use(caller.tenant_id) as warehouse:
            kept = [row async for row in warehouse.rejects_by_id(request_id, ids)]
        _check_known(corrections, kept)
        chosen = [row for row in kept if not row.raw_truncated or row.reject_id in corrections]
        if not chosen:
            return 0, ingestion
        return len(chosen), await self._start(ingestion, chosen, corrections)

    async def _refuse_unread(self, ingestion: Ingestion) -> None:
        """Raise where a file was not read to its end: a replay would seem to complete it."""
        async with self._store.read() as connection:
            files = await ingestion_rows.files(connection, ingestion.request_id)
        unread = ", ".join(file.file_name for file in files if file.unread)
        if unread:
            raise WrongStateError(
                f"{unread}: not all of it was read; retry the ingestion first, its rejects stay",
                status=ingestion.status.value,
            )

    async def _start(
        self, ingestion: Ingestion, chosen: Iterable[KeptRow], corrections: Mapping[str, str]
    ) -> Ingestion:
        number = ingestion.replays + 1
        lines: dict[int, list[bytes]] = defaultdict(list)
        for row in chosen:
            raw = corrections.get(row.reject_id, row.raw)
            lines[row.file_no].append(replay_line(row.reject_id, row.line, row.byte_offset, raw))
        async with self._store.begin() as connection:
            job_id = await ingestion_rows.job_id(connection, ingestion.request_id)
            await self._jobs.rerun(connection, ingestion.tenant_id, job_id)
            reopened = await ingestion_rows.update_ingestion(
                connection,
                ingestion.request_id,
                REPLAYABLE,
                revision=ingestion.revision,
                status=Status.PENDING,
                replays=number,
                details=f"replaying {sum(map(len, lines.values()))} rows",
                completed_at=None,
            )
            if reopened is None:
                raise _not_replayable(ingestion.status)
            for file_no, raw_lines in lines.items():
                path = self._spool.replay_file(ingestion.request_id, number, file_no)
                with on_disk("keeping a replay"):
                    await asyncio.to_thread(self._spool.keep_replay, path, raw_lines)
        self._wakeups.notify(ingestion_topic(ingestion.request_id))
        self._jobs.announce()
        return reopened


def _not_replayable(status: Status) -> WrongStateError:
    return WrongStateError(
        f"the ingestion is {status.value}, or was changed at this moment; rejects can be replayed "
        "once it has ended",
        status=status.value,
    )


def _check_known(corrections: Mapping[str, str], kept: Iterable[KeptRow]) -> None:
    known = {row.reject_id for row in kept}
    violations = [
        FieldViolation(f"corrections[{index}].reject_id", "names no reject of this ingestion")
        for index, reject_id in enumerate(corrections)
        if reject_id not in known
    ]
    if violations:
        raise InvalidFieldError("corrections: some name no reject", *violations)
