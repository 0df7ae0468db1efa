"""Rows kept aside: listed, and loaded again after a fix."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Container, Iterable, Mapping
from dataclasses import replace
from typing import NoReturn, ParamSpec

from headrace_server.core.ingestion.ingestions import Ingestions
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import MIB
from headrace_server.core.pages import decode_token, page_of
from headrace_server.db import holds as hold_rows
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db import mappings as mapping_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups, ingestion_topic
from headrace_server.files.disk import on_disk
from headrace_server.files.replays import ReplayWriter, replay_line
from headrace_server.files.spool import Spool
from headrace_server.model.errors import FieldViolation, InvalidFieldError, WrongStateError
from headrace_server.model.ingestion import REPLAYABLE, Ingestion, Kind, Status
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.row_counts import rows_text
from headrace_server.model.rows import RejectReason
from headrace_server.model.tenant import Principal
from headrace_server.model.warehouse import KeptRow
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.registry import Warehouses

P = ParamSpec("P")

# A page and what stands around its rows fit into the 4 MiB that gRPC takes by default.
_PAGE_BYTES = 3 * MIB
_SHOWN_BYTES = MIB
# A row may be 16 MiB: so many are held at a time.
_ROWS_AT_ONCE = 16
_WRITTEN_AT_ONCE = MIB


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
    ) -> tuple[Mapping[int, str], Page[KeptRow]]:
        """Return a page of kept rows, and by number the names of the files, or mappings, they hold.

        A page ends at 3 MiB of raw text too; of a longer row the first MiB is shown.
        """
        ingestion = await self._ingestions.get(caller, request_id)
        after = str(decode_token(page.token, str)[0]) if page.token else None
        async with self._warehouses.use(caller.tenant_id) as warehouse:
            found, fitting = await _read_page(
                warehouse, request_id, rejected=rejected, parked=parked, after=after, page=page
            )
        names = await self._names(ingestion, {row.file_no for row in found})
        return names, page_of(found, fitting, lambda last: [last.reject_id])

    async def _names(self, ingestion: Ingestion, numbers: Collection[int]) -> Mapping[int, str]:
        async with self._store.read() as connection:
            if ingestion.kind is Kind.MAPPINGS:
                return await mapping_rows.ids(connection, ingestion.request_id, numbers)
            files = await ingestion_rows.files(connection, ingestion.request_id)
        return {file.file_no: file.file_name for file in files}

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
        which the text kept is not what the file held, cut or not UTF-8, are left unless corrected.
        Raises WrongStateError while the ingestion runs, InvalidFieldError for a correction that is
        blank or of an unknown reject.
        """
        _refuse_blank(corrections)
        ingestion = await self._ingestions.get(caller, request_id)
        if ingestion.kind is Kind.MAPPINGS:
            raise WrongStateError(
                "rejects of mappings are not replayed: mend the source, then retry what failed, or "
                "submit the mapping again",
                status=ingestion.status.value,
            )
        if ingestion.status not in REPLAYABLE:
            raise _not_replayable(ingestion.status)
        await self._refuse_unread(ingestion)
        ids = list(corrections) if only_corrections else None
        writer = self._spool.replay_writer(request_id)
        try:
            async with self._warehouses.use(caller.tenant_id) as warehouse:
                rows = warehouse.rejects_by_id(request_id, ids)
                written = await _write(writer, rows, corrections)
            if not written:
                return 0, ingestion
            return written, await self._start(ingestion, writer, written)
        finally:
            await asyncio.to_thread(writer.close)

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

    async def _start(self, ingestion: Ingestion, writer: ReplayWriter, written: int) -> Ingestion:
        number = ingestion.replays + 1
        async with self._store.begin() as connection:
            job_id = await ingestion_rows.job_id(connection, ingestion.request_id)
            await self._jobs.rerun(connection, ingestion.tenant_id, job_id)
            await hold_rows.hold_again(connection, ingestion.tenant_id, ingestion.request_id)
            reopened = await ingestion_rows.update_ingestion(
                connection,
                ingestion.request_id,
                REPLAYABLE,
                revision=ingestion.revision,
                status=Status.PENDING,
                replays=number,
                details=f"replaying {rows_text(written)}",
                completed_at=None,
            )
            if reopened is None:
                raise _not_replayable(ingestion.status)
            await _on_disk(writer.put_in_place, number)
        self._wakeups.notify(ingestion_topic(ingestion.request_id))
        self._jobs.announce()
        return reopened


