"""Pipelines as their callers keep them."""

import uuid
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime

from headrace_server.core.pages import decode_token, page_of
from headrace_server.core.pipelines.definitions import check
from headrace_server.db import pipelines as pipeline_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.model.errors import (
    AlreadyExistsError,
    NotFoundError,
    TooLargeError,
    WrongStateError,
)
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.pipeline import Definition, Pipeline
from headrace_server.model.tenant import Principal

#: pipelines of one tenant at most
MOST_PIPELINES = 10_000

#: Called in the transaction that deletes a pipeline, with the pipeline locked, and whether the
#: caller insists. Raises WrongStateError where it is in use and the caller does not; returns the
#: topics to notify after the commit.
DeletionGuard = Callable[[Connection, Pipeline, bool], Awaitable[Iterable[str]]]
#: Called before the pipeline is locked, in the same transaction, with the tenant and its id.
DeletionLock = Callable[[Connection, str, str], Awaitable[None]]


class Pipelines:
    """A tenant's pipelines. Methods that name one raise NotFoundError for any other's."""

    def __init__(
        self, store: ControlStore, wakeups: Wakeups, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._wakeups = wakeups
        self._clock = clock
        self._guards: list[DeletionGuard] = []
        self._locks: list[DeletionLock] = []

    def on_delete(self, guard: DeletionGuard) -> None:
        """Have something asked before a pipeline is deleted."""
        self._guards.append(guard)

    def lock_before_delete(self, lock: DeletionLock) -> None:
        """Have something locked that others lock before the pipeline."""
        self._locks.append(lock)

    async def create(self, caller: Principal, pipeline_id: str, definition: Definition) -> Pipeline:
        """Create a pipeline; without an id one is made up.

        Raises InvalidFieldError where it contradicts itself, AlreadyExistsError, TooLargeError.
        """
        check(definition)
        pipeline_id = pipeline_id or f"pipe_{uuid.uuid4().hex[:12]}"
        now, tenant_id = self._clock(), caller.tenant_id
        named = _named(definition, pipeline_id)
        async with self._store.begin() as connection:
            if await pipeline_rows.count(connection, tenant_id) >= MOST_PIPELINES:
                raise TooLargeError("the tenant has too many pipelines", limit=str(MOST_PIPELINES))
            # Runs of one that was deleted keep its versions.
            version = 1 + await pipeline_rows.last_version(connection, tenant_id, pipeline_id)
            pipeline = Pipeline(pipeline_id, tenant_id, version, named, now, now)
            if not await pipeline_rows.insert(connection, pipeline):
                raise AlreadyExistsError("pipeline", pipeline_id)
        return pipeline

    def validate(self, caller: Principal, pipeline_id: str, definition: Definition) -> Pipeline:
        """Return the pipeline that would be made, as version 0.

        Raises InvalidFieldError where it contradicts itself.
        """
        check(definition)
        now = self._clock()
        return Pipeline(pipeline_id, caller.tenant_id, 0, _named(definition, pipeline_id), now, now)

    async def get(
        self, caller: Principal, pipeline_id: str, version: int | None = None
    ) -> Pipeline:
        """Return a pipeline, in its present version unless another is asked for."""
        async with self._store.read() as connection:
            found = await pipeline_rows.find(connection, caller.tenant_id, pipeline_id, version)
        if found is None:
            raise NotFoundError("pipeline", pipeline_id)
        return found

    async def list(self, caller: Principal, page: PageRequest) -> Page[Pipeline]:
        """Return a page of the pipelines, by id. Raises InvalidFieldError for a bad token."""
        after = str(decode_token(page.token, str)[0]) if page.token else None
        async with self._store.read() as connection:
            found = await pipeline_rows.page(
                connection, caller.tenant_id, after=after, limit=page.limit + 1
            )
        return page_of(found, page.limit, lambda last: [last.pipeline_id])

    async def update(
        self,
        caller: Principal,
        pipeline_id: str,
        definition: Definition,
        expected_version: int | None = None,
    ) -> Pipeline:
        """Write the next version of a pipeline; the same definition again changes nothing.

        Raises InvalidFieldError where it contradicts itself, WrongStateError where its version is
        not the expected one.
        """
        check(definition)
        named = _named(definition, pipeline_id)
        async with self._store.begin() as connection:
            before = await self._lock(connection, caller, pipeline_id)
            if expected_version not in (None, before.version):
                raise WrongStateError(
                    f"the pipeline is at version {before.version}, not {expected_version}: "
                    "read it again",
                    version=str(before.version),
                )
            if before.definition == named:
                return before
            after = replace(
                before,
                version=before.version + 1,
                definition=named,
                updated_at=self._clock(),
            )
            await pipeline_rows.replace(connection, after)
        return after

    async def delete(self, caller: Principal, pipeline_id: str, *, force: bool) -> None:
        """Delete a pipeline. Raises WrongStateError while it is in use, unless forced."""
        topics: list[str] = []
        async with self._store.begin() as connection:
            for lock in self._locks:
                await lock(connection, caller.tenant_id, pipeline_id)
            pipeline = await self._lock(connection, caller, pipeline_id)
            for guard in self._guards:
                topics += await guard(connection, pipeline, force)
            await pipeline_rows.delete(connection, caller.tenant_id, pipeline_id)
        for topic in topics:
            self._wakeups.notify(topic)

    async def _lock(self, connection: Connection, caller: Principal, pipeline_id: str) -> Pipeline:
        found = await pipeline_rows.lock(connection, caller.tenant_id, pipeline_id)
        if found is None:
            raise NotFoundError("pipeline", pipeline_id)
        return found


def _named(definition: Definition, pipeline_id: str) -> Definition:
    """Return a definition that has a title: the id if nobody gave one."""
    return definition if definition.name else replace(definition, name=pipeline_id)
