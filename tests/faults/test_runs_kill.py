"""kill -9 amid a run of a pipeline: each step is done once, and the run ends."""

import asyncio
from itertools import pairwise
from typing import Any

from google.protobuf.struct_pb2 import Value
from headrace.v1.mapping_pb2 import Mapping
from headrace.v1.pipeline_pb2 import IngestStep, PipelineParameter, PipelineStep
from headrace.v1.run_pb2 import Run, RunStep

from headrace_client import Client

from .accounts import control
from .fleet import Fleet, MakeFleet, eventually
from .loads import chance_of, kill, start_all

#: steps of a layer, each of which depends on all of the layer before
LAYERS = (1, 4, 3, 4, 1)


def steps() -> list[PipelineStep]:
    """Layers of steps that carry a few mappings each."""
    mappings = [Mapping(id=f"m{n}", source="{{ source }}", target="t") for n in range(3)]
    layers = [[f"s{layer}_{n}" for n in range(count)] for layer, count in enumerate(LAYERS)]
    return [PipelineStep(id=layers[0][0], ingest=IngestStep(mappings=mappings))] + [
        PipelineStep(id=step_id, depends_on=before, ingest=IngestStep(mappings=mappings))
        for before, layer in pairwise(layers)
        for step_id in layer
    ]


async def reach(fleet: Fleet, number: int) -> None:
    """Wait until so many steps have ended; the run must still go on."""
    run: dict[str, Any] = {}

    # Read without the server, whose clients find it again only after a while.
    async def reached() -> bool:
        (found,) = await control(fleet, "SELECT ended_steps, status FROM runs")
        run.update(found)
        return int(run["ended_steps"]) >= number

    await eventually(reached, f"the ends of {number} steps")
    assert run["status"] == "RUNNING"


async def test_a_killed_run_does_each_step_once(
    database_url: str, make_fleet: MakeFleet, seed: int
) -> None:
    chance = chance_of(seed)
    fleet: Fleet = make_fleet(
        database_url, lease_seconds=1, simulated_latency_ms=150, simulated_success_rate=1.0
    )
    await start_all([fleet.server])
    async with fleet.client() as client:
        source = PipelineParameter(name="source", default=Value(string_value="s"))
        await client.create_pipeline(steps(), pipeline_id="p", parameters=[source])
        run_id = (await client.run_pipeline("p", wait_seconds=0)).run_id
        watch = asyncio.create_task(_watched(client, run_id))
        await reach(fleet, chance.randrange(1, 8))
        await asyncio.sleep(chance.random() / 20)
        await kill([fleet.server])
        snapshots = await watch
        run = await client.get_run(run_id)
    assert run.status == Run.SUCCEEDED
    assert all(step.status == RunStep.SUCCEEDED for step in run.steps)
    assert {step.attempt for step in run.steps} == {1}
    ended = [snapshot.ended_steps for snapshot in snapshots]
    assert ended == sorted(ended)
    made = await control(fleet, "SELECT request_id, status FROM ingestions")
    assert {each["status"] for each in made} == {"COMPLETED"}
    children = {step.output["request_id"] for step in run.steps}
    assert {each["request_id"] for each in made} == children
    assert len(made) == len(run.steps)
    begun = await control(fleet, "SELECT step_id FROM run_log WHERE message = 'begins'")
    assert len(begun) == len(run.steps)


async def _watched(client: Client, run_id: str) -> list[Run]:
    return [snapshot async for snapshot in client.watch_run(run_id)]
