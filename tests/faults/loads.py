"""Loads under way, to be disturbed."""

import random
from collections.abc import Sequence

from headrace.v1.ingestion_pb2 import Ingestion

from headrace_client import Client

from .accounts import ingestions
from .fleet import Program, eventually
from .shipment import File


def chance_of(seed: int) -> random.Random:
    """Chance that can be had again."""
    return random.Random(seed)  # noqa: S311  # it guards nothing


async def start_all(programs: Sequence[Program]) -> None:
    for program in programs:
        program.start()
    for program in programs:
        await program.ready()


async def kill(programs: Sequence[Program]) -> None:
    """Kill programs and start them again, once nothing that they started lives on."""
    orphans = [child for program in programs for child in program.children()]
    for program in programs:
        program.kill()
    await eventually(lambda: not any(child.is_running() for child in orphans), "orphans' ends")
    await start_all(programs)


async def send(client: Client, files: Sequence[File]) -> list[str]:
    """Upload the files; returns the ids of their ingestions."""
    uploads = [await client.upload(file.path) for file in files]
    return [upload.request_id or "" for upload in uploads]


async def reach(client: Client, request_ids: Sequence[str], share: float) -> bool:
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


def check_watch(snapshots: Sequence[Ingestion]) -> None:
    """Revisions only rise, so do the bytes, and the last snapshot is the end."""
    revisions = [snapshot.revision for snapshot in snapshots]
    assert revisions == sorted(set(revisions))
    assert [snapshot.terminal for snapshot in snapshots] == [False] * (len(snapshots) - 1) + [True]
    done = [snapshot.bytes_processed for snapshot in snapshots]
    assert done == sorted(done)
