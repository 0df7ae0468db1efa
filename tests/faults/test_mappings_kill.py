"""kill -9 amid a request of mappings loses none, and writes no outcome down twice."""

import asyncio

from google.protobuf.json_format import MessageToDict
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.mapping_pb2 import Mapping, MappingResult

from headrace_client import Client

from .accounts import control
from .fleet import Fleet, MakeFleet, eventually
from .loads import chance_of, kill, start_all, watched

MAPPINGS = 300


async def ended(client: Client, request_id: str) -> dict[str, object]:
    """What is written down of the mappings that have ended, by their id."""
    return {
        result.id: MessageToDict(result)
        async for result in client.list_mapping_results(request_id)
        if result.status != MappingResult.PENDING
    }


async def reach(client: Client, request_id: str, number: int) -> None:
    """Wait until so many mappings have ended; the request must still run."""

    async def reached() -> bool:
        return (await client.get_status(request_id)).processed_mappings >= number

    await eventually(reached, f"the ends of {number} mappings")
    assert not (await client.get_status(request_id)).terminal


async def test_a_killed_request_goes_on_where_it_was(
    database_url: str, make_fleet: MakeFleet, seed: int
) -> None:
    chance = chance_of(seed)
    fleet: Fleet = make_fleet(
        database_url,
        lease_seconds=1,
        simulated_latency_ms=60,
        simulated_success_rate=0.8,
        mapping_concurrency=4,
    )
    await start_all([fleet.server])
    async with fleet.client() as client:
        mappings = [Mapping(id=f"m{n}", source="s", target="t") for n in range(MAPPINGS)]
        request_id = (await client.create_ingestion(mappings)).request_id
        watch = asyncio.create_task(watched(client, request_id))
        before: dict[str, object] = {}
        for number in sorted(chance.sample(range(1, MAPPINGS // 3), 2)):
            await reach(client, request_id, number)
            written = await ended(client, request_id)
            assert before.items() <= written.items()
            before = written
            await kill([fleet.server])
        snapshots = await watch
        after = await ended(client, request_id)
        last = await client.get_status(request_id)
    assert before.items() <= after.items()
    assert set(after) == {mapping.id for mapping in mappings}
    failed = [result for result in after.values() if "FAILED" in str(result)]
    assert (last.processed_mappings, last.failed_mappings) == (MAPPINGS, len(failed))
    assert last.status == Ingestion.COMPLETED_WITH_ERRORS
    processed = [snapshot.processed_mappings for snapshot in snapshots]
    assert processed == sorted(processed)
    assert [snapshot.revision for snapshot in snapshots] == sorted(
        {snapshot.revision for snapshot in snapshots}
    )
    (job,) = await control(fleet, "SELECT status, attempt, failures FROM jobs")
    # The second kill may come before the job was claimed again.
    assert job["attempt"] in {2, 3}
    assert (job["status"], job["failures"]) == ("COMPLETED", job["attempt"] - 1)
