"""RunService."""

# ruff: noqa: N802, ARG002  # names and signatures are those of the protos

from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime

from headrace.v1 import run_pb2, run_service_pb2_grpc
from headrace.v1 import run_service_pb2 as pb

from headrace_server.core.exports.exports import Exports
from headrace_server.core.exports.links import DownloadLinks
from headrace_server.core.pipelines.runs import Runs
from headrace_server.model.errors import NotFoundError
from headrace_server.model.pipeline import StepKind
from headrace_server.model.run import Run, StepStatus
from headrace_server.rpc.call import Context, caller
from headrace_server.rpc.messages.page import page_request
from headrace_server.rpc.messages.run import line_message, run_message, status_filter


class RunServicer(run_service_pb2_grpc.RunServiceServicer):
    """Shows runs of pipelines, and moves them."""

    def __init__(self, runs: Runs, exports: Exports, links: DownloadLinks) -> None:
        self._runs = runs
        self._exports = exports
        self._links = links

    async def GetRun(self, request: pb.GetRunRequest, context: Context) -> run_pb2.Run:
        return await self._shown(await self._runs.get(caller(), request.run_id))

    async def WatchRun(
        self, request: pb.WatchRunRequest, context: Context
    ) -> AsyncIterator[run_pb2.Run]:
        watch = self._runs.watch(caller(), request.run_id, request.after_revision)
        async with aclosing(watch) as snapshots:
            async for snapshot in snapshots:
                yield await self._shown(snapshot)

    async def ListRuns(self, request: pb.ListRunsRequest, context: Context) -> pb.ListRunsResponse:
        page = await self._runs.list(
            caller(),
            page_request(request),
            pipeline_id=request.pipeline_id,
            trigger_id=request.trigger_id,
            status=status_filter(request.status),
        )
        return pb.ListRunsResponse(
            runs=[await self._shown(each) for each in page.items], next_page_token=page.next_token
        )

    async def CancelRun(self, request: pb.CancelRunRequest, context: Context) -> run_pb2.Run:
        return await self._shown(await self._runs.cancel(caller(), request.run_id))

    async def ResumeRun(self, request: pb.ResumeRunRequest, context: Context) -> run_pb2.Run:
        return await self._shown(await self._runs.resume(caller(), request.run_id))

    async def ApproveStep(self, request: pb.ApproveStepRequest, context: Context) -> run_pb2.Run:
        decided = await self._runs.approve(
            caller(),
            request.run_id,
            request.step_id,
            approved=request.decision != pb.ApproveStepRequest.REJECT,
            comment=request.comment,
        )
        return await self._shown(decided)

    async def GetRunLogs(
        self, request: pb.GetRunLogsRequest, context: Context
    ) -> pb.GetRunLogsResponse:
        page = await self._runs.logs(
            caller(), request.run_id, request.step_id, page_request(request)
        )
        return pb.GetRunLogsResponse(
            lines=map(line_message, page.items), next_page_token=page.next_token
        )

    async def _shown(self, run: Run) -> run_pb2.Run:
        links = {
            step.step_id: await self._link(str(step.child_id))
            for step in run.steps
            if step.kind is StepKind.EXPORT and step.status is StepStatus.SUCCEEDED
        }
        return run_message(run, datetime.now(UTC), links)

    async def _link(self, export_id: str) -> str:
        """Where the file is downloaded; empty once it is deleted."""
        try:
            export = await self._exports.get(caller(), export_id)
        except NotFoundError:
            return ""
        return (await self._links.signer())(export)
