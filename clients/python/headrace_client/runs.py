"""Calls of RunService."""

from collections.abc import AsyncIterator
from functools import cached_property
from typing import TYPE_CHECKING

import grpc
from headrace.v1 import run_service_pb2 as pb
from headrace.v1.run_pb2 import Run, RunLogLine
from headrace.v1.run_service_pb2_grpc import RunServiceStub

from headrace_client.connection import Connection, Metadata
from headrace_client.watching import watched

if TYPE_CHECKING:
    from headrace.v1.run_service_pb2_grpc import RunServiceAsyncStub

_Stream = grpc.aio.UnaryStreamCall[pb.WatchRunRequest, Run]


class RunCalls(Connection):
    """RunService of a Client. Every method raises HeadraceError."""

    @cached_property
    def _runs(self) -> "RunServiceAsyncStub":
        return RunServiceStub(self.channel)

    async def get_run(self, run_id: str) -> Run:
        """Get a run as it stands now. It is forgotten 30 days after its end."""
        return await self.call(self._runs.GetRun, pb.GetRunRequest(run_id=run_id))

    async def watch_run(self, run_id: str, *, after_revision: int = 0) -> AsyncIterator[Run]:
        """Yield a run after each change, the terminal snapshot last; works as `watch` does."""
        stub = self._runs

        def open_stream(revision: int, metadata: Metadata) -> _Stream:
            request = pb.WatchRunRequest(run_id=run_id, after_revision=revision)
            return stub.WatchRun(request, metadata=metadata)

        async for run in watched(self, open_stream, after_revision):
            yield run

    async def list_runs(
        self,
        *,
        pipeline_id: str = "",
        trigger_id: str = "",
        status: Run.Status = Run.STATUS_UNSPECIFIED,
        page_size: int = 0,
    ) -> AsyncIterator[Run]:
        """Yield the runs of the tenant without their steps, newest first."""
        request = pb.ListRunsRequest(
            pipeline_id=pipeline_id, trigger_id=trigger_id, status=status, page_size=page_size
        )
        async for page in self.pages(self._runs.ListRuns, request):
            for run in page.runs:
                yield run

    async def cancel_run(self, run_id: str, *, idempotency_key: str | None = None) -> Run:
        """Cancel a run that has not ended, and what its steps have under way."""
        request = pb.CancelRunRequest(run_id=run_id)
        return await self.mutate(self._runs.CancelRun, request, idempotency_key)

    async def resume_run(self, run_id: str, *, idempotency_key: str | None = None) -> Run:
        """Have a run that failed or was cancelled go on; steps that succeeded stay."""
        request = pb.ResumeRunRequest(run_id=run_id)
        return await self.mutate(self._runs.ResumeRun, request, idempotency_key)

    async def approve_step(
        self,
        run_id: str,
        step_id: str,
        *,
        approve: bool = True,
        comment: str = "",
        idempotency_key: str | None = None,
    ) -> Run:
        """Approve what a run waits for, or reject it: then the step fails."""
        decision = pb.ApproveStepRequest.APPROVE if approve else pb.ApproveStepRequest.REJECT
        request = pb.ApproveStepRequest(
            run_id=run_id, step_id=step_id, decision=decision, comment=comment
        )
        return await self.mutate(self._runs.ApproveStep, request, idempotency_key)

    async def list_run_logs(
        self, run_id: str, *, step_id: str = "", page_size: int = 0
    ) -> AsyncIterator[RunLogLine]:
        """Yield what happened to the steps of a run, or to one of them, oldest first."""
        request = pb.GetRunLogsRequest(run_id=run_id, step_id=step_id, page_size=page_size)
        async for page in self.pages(self._runs.GetRunLogs, request):
            for line in page.lines:
                yield line
