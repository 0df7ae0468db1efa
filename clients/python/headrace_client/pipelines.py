"""Calls of PipelineService."""

from collections.abc import AsyncIterator, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from headrace.v1 import pipeline_service_pb2 as pb
from headrace.v1.pipeline_pb2 import Pipeline, PipelineParameter, PipelineStep
from headrace.v1.pipeline_service_pb2_grpc import PipelineServiceStub

from headrace_client.connection import Connection

if TYPE_CHECKING:
    from headrace.v1.pipeline_service_pb2_grpc import PipelineServiceAsyncStub


class PipelineCalls(Connection):
    """PipelineService of a Client. Every method raises HeadraceError.

    `run_pipeline` starts a run.
    """

    @cached_property
    def _pipelines(self) -> "PipelineServiceAsyncStub":
        return PipelineServiceStub(self.channel)

    async def create_pipeline(
        self,
        steps: Iterable[PipelineStep],
        *,
        pipeline_id: str = "",
        name: str = "",
        description: str = "",
        parameters: Iterable[PipelineParameter] = (),
        timeout_seconds: float | None = None,
        validate_only: bool = False,
        idempotency_key: str | None = None,
    ) -> Pipeline:
        """Create a pipeline, under an id that is made up if none is given.

        `timeout_seconds` is the most that a run may take. What contradicts itself, such as steps
        that wait for each other, is an InvalidRequestError that names the field; with
        `validate_only` that is all that happens.
        """
        request = pb.CreatePipelineRequest(
            pipeline_id=pipeline_id,
            name=name,
            description=description,
            parameters=parameters,
            steps=steps,
            timeout_seconds=timeout_seconds,
            validate_only=validate_only,
        )
        return await self.mutate(self._pipelines.CreatePipeline, request, idempotency_key)

    async def get_pipeline(self, pipeline_id: str, version: int | None = None) -> Pipeline:
        """Get a pipeline, or an earlier version of it that runs still know."""
        request = pb.GetPipelineRequest(pipeline_id=pipeline_id, version=version)
        return await self.call(self._pipelines.GetPipeline, request)

    async def list_pipelines(self, *, page_size: int = 0) -> AsyncIterator[Pipeline]:
        """Yield the pipelines of the tenant, by id."""
        request = pb.ListPipelinesRequest(page_size=page_size)
        async for page in self.pages(self._pipelines.ListPipelines, request):
            for pipeline in page.pipelines:
                yield pipeline

    async def update_pipeline(
        self,
        pipeline_id: str,
        steps: Iterable[PipelineStep],
        *,
        name: str = "",
        description: str = "",
        parameters: Iterable[PipelineParameter] = (),
        timeout_seconds: float | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Pipeline:
        """Replace what a pipeline is, as its next version; the same again changes nothing.

        Runs under way go on with theirs. Raises WrongStateError where `expected_version` is given
        and another one is there by now.
        """
        request = pb.UpdatePipelineRequest(
            pipeline_id=pipeline_id,
            name=name,
            description=description,
            parameters=parameters,
            steps=steps,
            timeout_seconds=timeout_seconds,
            expected_version=expected_version,
        )
        return await self.mutate(self._pipelines.UpdatePipeline, request, idempotency_key)

    async def delete_pipeline(self, pipeline_id: str, *, force: bool = False) -> None:
        """Delete a pipeline; its runs stay known.

        Raises WrongStateError while it has active triggers or runs, unless `force`: then the
        triggers are deleted and the runs cancelled.
        """
        request = pb.DeletePipelineRequest(pipeline_id=pipeline_id, force=force)
        await self.call(self._pipelines.DeletePipeline, request)
