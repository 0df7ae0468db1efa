"""The runner of jobs that detect relationships."""

from collections.abc import Callable, Sequence
from datetime import datetime

from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.relationships.detections import MOST_TABLES, detection_topic
from headrace_server.core.relationships.gathering import gather
from headrace_server.core.relationships.inference import Inference
from headrace_server.db import relationships as relationship_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.model.errors import NotFoundError, TooLargeError
from headrace_server.model.job import Job, JobStatus
from headrace_server.model.relationship import (
    OPEN_DETECTIONS,
    Detection,
    DetectionStatus,
    Relationship,
)
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.registry import Warehouses


class Detecting:
    """Looks for the relationships that a job asks for, and writes them down."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        warehouses: Warehouses,
        wakeups: Wakeups,
        inference: Inference,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._warehouses = warehouses
        self._wakeups = wakeups
        self._inference = inference
        self._clock = clock

    async def run(self, job: Job) -> None:
        """Detect, and end the job with the detection. Raises StaleAttemptError."""
        async with self._store.read() as connection:
            detection = await relationship_rows.find_in_any_tenant(
                connection, job.payload["detection_id"]
            )
        if detection is None or detection.terminal:
            async with self._store.begin() as connection:
                await self._jobs.complete(connection, job.job_id, job.attempt)
            return
        try:
            found = await self._detect(job, detection)
        except (NotFoundError, TooLargeError) as error:
            # Such as a table that is gone by now: trying again would not help.
            await self._end(job, detection, status=DetectionStatus.FAILED, error=error.message)
            return
        await self._end(job, detection, status=DetectionStatus.COMPLETED, found=found)

    async def _detect(self, job: Job, detection: Detection) -> list[Relationship]:
        request = detection.request
        async with self._warehouses.use(detection.tenant_id) as warehouse:
            names = request.tables or await _all_tables(warehouse, request.schema)

            async def report(count: int) -> None:
                await self._note(job, detection, tables_read=count, total_tables=len(names))

            await report(0)
            tables = await gather(warehouse, request.schema, names, report)
            async with self._store.read() as connection:
                decisions = await relationship_rows.decided(
                    connection, detection.tenant_id, request.schema
                )
            found = await self._inference.infer(
                warehouse, tables, use_ai=request.use_ai, decisions=decisions
            )
        return [each for each in found if each.confidence >= request.confidence_threshold]

    async def _note(self, job: Job, detection: Detection, **values: int) -> None:
        """Tell how far it is. Raises StaleAttemptError."""
        async with self._store.begin() as connection:
            await self._jobs.hold(connection, job.job_id, job.attempt)
            await relationship_rows.update(
                connection,
                detection.detection_id,
                OPEN_DETECTIONS,
                status=DetectionStatus.IN_PROGRESS.value,
                **values,
            )
        self._wakeups.notify(detection_topic(detection.detection_id))

    async def _end(
        self,
        job: Job,
        detection: Detection,
        *,
        status: DetectionStatus,
        found: Sequence[Relationship] = (),
        error: str | None = None,
    ) -> None:
        async with self._store.begin() as connection:
            await self._jobs.complete(connection, job.job_id, job.attempt)
            await relationship_rows.update(
                connection,
                detection.detection_id,
                OPEN_DETECTIONS,
                status=status.value,
                relationships=relationship_rows.stored(found),
                error=error,
                completed_at=self._clock(),
            )
        self._wakeups.notify(detection_topic(detection.detection_id))

    async def failed(self, connection: Connection, job: Job) -> list[str]:
        """Record a failed attempt in the transaction that counts it; returns what to notify."""
        detection_id = job.payload["detection_id"]
        if job.status is JobStatus.PENDING:
            await relationship_rows.update(
                connection, detection_id, OPEN_DETECTIONS, error=job.failure
            )
        else:
            await relationship_rows.update(
                connection,
                detection_id,
                OPEN_DETECTIONS,
                status=DetectionStatus.FAILED.value,
                error=job.failure,
                completed_at=self._clock(),
            )
        return [detection_topic(detection_id)]


async def _all_tables(warehouse: Warehouse, schema: str) -> list[str]:
    """Raises TooLargeError for more tables than are looked at."""
    names = [table.name for table in await warehouse.list_tables() if table.schema == schema]
    if len(names) > MOST_TABLES:
        raise TooLargeError("the schema has too many tables: name some", limit=str(MOST_TABLES))
    return names
