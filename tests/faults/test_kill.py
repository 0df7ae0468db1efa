"""kill -9 in mid-load loses nothing and doubles nothing."""

import asyncio
from pathlib import Path

from .accounts import all_ended, check, control
from .fleet import Fleet, eventually
from .loads import chance_of, check_watch, kill, reach, send, start_all, watched
from .shipment import Shipper

#: times that one load is interrupted
KILLS = 2


async def test_a_killed_load_goes_on_to_the_same_tables(
    fleet: Fleet, tmp_path: Path, seed: int
) -> None:
    chance = chance_of(seed)
    files = Shipper(tmp_path / "files", seed).ship()
    programs = [fleet.server]
    if not fleet.is_sqlite:
        programs.append(fleet.program("worker", "worker"))
    await start_all(programs)
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


async def test_a_killed_server_on_sqlite_takes_its_jobs_back_at_once(
    sqlite_fleet: Fleet, tmp_path: Path
) -> None:
    """The lease is longer than the test's patience."""
    fleet = sqlite_fleet
    files = Shipper(tmp_path / "files", 1).ship()
    await start_all([fleet.server])
    async with fleet.client() as client:
        request_ids = await send(client, files)
        assert await reach(client, request_ids, 0.3)
        await kill([fleet.server])
        await all_ended(client, request_ids)
        await check(fleet, client, files, request_ids)
    jobs = await control(fleet, "SELECT attempt, failures FROM jobs")
    assert max(job["attempt"] for job in jobs) == 2
    assert all(job["attempt"] == job["failures"] + 1 for job in jobs)


async def test_the_next_attempt_clears_away_what_a_killed_one_left(
    sqlite_fleet: Fleet, tmp_path: Path
) -> None:
    fleet = sqlite_fleet
    files = Shipper(tmp_path / "files", 1).ship()
    await start_all([fleet.server])
    async with fleet.client() as client:
        request_ids = await send(client, files)
        assert await reach(client, request_ids, 0.1)
        fleet.server.kill()
        left = [path for load in (fleet.spool / "loads").iterdir() for path in load.iterdir()]
        assert left
        await start_all([fleet.server])
        # Until the next commit of the load nothing else clears its folder.
        await eventually(lambda: not any(path.exists() for path in left), "cleared staging files")
        await all_ended(client, request_ids)
