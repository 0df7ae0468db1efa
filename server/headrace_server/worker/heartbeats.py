"""Holding on to a claim while its job runs."""

import asyncio
from datetime import datetime

import structlog

from headrace_server.core.jobs.queue import Jobs
from headrace_server.db.wakeups import Wakeups, job_topic
from headrace_server.model.errors import StaleAttemptError
from headrace_server.model.job import Job

#: heartbeats in the time of one lease, so that one or two may be lost
_BEATS = 3

_log = structlog.get_logger(__name__)


async def keep_lease(jobs: Jobs, wakeups: Wakeups, job: Job, worker_id: str) -> None:
    """Send heartbeats for a job just claimed; returns once the claim holds no more.

    That is when another holds the job, it was cancelled, no heartbeat got through for the time of
    a lease, or the attempt's time is over.
    """
    if job.started_at is None or job.lease_expires_at is None:
        raise ValueError(f"job {job.job_id} is not claimed")
    loop = asyncio.get_running_loop()
    # The database's clock and this one differ; both began to count at the claim.
    claimed_at, claimed_at_by_database = loop.time(), job.started_at

    def local(instant: datetime) -> float:
        return claimed_at + (instant - claimed_at_by_database).total_seconds()

    interval = (job.lease_expires_at - job.started_at).total_seconds() / _BEATS
    ends_at = local(job.lease_expires_at)
    async with wakeups.subscribe(job_topic(job.job_id)) as subscription:
        while (left := ends_at - loop.time()) > 0:
            await subscription.wait(min(interval, left))
            try:
                async with asyncio.timeout_at(ends_at):
                    beat = await jobs.heartbeat(job.job_id, job.attempt, worker_id)
            except StaleAttemptError:
                return
            except Exception as error:  # noqa: BLE001  # the lease lasts for another try
                _log.warning("worker.heartbeat_failed", job_id=job.job_id, error=str(error))
                continue
            if beat.lease_expires_at is None:
                return
            ends_at = local(beat.lease_expires_at)