def _not_replayable(status: Status) -> WrongStateError:
    return WrongStateError(
        f"the ingestion is {status.value}, or was changed at this moment; rejects can be replayed "
        "once it has ended",
        status=status.value,
    )


async def _read_page(
    warehouse: Warehouse,
    request_id: str,
    *,
    rejected: bool,
    parked: bool,
    after: str | None,
    page: PageRequest,
) -> tuple[list[KeptRow], int]:
    """Read rows, as shown, until the page is full; return them and how many of them fit it."""
    found: list[KeptRow] = []
    fitting, size = 0, 0
    while fitting == len(found) <= page.limit:
        limit = min(_ROWS_AT_ONCE, page.limit + 1 - len(found))
        rows = await warehouse.kept_rows(
            request_id, rejected=rejected, parked=parked, after=after, limit=limit
        )
        for row in map(_shown, rows):
            found.append(row)
            size += len(row.raw.encode())
            fitting += size <= _PAGE_BYTES or fitting == 0
        if len(rows) < limit:
            break
        after = rows[-1].reject_id
    return found, min(fitting, page.limit)


def _shown(row: KeptRow) -> KeptRow:
    raw = row.raw.encode()
    if len(raw) <= _SHOWN_BYTES:
        return row
    return replace(row, raw=raw[:_SHOWN_BYTES].decode(errors="ignore"), raw_truncated=True)


async def _write(
    writer: ReplayWriter, rows: AsyncIterator[KeptRow], corrections: Mapping[str, str]
) -> int:
    """Write the rows that can be replayed, durably; return how many.

    Raises InvalidFieldError for corrections of none of the rows.
    """
    written, size, unknown = 0, 0, set(corrections)
    lines: list[tuple[int, bytes]] = []
    async for row in rows:
        unknown.discard(row.reject_id)
        raw = corrections.get(row.reject_id)
        if raw is None and not _is_as_it_came(row):
            continue
        raw = row.raw if raw is None else raw
        line = replay_line(row.reject_id, row.line, row.byte_offset, raw)
        lines.append((row.file_no, line))
        written, size = written + 1, size + len(line)
        if size >= _WRITTEN_AT_ONCE:
            await _on_disk(writer.write, lines)
            lines, size = [], 0
    _refuse_unknown(corrections, unknown)
    await _on_disk(writer.write, lines)
    await _on_disk(writer.sync)
    return written


async def _on_disk(write: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    with on_disk("keeping a replay"):
        await asyncio.to_thread(write, *args, **kwargs)


def _is_as_it_came(row: KeptRow) -> bool:
    """Whether the text that was kept is what the file held."""
    return not row.raw_truncated and row.reason is not RejectReason.INVALID_UTF8


def _refuse_blank(corrections: Mapping[str, str]) -> None:
    """Raise for corrections of white space only, as which a reject would vanish."""
    blank = [index for index, raw in enumerate(corrections.values()) if not raw.strip()]
    if blank:
        _refuse(blank, "raw", "must be the corrected line, one JSON object")


def _refuse_unknown(corrections: Mapping[str, str], unknown: Container[str]) -> None:
    indexes = [index for index, reject_id in enumerate(corrections) if reject_id in unknown]
    if indexes:
        _refuse(indexes, "reject_id", "names no reject of this ingestion")


def _refuse(indexes: Iterable[int], field: str, description: str) -> NoReturn:
    violations = [FieldViolation(f"corrections[{index}].{field}", description) for index in indexes]
    raise InvalidFieldError(f"corrections: {field}: {description}", *violations)
