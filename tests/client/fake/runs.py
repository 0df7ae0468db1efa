"""Runs, which stand still until a test moves them."""

from collections.abc import Iterator
from typing import Any

import grpc
from headrace.v1 import run_service_pb2 as pb
from headrace.v1 import run_service_pb2_grpc

from .refusals import Context, fail, not_found
from .room import NOW, Room
from .state import Run, RunStep


class Runs(Room, run_service_pb2_grpc.RunServiceServicer):
    def run_of(self, request: Any, context: Context) -> Run:
        if request.run_id not in self.state.runs:
            not_found(context, "run", request.run_id)
        return self.state.runs[request.run_id]

    def GetRun(self, request: Any, context: Context) -> Any:  # noqa: N802
        return self.run_of(request, context)

    def ListRuns(self, request: Any, context: Context) -> Any:  # noqa: N802
        chosen = [
            run
            for run in reversed(self.state.runs.values())
            if request.pipeline_id in {"", run.pipeline_id}
            and request.trigger_id in {"", run.trigger_id}
            and request.status in {0, run.status}
        ]
        runs, token = self.page(chosen, request)
        return pb.ListRunsResponse(runs=runs, next_page_token=token)

    def WatchRun(self, request: Any, context: Context) -> Iterator[Any]:  # noqa: N802
        """Tell what `state.snapshots` has beside the run as it stands."""
        self.run_of(request, context)
        cut = self.state.watch_cuts.pop(0) if self.state.watch_cuts else 100
        told = [*self.state.snapshots, self.state.runs[request.run_id]]
        yield from [run for run in told if run.revision > request.after_revision][:cut]

    def CancelRun(self, request: Any, context: Context) -> Any:  # noqa: N802
        return self.moved(request, context, "CancelRun", status=Run.CANCELLED, terminal=True)

    def ResumeRun(self, request: Any, context: Context) -> Any:  # noqa: N802
        run = self.run_of(request, context)
        if run.status not in {Run.FAILED, Run.CANCELLED}:
            code = grpc.StatusCode.FAILED_PRECONDITION
            fail(context, code, "WRONG_STATE", "a run that goes on cannot be resumed")
        return self.moved(request, context, "ResumeRun", status=Run.RUNNING, terminal=False)

    def ApproveStep(self, request: Any, context: Context) -> Any:  # noqa: N802
        rejects = request.decision == pb.ApproveStepRequest.REJECT
        status = RunStep.FAILED if rejects else RunStep.SUCCEEDED
        run = self.moved(
            request, context, "ApproveStep", terminal=True,
            status=Run.FAILED if rejects else Run.SUCCEEDED,
        )  # fmt: skip
        step = next(step for step in run.steps if step.id == request.step_id)
        step.MergeFrom(RunStep(status=status, comment=request.comment, decided_by="anonymous"))
        return run

    def moved(self, request: Any, context: Context, method: str, **values: Any) -> Run:
        def move() -> Run:
            run = self.run_of(request, context)
            for name, value in values.items():
                setattr(run, name, value)
            run.revision += 1
            return run

        moved: Run = self.once(context, method, move)
        return moved

    def GetRunLogs(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.run_of(request, context)
        chosen = [line for line in self.state.run_logs if request.step_id in {"", line.step_id}]
        lines, token = self.page(chosen, request)
        return pb.GetRunLogsResponse(lines=lines, next_page_token=token)


def example_run(**values: Any) -> Run:
    """A run of two steps, of which the second one is under way."""
    run = Run(
        run_id="run_1", pipeline_id="stock", pipeline_version=2, status=Run.RUNNING, revision=1,
        started_at=NOW, created_at=NOW, nominal_time=NOW, duration_seconds=1.5, progress=50,
        rows_processed=1204, ended_steps=1, total_steps=2,
        steps=[
            RunStep(
                id="load", kind="import_file", status=RunStep.SUCCEEDED, attempt=1,
                started_at=NOW, completed_at=NOW, duration_seconds=1.25, rows_processed=1204,
            ),
            RunStep(
                id="mart", kind="refresh_datamart", status=RunStep.RUNNING, attempt=1,
                started_at=NOW, duration_seconds=0.25, progress=40,
            ),
        ],
    )  # fmt: skip
    run.steps[0].output["import_id"] = "i-1"
    run.parameters["day"] = "2026-03-02"
    run.MergeFrom(Run(**values))
    return run
