from typing import TYPE_CHECKING

import pytest
from headrace.v1.pipeline_pb2 import PipelineParameter, PipelineStep, ScoreDatasetStep

from headrace_client import Client, InvalidRequestError, NotFoundError, WrongStateError

if TYPE_CHECKING:
    from client.fake.server import FakeServer


def score(step_id: str) -> PipelineStep:
    return PipelineStep(id=step_id, score_dataset=ScoreDatasetStep(dataset="raw.stock"))


async def test_a_pipeline_is_written_read_and_deleted(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        day = PipelineParameter(name="day", type=PipelineParameter.DATE)
        created = await client.create_pipeline(
            [score("a")], pipeline_id="stock", parameters=[day], timeout_seconds=60
        )
        assert (created.version, created.timeout_seconds) == (1, 60)
        updated = await client.update_pipeline("stock", [score("b")], expected_version=1)
        assert (updated.version, updated.HasField("timeout_seconds")) == (2, False)
        assert (await client.get_pipeline("stock", 1)).steps[0].id == "a"
        assert (await client.get_pipeline("stock")).steps[0].id == "b"
        with pytest.raises(WrongStateError):
            await client.update_pipeline("stock", [score("c")], expected_version=1)
        with pytest.raises(InvalidRequestError) as error:
            await client.create_pipeline([score("wrong")])
        assert error.value.field_violations[0][0] == "steps[0].id"
        await client.delete_pipeline("stock", force=True)
        with pytest.raises(NotFoundError):
            await client.get_pipeline("stock")


async def test_all_pages_are_read(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        for name in "cab":
            await client.create_pipeline([score("x")], pipeline_id=name)
        listed = [pipeline.pipeline_id async for pipeline in client.list_pipelines()]
    assert listed == ["a", "b", "c"]
