"""kill -9 in mid-load loses nothing and doubles nothing."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from accounts import all_ended, check, ingestions
from fleet import Fleet, Program, eventually
from headrace.v1.ingestion_pb2 import Ingestion
from headrace_client import Client
from shipment import File, Shipper

#: times that one load is interrupted
KILLS = 2


async def send(client: Client, files: list[File]) -> list[str]:
    uploads = [await client.upload(file.path) for file in files]
    return [upload.request_id or "" for upload in uploads]


async def reach(client: Client, request_ids: list[str], share: float) -> bool:
    """Wait until a share of the bytes is committed; False where the load had ended by then."""

    async def reached() -> bool:
        found = await ingestions(client, request_ids)
        done = sum(one.bytes_processed for one in found)
        return done >= share * sum(one.bytes_total for one in found)

    await eventually(reached, f"{share:.0%} of the load")
    return not all(one.terminal for one in await ingestions(client, request_ids))


async def watched(client: Client, request_id: str) -> list[Ingestion]:
    """All snapshots of an ingestion, across the deaths of its server."""
    return [snapshot async for snapshot in client.watch(request_id)]


def check_watch(snapshots: list[Ingestion]) -> None:
    revisions = [snapshot.revision for snapshot in snapshots]
    assert revisions == sorted(set(revisions))
    assert [snapshot.terminal for snapshot in snapshots] == [False] * (len(snapshots) - 1) + [True]
    done = [snapshot.bytes_processed for snapshot in snapshots]
    assert done == sorted(done)


async def kill(programs: list[Program]) -> None:
    """Kill programs, see to it that nothing they started lives on, and start them again."""
    orphans = [child for program in programs for child in program.children()]
    for program in programs:
        program.kill()
    await eventually(lambda: not any(child.is_running() for child in orphans), "orphans' ends")
    for program in programs:
        program.start()
    for program in programs:
        await program.ready()


async def test_a_killed_load_goes_on_to_the_same_tables(
    fleet: Fleet, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    files = Shipper(tmp_path / "files", seed).ship()
    programs = [fleet.server]
    if not fleet.is_sqlite:
        programs.append(fleet.program("worker", "worker"))
    for program in programs:
        program.start()
    for program in programs:
        await program.ready()
    async with fleet.client() as client:
        request_ids = await send(client, files)
        watches = [asyncio.create_task(watched(client, one)) for one in request_ids]
        for share in sorted(chance.uniform(0, 0.95) for _ in range(KILLS)):
            if await reach(client, request_ids, share):
                await asyncio.sleep(chance.uniform(0, 0.05))
            await kill(chance.sample(programs, chance.randint(1, len(programs))))
        await all_ended(client, request_ids)
        for watch in watches:
            check_watch(await watch)
        await check(fleet, client, files, request_ids)
    assert not list((fleet.spool / "loads").iterdir())
