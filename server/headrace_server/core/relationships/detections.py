"""Detections of relationships: asked for, waited for, cancelled; and what is decided on them."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import Limits
from headrace_server.core.waiting import wait_for_end
from headrace_server.db import relationships as relationship_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.model.errors import InvalidFieldError, NotFoundError, WrongStateError
from headrace_server.model.job import Clocks, NewJob
from headrace_server.model.relationship import (
    OPEN_DETECTIONS,
    Decision,
    Detection,
    DetectionRequest,
    DetectionStatus,
    Edge,
    RelationshipType,
)
from headrace_server.model.tenant import Principal
from headrace_server.model.warehouse import WarehouseTable
from headrace_server.warehouse.registry import Warehouses

#: kind of the job that detects; its payload names the detection
DETECT_RELATIONSHIPS = "detect_relationships"
#: how long a detection is kept
KEPT = timedelta(days=7)
#: tables of one detection at most
MOST_TABLES = 500
#: what one attempt may take at most
_ATTEMPT = timedelta(hours=1)


def detection_topic(detection_id: str) -> str:
    """Topic of a detection's changes."""
    return f"detection:{detection_id}"


class Detections:
    """Detections as their callers see them."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        warehouses: Warehouses,
        wakeups: Wakeups,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._warehouses = warehouses
        self._wakeups = wakeups
        self._limits = limits
        self._clock = clock

    async def start(self, caller: Principal, request: DetectionRequest) -> Detection:
        """Have relationships looked for; returns the detection, PENDING.

        Raises NotFoundError for a table that is not there.
        """
        await self._check_tables(caller, request)
        now = self._clock()
        detection = Detection(
            detection_id=str(uuid.uuid4()),
            tenant_id=caller.tenant_id,
            request=request,
            status=DetectionStatus.PENDING,
            tables_read=0,
            total_tables=0,
            error=None,
            created_at=now,
            completed_at=None,
            expires_at=now + KEPT,
        )
        new = NewJob(
            DETECT_RELATIONSHIPS,
            caller.tenant_id,
            {"detection_id": detection.detection_id},
            clocks=Clocks(lease=self._limits.lease, attempt=_ATTEMPT),
        )
        async with self._store.begin() as connection:
            await relationship_rows.delete_expired(connection, now)
            job = await self._jobs.enqueue(connection, new)
            await relationship_rows.insert(connection, detection, job.job_id)
        self._jobs.announce()
        return detection

    async def _check_tables(self, caller: Principal, request: DetectionRequest) -> None:
        async with self._warehouses.use(caller.tenant_id) as warehouse:
            for table in request.tables:
                await warehouse.describe_table(request.schema, table)

    async def get(self, caller: Principal, detection_id: str) -> Detection:
        """Return a detection as it stands. Raises NotFoundError."""
        detection, _ = await self._find(caller, detection_id)
        return detection

    async def _find(self, caller: Principal, detection_id: str) -> tuple[Detection, str]:
        async with self._store.read() as connection:
            found = await relationship_rows.find(
                connection, caller.tenant_id, detection_id, self._clock()
            )
        if found is None:
            raise NotFoundError("detection", detection_id)
        return found

    async def wait(self, caller: Principal, detection_id: str, seconds: float) -> Detection:
        """Return a detection when it has ended, or after so many seconds. Raises NotFoundError."""
        return await wait_for_end(
            self._wakeups,
            detection_topic(detection_id),
            lambda: self.get(caller, detection_id),
            lambda found: found.terminal,
            seconds,
        )

    async def cancel(self, caller: Principal, detection_id: str) -> Detection:
        """End a detection; one that has ended stays as it is. Raises NotFoundError."""
        detection, job_id = await self._find(caller, detection_id)
        if detection.terminal:
            return detection
        try:
            async with self._store.begin() as connection:
                await self._jobs.cancel(connection, caller.tenant_id, job_id)
                await relationship_rows.update(
                    connection,
                    detection_id,
                    OPEN_DETECTIONS,
                    status=DetectionStatus.CANCELLED.value,
                    completed_at=self._clock(),
                )
        except WrongStateError:
            # It ended at this moment.
            return await self.get(caller, detection_id)
        self._jobs.announce_cancel(job_id)
        self._wakeups.notify(detection_topic(detection_id))
        return await self.get(caller, detection_id)

    async def decide(
        self,
        caller: Principal,
        schema: str,
        edge: Edge,
        type_: RelationshipType | None,
        *,
        accepted: bool,
    ) -> Decision:
        """Remember a decision. Raises NotFoundError for a table, InvalidFieldError for a column."""
        await self._check_edge(caller, schema, edge, type_)
        decision = Decision(schema, edge, accepted, type_ if accepted else None, self._clock())
        async with self._store.begin() as connection:
            await relationship_rows.decide(connection, caller.tenant_id, decision)
        return decision

    async def _check_edge(
        self, caller: Principal, schema: str, edge: Edge, type_: RelationshipType | None
    ) -> None:
        if len(edge.from_columns) != len(edge.to_columns):
            raise InvalidFieldError.of("to_columns", "must be as many as from_columns")
        through_one = type_ is RelationshipType.MANY_TO_MANY
        if type_ is not None and through_one != bool(edge.through):
            raise InvalidFieldError.of("through", "names a table if the type is MANY_TO_MANY only")
        async with self._warehouses.use(caller.tenant_id) as warehouse:
            child = await warehouse.describe_table(schema, edge.from_table)
            parent = await warehouse.describe_table(schema, edge.to_table)
            if edge.through:
                await warehouse.describe_table(schema, edge.through)
        _check_columns("from_columns", child, edge.from_columns)
        _check_columns("to_columns", parent, edge.to_columns)
        if (edge.from_table, edge.from_columns) == (edge.to_table, edge.to_columns):
            raise InvalidFieldError.of("to_columns", "must be others than those that refer")


def _check_columns(field: str, table: WarehouseTable, columns: Sequence[str]) -> None:
    if not columns or len(set(columns)) != len(columns):
        raise InvalidFieldError.of(field, "must name at least one column, each once")
    missing = _missing(columns, (column.name for column in table.columns))
    if missing:
        raise InvalidFieldError.of(field, f"{table.name} has no column {missing!r}")


def _missing(columns: Iterable[str], known: Iterable[str]) -> str:
    there = set(known)
    return next((column for column in columns if column not in there), "")
