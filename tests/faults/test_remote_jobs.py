"""Workers and servers that die or fall asleep: each remote job takes effect once.

The full form, 100 rounds, takes some minutes: pytest tests/faults/test_remote_jobs.py --faults full
"""

import asyncio
import itertools
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from random import Random

import asyncpg
import pytest
from headrace.v1.remote_job_service_pb2 import CreateRemoteJobRequest

from headrace_client import HeadraceError, WrongStateError

from .accounts import control
from .fleet import Fleet, MakeFleet, Program, eventually, free_port
from .loads import chance_of, start_all

LEASE_SECONDS = 1
#: jobs that wait or run at any time, more than the workers hold
OPEN = 12
#: more than the jobs of a round
INGESTIONS = 300
# Ingestions that wait for one remote job each, and what notes every result.
_PREPARE = """
    INSERT INTO ingestions (request_id, tenant_id, kind, status, own_status, priority, job_id,
        total_units, processed_units, failed_units, rows_loaded, rows_rejected, rows_parked,
        bytes_total, bytes_processed, revision, replays, created_at)
    SELECT n, 'default', 'FILES', 'IN_PROGRESS', 'COMPLETED', 'MEDIUM', 'nobody',
        0, 0, 0, 0, 0, 0, 0, 0, 1, 0, now() FROM generate_series(1, {ingestions}) AS n;
    CREATE TABLE effects (job_id text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO effects VALUES (NEW.job_id); RETURN NULL; END $$;
    CREATE TRIGGER results AFTER UPDATE ON remote_jobs FOR EACH ROW
        WHEN (NEW.result IS NOT NULL) EXECUTE FUNCTION note();
"""


class Chaos:
    """Two servers, four workers, and jobs that never run out."""

    def __init__(self, fleet: Fleet, chance: Random) -> None:
        self.fleet = fleet
        self.chance = chance
        other = f"127.0.0.1:{free_port()}"
        self.servers = [fleet.server, fleet.program("serve", "other", grpc_address=other)]
        addresses = [fleet.address, other] * 2
        self.workers = [fleet.remote_worker(f"w{n}", at) for n, at in enumerate(addresses)]
        self._ingestions = itertools.count(1)
        #: what the workers said before they were killed
        self.told: list[dict[str, object]] = []
        #: how many attempts were refused after their worker slept too long
        self.refused = 0

    async def start(self, ingestions: int) -> None:
        await start_all(self.servers)
        connection = await asyncpg.connect(self.fleet.database_url)
        await connection.execute(_PREPARE.format(ingestions=ingestions))
        await connection.close()
        await start_all(self.workers)

    @asynccontextmanager
    async def feeding(self) -> AsyncIterator[None]:
        """Keep jobs coming."""
        feeder = asyncio.create_task(self._feed())
        yield
        feeder.cancel()
        await asyncio.gather(feeder, return_exceptions=True)

    async def _feed(self) -> None:
        async with self.fleet.client() as client:
            while True:
                waiting = await control(
                    self.fleet, "SELECT job_id FROM jobs WHERE status IN ('PENDING', 'RUNNING')"
                )
                new = [
                    CreateRemoteJobRequest(
                        source_file_path="x",
                        content_type=self.chance.choice(["heartbeats", "silent"]),
                        ingestion_task_id=self.chance.choice(["", str(next(self._ingestions))]),
                        max_retries=100,
                    )
                    for _ in range(OPEN - len(waiting))
                ]
                with suppress(HeadraceError):  # the server was killed
                    if new:
                        await client.create_remote_jobs(new)
                await asyncio.sleep(0.05)

    async def held_by(self, worker: Program) -> set[tuple[str, int]]:
        """Jobs and attempts that the worker holds and knows of.

        It does not of those whose answer died with the server, or that it held in an earlier life.
        """
        held = await control(
            self.fleet,
            "SELECT job_id, attempt FROM jobs "
            f"WHERE status = 'RUNNING' AND worker_id = '{worker.name}'",
        )
        return {(job["job_id"], job["attempt"]) for job in held} & told(worker, "begin")

    async def completed(self) -> set[tuple[str, int]]:
        """Jobs, each with the attempt whose result was taken."""
        done = await control(
            self.fleet, "SELECT job_id, attempt FROM jobs WHERE status = 'COMPLETED'"
        )
        return {(job["job_id"], job["attempt"]) for job in done}

    async def kill_worker(self) -> None:
        """Kill a worker that holds a job, and start it again with the same id."""
        worker = self.chance.choice(self.workers)
        await eventually(lambda: self._holds(worker), "a job of the worker's")
        worker.kill()
        self.told += worker.entries()
        await start_all([worker])

    async def _holds(self, worker: Program) -> bool:
        return bool(await self.held_by(worker))

    async def kill_server(self) -> None:
        """Kill a server, at times both, and start it again."""
        killed = self.chance.sample(self.servers, self.chance.choice([1, 1, 2]))
        await asyncio.sleep(self.chance.uniform(0, 0.1))
        for server in killed:
            server.kill()
        await asyncio.sleep(self.chance.choice([0, LEASE_SECONDS]))
        await start_all(killed)

    async def stop_worker(self) -> None:
        """Let a worker sleep past its leases; what it then does for its jobs is refused."""
        worker = self.chance.choice(self.workers)
        held: set[tuple[str, int]] = set()

        async def taken_over() -> bool:
            return not held & await self.held_by(worker)

        async def caught() -> bool:
            worker.signal(signal.SIGSTOP)
            held.update(await self.held_by(worker))
            await eventually(taken_over, "the leases' ends")
            # A result that it had sent before is as good as any.
            held.difference_update(await self.completed())
            if not held:
                worker.signal(signal.SIGCONT)
            return bool(held)

        async def ended() -> bool:
            return {job_id for job_id, _ in held} <= {
                job_id for job_id, _ in await self.completed()
            }

        await eventually(caught, "jobs that the worker loses", every=0.05)
        if self.chance.random() < 0.5:
            await eventually(ended, "the jobs' ends in other hands")
        for job_id, attempt in held:
            await self._refuses_result(job_id, attempt)
        worker.signal(signal.SIGCONT)
        await eventually(lambda: held <= told(worker, "end", "STOPPED"), "the refusals", every=0.05)
        self.refused += len(held)

    async def _refuses_result(self, job_id: str, attempt: int) -> None:
        async with self.fleet.client() as client:
            with pytest.raises(WrongStateError, match=f"^attempt {attempt} holds job {job_id} no"):
                await client.submit_result(job_id, attempt, success=True, content="stale")

    async def finished(self) -> bool:
        return not await control(
            self.fleet, "SELECT job_id FROM jobs WHERE status IN ('PENDING', 'RUNNING')"
        )

    def ends(self) -> list[dict[str, object]]:
        """All attempts' ends that workers told."""
        told = self.told + [entry for worker in self.workers for entry in worker.entries()]
        return [entry for entry in told if entry["event"] == "end"]


