"""PipelineService and RunService on the real core, with a worker, on SQLite."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from headrace.v1 import (
    pipeline_pb2,
    pipeline_service_pb2_grpc,
    run_pb2,
    run_service_pb2_grpc,
)
from headrace.v1 import pipeline_service_pb2 as pb
from headrace.v1 import run_service_pb2 as run_pb
from google.protobuf.json_format import ParseDict

from headrace_server.running import running_worker

from .conftest import Edge, FailureOf

Run = run_pb2.Run


@pytest.fixture
async def works(edge: Edge) -> AsyncIterator[Edge]:
    """The edge with a worker."""
    async with running_worker(edge.core):
        yield edge


def _pipelines(edge: Edge) -> Any:
    return pipeline_service_pb2_grpc.PipelineServiceStub(edge.channel)


def _runs(edge: Edge) -> Any:
    return run_service_pb2_grpc.RunServiceStub(edge.channel)


async def _create(edge: Edge, **fields: Any) -> pipeline_pb2.Pipeline:
    request = ParseDict({"pipeline_id": "sync", **fields}, pb.CreatePipelineRequest())
    made: pipeline_pb2.Pipeline = await _pipelines(edge).CreatePipeline(request)
    return made


async def _start(edge: Edge, **parameters: Any) -> str:
    """Start a run of the pipeline `sync`; gives its id."""
    async with edge.core.store.begin() as connection:
        run = await edge.core.services.runs.start(
            connection, "default", "sync", parameters=parameters
        )
    edge.core.services.runs.announce()
    return run.run_id


async def _end_of(edge: Edge, run_id: str) -> Any:
    async with asyncio.timeout(20):
        async for seen in _runs(edge).WatchRun(run_pb.WatchRunRequest(run_id=run_id)):
            last = seen
    assert last.terminal
    return last


def _ingest(step_id: str, *depends_on: str, **more: Any) -> dict[str, Any]:
    mapping = {"id": "m", "source": "orders", "target": "shop"}
    return {"id": step_id, "depends_on": depends_on, "ingest": {"mappings": [mapping]}, **more}


async def test_a_diamond_runs_in_order(works: Edge) -> None:
    steps = [_ingest("d", "b", "c"), _ingest("b", "a"), _ingest("c", "a"), _ingest("a")]
    await _create(works, steps=steps)
    run = await _end_of(works, await _start(works))
    print(run)
    assert run.status == Run.SUCCEEDED
