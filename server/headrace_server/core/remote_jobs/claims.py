"""Claims of remote workers: given out, waited for, kept alive."""

import json
import time
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any

from headrace_server.core.jobs.leases import Heartbeat
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.remote_jobs.releases import Releases
from headrace_server.core.together import Together
from headrace_server.db import jobs as job_rows
from headrace_server.db import remote_jobs as remote_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.remote_queue import RemoteQueue
from headrace_server.db.wakeups import Wakeups, job_topic, waiting_topic
from headrace_server.model.errors import NotFoundError, TooLargeError
from headrace_server.model.remote_job import (
    MAX_CHECKPOINT_BYTES,
    MAX_OPTIONS_BYTES,
    RemoteJob,
    kind_of,
)
from headrace_server.model.tenant import Principal

#: A retry's back-off ends, and a lost claim returns, without a wake-up.
_SLOW_POLL = 1.0
_POLLS_AT_ONCE = 50
#: JSON of options and checkpoints, and bytes of paths, in one answer. As a message it may have more
#: than twice as many, and gRPC's clients take messages of 4 MiB unless told otherwise: an answer
#: that is not taken loses its jobs until their leases run out.
_ANSWER_BYTES = 5 << 18
#: and in all answers that are made together
_BYTES_AT_ONCE = 32 << 20
#: of one job: a path has 4,096 characters
_MOST_JOB_BYTES = MAX_OPTIONS_BYTES + MAX_CHECKPOINT_BYTES + (16 << 10)


class RemoteClaims:
    """Gives the jobs of a tenant to its workers."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        queue: RemoteQueue,
        wakeups: Wakeups,
        releases: Releases,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._queue = queue
        self._wakeups = wakeups
        self._together = Together(self._claim, _POLLS_AT_ONCE, lost=releases.release_soon)
        self._releases = releases

    async def poll(
        self,
        caller: Principal,
        worker_id: str,
        content_types: Sequence[str],
        max_jobs: int,
        wait: float,
    ) -> list[RemoteJob]:
        """Claim up to `max_jobs`, waiting at most `wait` seconds for the first.

        No session is held while waiting. What was claimed for a caller that is cancelled returns to
        the queue.
        """
        kinds = [kind_of(content_type) for content_type in dict.fromkeys(content_types)]
        deadline = time.monotonic() + wait
        topics = [waiting_topic(caller.tenant_id, kind) for kind in kinds]
        async with self._wakeups.subscribe(*topics) as subscription:
            while True:
                claimed = await self._together.do(
                    (caller.tenant_id, tuple(kinds)), (worker_id, max_jobs)
                )
                left = deadline - time.monotonic()
                if claimed or left <= 0:
                    return claimed
                await subscription.wait(min(left, _SLOW_POLL))

    async def drain(self) -> None:
        """Wait until no claim is under way, and what nobody heard of is back in the queue."""
        await self._together.drain()
        await self._releases.drain()

    async def _claim(
        self, key: tuple[str, tuple[str, ...]], polls: Sequence[tuple[str, int]]
    ) -> list[list[RemoteJob]]:
        """Claim for several polls of (worker, number) at once: each gets its own, in order."""
        carried = sum(min(number * _MOST_JOB_BYTES, _ANSWER_BYTES) for _, number in polls)
        most_bytes = min(carried, _BYTES_AT_ONCE)
        found = await self._queue.claim(*key, _in_turn(polls), most_bytes, self._jobs.given_now)
        for each in found:
            self._wakeups.notify(job_topic(each.job.job_id))
        await self._fail_unreadable(found)
        claimed: dict[str | None, deque[RemoteJob]] = defaultdict(deque)
        for each in sorted(filter(_is_readable, found), key=_rank):
            claimed[each.job.worker_id].append(each)
        return [self._answer(claimed[worker], number) for worker, number in polls]

    def _answer(self, claimed: deque[RemoteJob], number: int) -> list[RemoteJob]:
        """Take what one message can carry; the rest of the number returns to the queue."""
        share = [claimed.popleft() for _ in range(min(number, len(claimed)))]
        if len(share) <= _ANSWER_BYTES // _MOST_JOB_BYTES:
            return share
        sizes = accumulate(map(_size, share))
        carried = max(1, bisect_right(list(sizes), _ANSWER_BYTES))
        self._releases.release_soon(share[carried:])
        return share[:carried]

    async def _fail_unreadable(self, found: Iterable[RemoteJob]) -> None:
        for record in found:
            if not _is_readable(record):
                job, words = record.job, "what is asked for cannot be read"
                await self._jobs.record_failure(job.job_id, job.attempt, words)

    async def heartbeat(
        self,
        caller: Principal,
        job_id: str,
        attempt: int,
        worker_id: str,
        checkpoint: Mapping[str, Any] | None,
    ) -> Heartbeat:
        """Extend the lease and keep the checkpoint for the next attempt.

        Raises NotFoundError, StaleAttemptError, TooLargeError.
        """
        _check_size(checkpoint)
        async with self._store.begin() as connection:
            found = await remote_rows.lock(connection, caller.tenant_id, [job_id])
            if job_id not in found:
                raise NotFoundError("job", job_id)
            answer = await self._jobs.beat(connection, job_id, attempt, worker_id)
            stored = checkpoint is not None and not answer.cancelled
            if stored:
                await remote_rows.change(
                    connection, [job_id], {"checkpoint": dict(checkpoint or {})}
                )
        if stored:
            self._wakeups.notify(job_topic(job_id))
        return answer


def _is_readable(record: RemoteJob) -> bool:
    return isinstance(record.task_options, dict) and isinstance(record.checkpoint, dict | None)


def _in_turn(polls: Sequence[tuple[str, int]]) -> list[str]:
    """The workers, each as often as it takes a job, so that each gets one while there are some."""
    rounds = (
        [worker for worker, number in polls if number > place]
        for place in range(max(number for _, number in polls))
    )
    return list(chain.from_iterable(rounds))


def _size(record: RemoteJob) -> int:
    documents = (record.task_options, record.checkpoint)
    sizes = (len(json.dumps(each, ensure_ascii=False).encode()) for each in documents if each)
    return len(record.source_file_path.encode()) + sum(sizes)


def _rank(record: RemoteJob) -> int:
    return job_rows.rank_of(record.job.created_at, record.job.priority)


def _check_size(checkpoint: Mapping[str, Any] | None) -> None:
    if checkpoint is None:
        return
    if len(json.dumps(dict(checkpoint), ensure_ascii=False).encode()) > MAX_CHECKPOINT_BYTES:
        raise TooLargeError(
            f"a checkpoint may have {MAX_CHECKPOINT_BYTES} bytes of JSON at most",
            limit=str(MAX_CHECKPOINT_BYTES),
        )