def told(worker: Program, event: str, outcome: str | None = None) -> set[tuple[str, int]]:
    """Jobs and attempts of which the worker says so."""
    return {
        (entry["job_id"], entry["attempt"])
        for entry in worker.entries()
        if entry["event"] == event and entry.get("outcome") == outcome
    }


@pytest.fixture
def chaos(postgres_url: str, make_fleet: MakeFleet) -> Chaos:
    fleet = make_fleet(postgres_url, remote_lease_seconds=LEASE_SECONDS)
    return Chaos(fleet, chance_of(1))


@pytest.mark.timeout(1800)
async def test_every_job_takes_effect_once_whoever_dies_or_sleeps(
    chaos: Chaos, rounds: int
) -> None:
    await chaos.start(INGESTIONS * rounds)
    kinds: list[Callable[[], Awaitable[None]]] = [
        chaos.stop_worker,
        chaos.kill_worker,
        chaos.kill_server,
    ]
    async with chaos.feeding():
        for number in range(rounds):
            await kinds[number % len(kinds)]()
    await eventually(chaos.finished, "the ends of all jobs", every=0.1)
    assert chaos.refused >= rounds // len(kinds)
    await check(chaos)
    for program in (*chaos.workers, *chaos.servers):
        assert program.stop() == 0


async def check(chaos: Chaos) -> None:
    """Every job completed with one result, that of its newest attempt, and ended its ingestion.

    Where it named one: the others go another way.
    """
    jobs = await control(
        chaos.fleet,
        "SELECT job_id, status, attempt, result, ingestion_task_id, ingestion_continued "
        "FROM jobs JOIN remote_jobs USING (job_id)",
    )
    assert {job["status"] for job in jobs} == {"COMPLETED"}
    named = [job["ingestion_task_id"] for job in jobs if job["ingestion_continued"]]
    assert sorted(named) == sorted(filter(None, (job["ingestion_task_id"] for job in jobs)))
    newest = {job["job_id"]: job["attempt"] for job in jobs}
    results = [json.loads(json.loads(job["result"])["content"]) for job in jobs]
    assert {job_id: attempt for job_id, attempt, _ in results} == newest
    effects = await control(chaos.fleet, "SELECT job_id FROM effects")
    assert sorted(effect["job_id"] for effect in effects) == sorted(newest)
    moved = await control(
        chaos.fleet,
        "SELECT ingestion_task_id, status, ingestions.revision "
        "FROM ingestions JOIN remote_jobs ON request_id = ingestion_task_id",
    )
    assert len({ingestion["ingestion_task_id"] for ingestion in moved}) == len(named)
    assert {(each["status"], each["revision"]) for each in moved} == {("COMPLETED", 2)}
    accepted = [end for end in chaos.ends() if end["outcome"] == "COMPLETED"]
    assert all(newest[str(end["job_id"])] == end["attempt"] for end in accepted)
    assert len({end["job_id"] for end in accepted}) == len(accepted) > len(jobs) / 2
    assert any(attempt > 1 for attempt in newest.values())
