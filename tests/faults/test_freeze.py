"""A worker that sleeps past its lease and wakes up changes nothing."""

import signal
from pathlib import Path

import pytest

from .accounts import all_ended, check, control
from .fleet import Fleet, Program, eventually
from .loads import chance_of, reach, send, start_all
from .shipment import Shipper


async def held_by(fleet: Fleet, program: Program) -> list[str]:
    """Ids of the jobs that the program holds."""
    jobs = await control(fleet, "SELECT job_id, worker_id FROM jobs WHERE status = 'RUNNING'")
    return [job["job_id"] for job in jobs if job["worker_id"].endswith(f"-{program.pid}")]


def refused(program: Program) -> set[str]:
    """Ids of the jobs of which the program says that it lost its claim."""
    return {
        entry["job_id"] for entry in program.entries() if entry["event"] == "worker.claim_was_lost"
    }


@pytest.mark.parametrize("wakes", ["in_time_to_disturb", "when_all_is_done"])
async def test_a_worker_that_slept_past_its_lease_is_refused(
    postgres_fleet: Fleet, tmp_path: Path, wakes: str, seed: int
) -> None:
    fleet = postgres_fleet
    files = Shipper(tmp_path / "files", seed).ship()
    sleeper = fleet.program("worker", "sleeper", concurrency=2)
    await start_all([sleeper])
    fleet.server = fleet.program("serve", "server", concurrency=1)
    await start_all([fleet.server])
    async with fleet.client() as client:
        request_ids = await send(client, files)
        await reach(client, request_ids, chance_of(seed).uniform(0, 0.3))
        held: list[str] = []

        async def caught() -> bool:
            sleeper.signal(signal.SIGSTOP)
            held[:] = await held_by(fleet, sleeper)
            if not held:
                sleeper.signal(signal.SIGCONT)
            return bool(held)

        await eventually(caught, "a job of the worker's")

        async def taken_over() -> bool:
            return not await held_by(fleet, sleeper)

        await eventually(taken_over, "the leases' ends")
        if wakes == "when_all_is_done":
            await all_ended(client, request_ids)
        sleeper.signal(signal.SIGCONT)
        await all_ended(client, request_ids)
        await check(fleet, client, files, request_ids)
        await eventually(lambda: set(held) <= refused(sleeper), "the refusal of stale attempts")
        await check(fleet, client, files, request_ids)
    ids = ", ".join(f"'{job_id}'" for job_id in held)
    jobs = await control(fleet, f"SELECT status, failures FROM jobs WHERE job_id IN ({ids})")
    assert {(job["status"], job["failures"]) for job in jobs} == {("COMPLETED", 1)}
    assert sleeper.stop() == 0
    # It may have begun to stage what nobody wants; empty folders are for the housekeeping.
    assert not [path for path in (fleet.spool / "loads").rglob("*") if path.is_file()]
