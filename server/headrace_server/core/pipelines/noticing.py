"""Sees when what steps started has ended, or has come further, and has their runs moved on.

Nothing that ends knows of runs. Each process that works compares what the steps wait for with how
that stands, by one look at each kind, woken by the topics of what they wait for and on a slow poll.
To look twice, or in several processes, changes nothing: a run's job is called at most once until it
has run. While no step waits it is one look at an empty index every few seconds.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog

from headrace_server.core.background import in_background
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.jobs.recalls import call
from headrace_server.core.pipelines.children import ChildrenByKind
from headrace_server.db import run_children
from headrace_server.db import runs as run_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import RUNS, Wakeups, run_topic
from headrace_server.model.pipeline import StepKind
from headrace_server.model.run import ChildState, OpenChild

#: seconds between two looks that nobody asked for, while steps wait and while none does
_SLOW_POLL, _IDLE_POLL = 2.0, 5.0
#: seconds between two looks at least, so that what hurries is seen in lots
_PACE = 0.05
_AFTER_FAULT = 1.0
_MOST_ROWS = 1 << 62
#: children that one statement asks for: databases take so many parameters and no more
_AT_ONCE = 1000

_log = structlog.get_logger(__name__)


class RunWatcher:
    """Calls the jobs of runs whose steps go on."""

    def __init__(
        self, store: ControlStore, jobs: Jobs, children: ChildrenByKind, wakeups: Wakeups
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._children = children
        self._wakeups = wakeups

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look until the block ends."""
        async with in_background(self._run(), "run-watcher"):
            yield

    async def _run(self) -> None:
        heard: frozenset[str] = frozenset()
        while True:
            async with self._wakeups.subscribe(RUNS, *heard) as changes:
                topics = await self._try_look()
                # What is heard of only now may have ended before: it is looked at once more.
                if topics == heard:
                    await changes.wait(_SLOW_POLL if topics else _IDLE_POLL)
            heard = topics
            await asyncio.sleep(_PACE)

    async def _try_look(self) -> frozenset[str]:
        try:
            return await self.look()
        except Exception:  # noqa: BLE001  # the next look tries again
            _log.exception("runs.cannot_look")
            await asyncio.sleep(_AFTER_FAULT)
            return frozenset()

    async def look(self) -> frozenset[str]:
        """Call the jobs of runs that can go on; returns the topics of what steps wait for."""
        async with self._store.read() as connection:
            waiting = [
                child for child in await run_children.open_children(connection) if child.awaited
            ]
            states = await self._states(connection, waiting)
        ended = {
            child.run_id: child.tenant_id
            for child in waiting
            if child.child_id in states and states[child.child_id].ended
        }
        for run_id, tenant_id in ended.items():
            await self._call(tenant_id, run_id)
        for child in waiting:
            if child.run_id not in ended and child.child_id in states:
                await self._note(child, states[child.child_id])
        return frozenset(self._children[each.kind].topic(each.child_id) for each in waiting)

    async def _states(
        self, connection: Connection, waiting: Sequence[OpenChild]
    ) -> dict[str, ChildState]:
        by_kind: dict[StepKind, list[str]] = {
            kind: [child.child_id for child in waiting if child.kind is kind]
            for kind in {child.kind for child in waiting}
        }
        found: dict[str, ChildState] = {}
        for kind, child_ids in by_kind.items():
            for start in range(0, len(child_ids), _AT_ONCE):
                some = child_ids[start : start + _AT_ONCE]
                found |= await self._children[kind].states(connection, some)
        return found

    async def _call(self, tenant_id: str, run_id: str) -> None:
        async with self._store.begin() as connection:
            job_id = await run_rows.job_of(connection, tenant_id, run_id)
            if job_id is not None:
                await call(self._jobs, connection, tenant_id, job_id)
        self._jobs.announce()

    async def _note(self, child: OpenChild, state: ChildState) -> None:
        """Write how far a child has come, if that is news."""
        progress, rows = min(state.progress, 99), min(state.rows, _MOST_ROWS)
        if (progress, rows) == (child.progress, child.rows):
            return
        values = {"progress": progress, "rows": rows, "output": dict(state.output)}
        async with self._store.begin() as connection:
            noted = await run_rows.note_child(connection, child.run_id, child.child_id, values)
        if noted:
            self._wakeups.notify(run_topic(child.run_id))
