"""Connections that are cut cost the bytes on the wire and nothing else."""

from pathlib import Path

from .accounts import all_ended, check_counts, table
from .fleet import Fleet
from .loads import chance_of, check_watch, start_all, watched
from .proxy import Cuts, cutting_proxy
from .shipment import Shipper

#: how often one upload or watch is cut
TIMES = 5


async def test_a_cut_upload_and_a_cut_watch_go_on_where_they_were(
    sqlite_fleet: Fleet, tmp_path: Path, seed: int
) -> None:
    fleet, chance = sqlite_fleet, chance_of(seed)
    file = Shipper(tmp_path / "files", seed).ship_customers(5000)
    size = file.path.stat().st_size
    await start_all([fleet.server])
    upward = [chance.randint(1, size // TIMES) for _ in range(TIMES)]
    cuts = Cuts(upward=upward)
    async with cutting_proxy(fleet.address, cuts) as address, fleet.client(address) as client:
        # Completion compares the checksum of the file with that of the bytes that arrived.
        request_id = (await client.upload(file.path)).request_id or ""
    assert cuts.made == TIMES
    cuts = Cuts(downward=[chance.randint(100, 4000) for _ in range(TIMES)])
    async with cutting_proxy(fleet.address, cuts) as address, fleet.client(address) as client:
        check_watch(await watched(client, request_id))
        await all_ended(client, [request_id])
        await check_counts(client, file, request_id)
    assert cuts.made > 0
    assert await table(fleet, "customers") == file.rows
