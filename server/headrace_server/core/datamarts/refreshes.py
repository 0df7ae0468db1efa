"""Refreshes: asked for, waited for, watched, cancelled."""

import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime

from headrace_server.core.datamarts.endings import Endings, refresh_topic
from headrace_server.core.datamarts.lineage import Lineage
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.pages import decode_token, page_of
from headrace_server.core.waiting import wait_for_end
from headrace_server.core.watching import Watches
from headrace_server.db import datamart_refreshes as refresh_rows
from headrace_server.db import datamarts as mart_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.model.datamart import (
    OPEN_REFRESHES,
    Cause,
    Datamart,
    MartStatus,
    Refresh,
    RefreshStatus,
)
from headrace_server.model.errors import NotFoundError, WrongStateError
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.tenant import Principal

#: refreshes of one datamart that are kept
_KEPT = 200


class Refreshes:
    """Refreshes as their callers see them."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        endings: Endings,
        watches: Watches,
        wakeups: Wakeups,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._endings = endings
        self._watches = watches
        self._wakeups = wakeups
        self._clock = clock

    async def start(
        self,
        caller: Principal,
        schema: str,
        name: str,
        *,
        concurrent: bool | None = None,
        include_upstream: bool = False,
        refresh_id: str | None = None,
    ) -> Refresh:
        """Have a datamart refreshed; returns the refresh, PENDING, or SKIPPED where one is open.

        `concurrent` is as the datamart was created if None. With an id that a refresh of the
        tenant has it is that one. Raises NotFoundError.
        """
        async with self._store.begin() as connection:
            mart = await find_mart(connection, caller.tenant_id, schema, name)
            after: Sequence[str] = ()
            if include_upstream:
                after = await self._begin_upstream(connection, mart, concurrent=concurrent)
            started = await self.begin(
                connection,
                mart.datamart_id,
                Cause.REQUEST,
                concurrent=concurrent,
                after=after,
                refresh_id=refresh_id,
            )
        self.announce(started)
        return started

    async def _begin_upstream(
        self, connection: Connection, mart: Datamart, *, concurrent: bool | None
    ) -> list[str]:
        """Begin refreshes of all that a datamart reads; returns those that come right before it."""
        lineage = Lineage(await mart_rows.of_tenant(connection, mart.tenant_id))
        begun: dict[str, str] = {}
        ordered = lineage.in_order([mart])
        # None of them begins nor ends another before the commit.
        await mart_rows.lock_all(connection, [each.datamart_id for each in ordered])
        for each in ordered[:-1]:
            after = [begun[source.datamart_id] for source in lineage.upstream(each)]
            refresh = await refresh_rows.find_open(
                connection, each.datamart_id
            ) or await self.begin(
                connection, each.datamart_id, Cause.DOWNSTREAM, concurrent=concurrent, after=after
            )
            begun[each.datamart_id] = refresh.refresh_id
        return [begun[source.datamart_id] for source in lineage.upstream(mart)]

    async def begin(
        self,
        connection: Connection,
        datamart_id: str,
        cause: Cause,
        *,
        concurrent: bool | None = None,
        after: Sequence[str] = (),
        refresh_id: str | None = None,
    ) -> Refresh:
        """`start` in the caller's transaction; `announce` it after the commit.

        The refreshes in `after` are of datamarts that the caller has locked; those that have ended
        are not waited for. Raises NotFoundError.
        """
        mart = await mart_rows.lock(connection, datamart_id)
        if mart is None:
            raise NotFoundError("datamart", datamart_id)
        if refresh_id is not None:
            found = await refresh_rows.find(connection, mart.tenant_id, refresh_id)
            if found is not None:
                return found[0]
        open_ = await refresh_rows.find_open(connection, datamart_id)
        statuses = await refresh_rows.statuses(connection, after)
        refresh = Refresh(
            refresh_id=refresh_id or str(uuid.uuid4()),
            tenant_id=mart.tenant_id,
            datamart_id=datamart_id,
            schema=mart.schema,
            datamart_name=mart.name,
            status=RefreshStatus.SKIPPED if open_ else RefreshStatus.PENDING,
            cause=cause,
            concurrent=mart.concurrent if concurrent is None else concurrent,
            after=tuple(id_ for id_, status in statuses.items() if status in OPEN_REFRESHES),
            number=mart.refreshes + 1,
            rows_written=0,
            rows=0,
            size_bytes=0,
            error=None,
            note=f"refresh {open_.refresh_id} of it is under way" if open_ else None,
            revision=1,
            created_at=self._clock(),
            completed_at=self._clock() if open_ else None,
        )
        await self._record(connection, refresh)
        return refresh

    async def _record(self, connection: Connection, refresh: Refresh) -> None:
        job_id = None
        values: dict[str, object] = {"refreshes": refresh.number}
        if not refresh.terminal:
            values |= {
                "latest_refresh_id": refresh.refresh_id,
                "status": MartStatus.REFRESHING.value,
            }
            if not refresh.after:
                job_id = await self._endings.enqueue(
                    connection, refresh.tenant_id, refresh.refresh_id
                )
        await refresh_rows.insert(connection, refresh, job_id)
        await mart_rows.update(connection, refresh.datamart_id, **values)
        await refresh_rows.delete_before(connection, refresh.datamart_id, refresh.number - _KEPT)

    def announce(self, refresh: Refresh) -> None:
        """Wake the workers after the commit of `begin`."""
        if not refresh.terminal:
            self._jobs.announce()
        self._wakeups.notify(refresh_topic(refresh.refresh_id))

    async def get(self, caller: Principal, schema: str, name: str, refresh_id: str) -> Refresh:
        """Return a refresh as it stands. Raises NotFoundError."""
        refresh, _ = await self._find(caller, schema, name, refresh_id)
        return refresh

    async def _find(
        self, caller: Principal, schema: str, name: str, refresh_id: str
    ) -> tuple[Refresh, str | None]:
        async with self._store.read() as connection:
            found = await refresh_rows.find(connection, caller.tenant_id, refresh_id)
        if found is None or not _is_of(found[0], schema, name):
            raise NotFoundError("refresh", refresh_id)
        return found

    async def list(
        self, caller: Principal, schema: str, name: str, page: PageRequest
    ) -> Page[Refresh]:
        """Return a page of a datamart's refreshes, newest first. Raises NotFoundError."""
        before = int(decode_token(page.token, int)[0]) if page.token else None
        async with self._store.read() as connection:
            mart = await find_mart(connection, caller.tenant_id, schema, name)
            found = await refresh_rows.page(connection, mart.datamart_id, before, page.limit + 1)
        return page_of(found, page.limit, lambda last: [last.number])

    async def wait(self, caller: Principal, refresh: Refresh, seconds: float) -> Refresh:
        """Return a refresh when it has ended, or after so many seconds. Raises NotFoundError."""
        return await wait_for_end(
            self._wakeups,
            refresh_topic(refresh.refresh_id),
            lambda: self.get(caller, refresh.schema, refresh.datamart_name, refresh.refresh_id),
            lambda found: found.terminal,
            seconds,
        )

    def watch(
        self, caller: Principal, schema: str, name: str, refresh_id: str, after_revision: int
    ) -> AsyncGenerator[Refresh, None]:
        """Yield snapshots of a refresh as `Watches.stream` does; it raises NotFoundError."""
        return self._watches.stream(
            caller.tenant_id,
            refresh_topic(refresh_id),
            lambda: self.get(caller, schema, name, refresh_id),
            after_revision,
        )

    async def cancel(self, caller: Principal, schema: str, name: str, refresh_id: str) -> Refresh:
        """End a refresh; one that has ended stays as it is. Raises NotFoundError."""
        refresh, job_id = await self._find(caller, schema, name, refresh_id)
        if refresh.terminal:
            return refresh
        try:
            async with self._store.begin() as connection:
                topics = await self.cancel_in(connection, refresh, job_id)
        except WrongStateError:
            # It ended at this moment.
            return await self.get(caller, schema, name, refresh_id)
        self.announce_end(topics, job_id)
        return await self.get(caller, schema, name, refresh_id)

    async def cancel_in(
        self, connection: Connection, refresh: Refresh, job_id: str | None
    ) -> Sequence[str]:
        """`cancel` in the caller's transaction; `announce_end` what it returns after the commit.

        Raises WrongStateError where it ended at this moment.
        """
        if job_id is not None:
            await self._jobs.cancel(connection, refresh.tenant_id, job_id)
        return await self._endings.end(
            connection, refresh, RefreshStatus.CANCELLED, self._clock(), error=None
        )

    def announce_end(self, topics: Sequence[str], job_id: str | None) -> None:
        """Tell of a refresh that was cancelled, and the worker that is at it."""
        if job_id is not None:
            self._jobs.announce_cancel(job_id)
        for topic in topics:
            self._wakeups.notify(topic)


async def find_mart(connection: Connection, tenant_id: str, schema: str, name: str) -> Datamart:
    """Read a tenant's datamart, of several versions the newest. Raises NotFoundError."""
    mart = await mart_rows.find(connection, tenant_id, schema, name)
    if mart is None:
        raise NotFoundError("datamart", f"{schema}.{name}")
    return mart


def _is_of(refresh: Refresh, schema: str, name: str) -> bool:
    """Whether it is a refresh of the datamart of that name, or of a version of it."""
    same = refresh.datamart_name == name or refresh.datamart_name.startswith(f"{name}__")
    return refresh.schema == schema and same
