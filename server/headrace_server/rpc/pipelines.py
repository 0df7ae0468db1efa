"""PipelineService."""

# ruff: noqa: N802, ARG002  # names and signatures are those of the protos

from headrace.v1 import pipeline_pb2, pipeline_service_pb2_grpc
from headrace.v1 import pipeline_service_pb2 as pb

from headrace_server.core.pipelines.pipelines import Pipelines
from headrace_server.rpc.call import Context, caller
from headrace_server.rpc.messages.page import page_request
from headrace_server.rpc.messages.pipeline import definition_of, pipeline_message


class PipelineServicer(pipeline_service_pb2_grpc.PipelineServiceServicer):
    """Keeps what runs do."""

    def __init__(self, pipelines: Pipelines) -> None:
        self._pipelines = pipelines

    async def CreatePipeline(
        self, request: pb.CreatePipelineRequest, context: Context
    ) -> pipeline_pb2.Pipeline:
        definition = definition_of(request)
        if request.validate_only:
            return pipeline_message(
                self._pipelines.validate(caller(), request.pipeline_id, definition)
            )
        return pipeline_message(
            await self._pipelines.create(caller(), request.pipeline_id, definition)
        )

    async def GetPipeline(
        self, request: pb.GetPipelineRequest, context: Context
    ) -> pipeline_pb2.Pipeline:
        version = request.version if request.HasField("version") else None
        return pipeline_message(await self._pipelines.get(caller(), request.pipeline_id, version))

    async def ListPipelines(
        self, request: pb.ListPipelinesRequest, context: Context
    ) -> pb.ListPipelinesResponse:
        page = await self._pipelines.list(caller(), page_request(request))
        return pb.ListPipelinesResponse(
            pipelines=map(pipeline_message, page.items), next_page_token=page.next_token
        )

    async def UpdatePipeline(
        self, request: pb.UpdatePipelineRequest, context: Context
    ) -> pipeline_pb2.Pipeline:
        expected = request.expected_version if request.HasField("expected_version") else None
        updated = await self._pipelines.update(
            caller(), request.pipeline_id, definition_of(request), expected
        )
        return pipeline_message(updated)

    async def DeletePipeline(
        self, request: pb.DeletePipelineRequest, context: Context
    ) -> pb.DeletePipelineResponse:
        await self._pipelines.delete(caller(), request.pipeline_id, force=request.force)
        return pb.DeletePipelineResponse()
