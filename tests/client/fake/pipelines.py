"""Pipelines in all their versions."""

from typing import Any

import grpc
from headrace.v1 import pipeline_service_pb2 as pb
from headrace.v1 import pipeline_service_pb2_grpc

from .refusals import Context, fail, not_found
from .room import NOW, Room
from .state import Pipeline


class Pipelines(Room, pipeline_service_pb2_grpc.PipelineServiceServicer):
    """A step of the id `wrong` is refused; versions that are None are forgotten."""

    def find(self, request: Any, context: Context) -> Pipeline:
        versions = self.state.pipelines.get(request.pipeline_id)
        if not versions:
            not_found(context, "pipeline", request.pipeline_id)
        wanted = getattr(request, "version", 0) or len(versions)
        found = versions[wanted - 1] if wanted <= len(versions) else None
        if found is None:
            not_found(context, "pipeline", request.pipeline_id)
        return found

    def check(self, request: Any, context: Context) -> None:
        for place, step in enumerate(request.steps):
            if step.id == "wrong":
                field = f"steps[{place}].id"
                code = grpc.StatusCode.INVALID_ARGUMENT
                fail(context, code, "INVALID_FIELD", f"{field}: is not right", field=field)

    def write(self, request: Any, context: Context) -> Pipeline:
        self.check(request, context)
        versions = self.state.pipelines.setdefault(request.pipeline_id, [])
        pipeline = Pipeline(
            pipeline_id=request.pipeline_id, name=request.name or request.pipeline_id,
            description=request.description, version=len(versions) + 1,
            parameters=request.parameters, steps=request.steps, created_at=NOW, updated_at=NOW,
            timeout_seconds=(
                request.timeout_seconds if request.HasField("timeout_seconds") else None
            ),
        )  # fmt: skip
        versions.append(pipeline)
        return pipeline

    def CreatePipeline(self, request: Any, context: Context) -> Any:  # noqa: N802
        def create() -> Pipeline:
            if request.validate_only:
                self.check(request, context)
                return Pipeline(pipeline_id=request.pipeline_id)
            if self.state.pipelines.get(request.pipeline_id):
                code = grpc.StatusCode.ALREADY_EXISTS
                fail(context, code, "ALREADY_EXISTS", f"pipeline {request.pipeline_id!r} exists")
            return self.write(request, context)

        return self.once(context, "CreatePipeline", create)

    def UpdatePipeline(self, request: Any, context: Context) -> Any:  # noqa: N802
        def update() -> Pipeline:
            present = self.find(request, context)
            if request.HasField("expected_version") and request.expected_version != present.version:
                code = grpc.StatusCode.FAILED_PRECONDITION
                fail(context, code, "WRONG_STATE", f"version {present.version} is there by now")
            return self.write(request, context)

        return self.once(context, "UpdatePipeline", update)

    def GetPipeline(self, request: Any, context: Context) -> Any:  # noqa: N802
        return self.find(request, context)

    def ListPipelines(self, request: Any, context: Context) -> Any:  # noqa: N802
        newest = [versions[-1] for _, versions in sorted(self.state.pipelines.items())]
        pipelines, token = self.page(newest, request)
        return pb.ListPipelinesResponse(pipelines=pipelines, next_page_token=token)

    def DeletePipeline(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.find(request, context)
        active = [t for t in self.state.triggers.values() if t.pipeline_id == request.pipeline_id]
        if active and not request.force:
            code = grpc.StatusCode.FAILED_PRECONDITION
            fail(context, code, "WRONG_STATE", "it has active triggers")
        del self.state.pipelines[request.pipeline_id]
        return pb.DeletePipelineResponse()
