"""PipelineService and RunService on the real core, with a worker, on SQLite."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from google.rpc import error_details_pb2
from headrace.v1 import datamart_service_pb2 as mart_pb
from headrace.v1 import (
    datamart_service_pb2_grpc,
    pipeline_pb2,
    pipeline_service_pb2_grpc,
    run_pb2,
    run_service_pb2_grpc,
    storage_service_pb2_grpc,
)
from headrace.v1 import pipeline_service_pb2 as pb
from headrace.v1 import run_service_pb2 as run_pb
from headrace.v1 import storage_service_pb2 as storage_pb

from headrace_server.model.tenant import Scope
from headrace_server.rpc.options import ServerOptions
from headrace_server.running import running_worker

from .conftest import Edge, FailureOf, edge_on

Run = run_pb2.Run


@pytest.fixture
async def works(tmp_path: Path, migrated_file: Path) -> AsyncIterator[Edge]:
    """The edge with a worker, and a simulated system that never fails."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "things.csv").write_text("id,name\n1,a\n2,b\n3,c\n")
    settings: dict[str, Any] = {
        "simulated_latency_ms": 0,
        "simulated_success_rate": 1.0,
        "allowed_roots": str(tmp_path / "in"),
    }
    options = ServerOptions(allow_anonymous=True)
    async with (
        edge_on(tmp_path, options, migrated_file, **settings) as edge,
        running_worker(edge.core),
    ):
        yield edge


def _pipelines(edge: Edge) -> Any:
    return pipeline_service_pb2_grpc.PipelineServiceStub(edge.channel)


def _runs(edge: Edge) -> Any:
    return run_service_pb2_grpc.RunServiceStub(edge.channel)


def _creation(**fields: Any) -> pb.CreatePipelineRequest:
    return ParseDict({"pipeline_id": "sync", **fields}, pb.CreatePipelineRequest())


async def _create(edge: Edge, **fields: Any) -> pipeline_pb2.Pipeline:
    made: pipeline_pb2.Pipeline = await _pipelines(edge).CreatePipeline(_creation(**fields))
    return made


async def _start(edge: Edge, **parameters: Any) -> str:
    """Start a run of the pipeline `sync`; gives its id."""
    runs = edge.core.services.runs
    async with edge.core.store.begin() as connection:
        run = await runs.start(connection, "default", "sync", parameters=parameters)
    runs.announce()
    return run.run_id


async def _end_of(edge: Edge, run_id: str) -> Any:
    last = None
    async with asyncio.timeout(20):
        async for seen in _runs(edge).WatchRun(run_pb.WatchRunRequest(run_id=run_id)):
            assert last is None or seen.revision >= last.revision
            last = seen
    assert last is not None
    assert last.terminal
    return last


def _ingest(step_id: str, *depends_on: str, **more: Any) -> dict[str, Any]:
    mapping = {"id": "m", "source": "orders", "target": "shop"}
    return {"id": step_id, "depends_on": depends_on, "ingest": {"mappings": [mapping]}, **more}


_APPROVAL = {"id": "ok", "approval": {"message": "publish {{ day }}?"}}


async def test_a_diamond_runs_in_order(works: Edge) -> None:
    steps = [_ingest("d", "b", "c"), _ingest("b", "a"), _ingest("c", "a"), _ingest("a")]
    await _create(works, steps=steps)
    run = await _end_of(works, await _start(works))
    assert (run.status, run.progress, run.rows_processed) == (Run.SUCCEEDED, 100, 4)
    steps_by_id = {step.id: step for step in run.steps}
    for step_id, before in (("b", "a"), ("c", "a"), ("d", "b"), ("d", "c")):
        began = steps_by_id[step_id].started_at.ToDatetime()
        assert began >= steps_by_id[before].completed_at.ToDatetime()
    assert steps_by_id["a"].output["request_id"]
    assert steps_by_id["a"].duration_seconds >= 0


async def test_a_file_becomes_a_datamart_a_score_and_a_file(works: Edge, tmp_path: Path) -> None:
    storage = storage_service_pb2_grpc.StorageServiceStub(works.channel)
    place: dict[str, Any] = {"local_path": "/data", "network_path": str(tmp_path / "in")}
    await storage.Mount(storage_pb.MountRequest(**place))
    marts = datamart_service_pb2_grpc.DatamartServiceStub(works.channel)
    imported = {"id": "load", "import_file": {"file_path": "/data/{{ file }}.csv"}}
    refreshed = {
        "id": "mart",
        "depends_on": ["load"],
        "refresh_datamart": {"datamart": "names"},
    }
    scored = {"id": "score", "depends_on": ["load"], "score_dataset": {"dataset": "raw.things"}}
    sql = "SELECT * FROM raw.things WHERE name <> {{ without | sql }}"
    output = {"format": "CSV", "file_name": "things of {{ execution_date }}"}
    query = {"data_source": {"query": sql}, "output_config": output}
    exported = {"id": "book", "depends_on": ["mart"], "export": {"query": query}}
    parameters = [
        {"name": "file", "default": "things"},
        {"name": "without", "default": "O'Neill"},
    ]
    await _create(works, steps=[imported], parameters=parameters)
    assert (await _end_of(works, await _start(works))).status == Run.SUCCEEDED
    mart: dict[str, Any] = {
        "name": "names",
        "query": "SELECT name FROM raw.things",
        "schema": "analytics",
    }
    await marts.CreateDatamart(mart_pb.CreateDatamartRequest(**mart))
    await _update(works, steps=[imported, refreshed, scored, exported], parameters=parameters)
    run = await _end_of(works, await _start(works))
    assert run.status == Run.SUCCEEDED, run
    output_of = {step.id: MessageToDict(step.output) for step in run.steps}
    rows_of = {step.id: step.rows_processed for step in run.steps}
    assert output_of["load"]["import_id"] == output_of["load"]["request_id"]
    assert output_of["mart"]["datamart"] == "analytics.names"
    assert output_of["score"]["readiness_score"] > 0
    assert output_of["book"]["file_name"].startswith("things of 20")
    assert "signature=" in output_of["book"]["download_url"]
    assert (rows_of["load"], rows_of["mart"], rows_of["book"]) == (3, 6, 6)


async def _update(edge: Edge, **fields: Any) -> pipeline_pb2.Pipeline:
    request = ParseDict({"pipeline_id": "sync", **fields}, pb.UpdatePipelineRequest())
    made: pipeline_pb2.Pipeline = await _pipelines(edge).UpdatePipeline(request)
    return made


async def test_a_pipeline_is_shown_as_it_was_written(edge: Edge) -> None:
    steps: list[dict[str, Any]] = [
        _ingest("a", retry={"attempts": 3, "delay_seconds": 0, "backoff": 1.5}, on_failure="SKIP"),
        {**_APPROVAL, "depends_on": ["a"], "timeout_seconds": 60},
        {
            "id": "convert",
            "remote_job": {
                "source_file_path": "x",
                "content_type": "audio",
                "task_options": {"speed": 2, "language": "{{ language }}"},
            },
        },
    ]
    parameters = [
        {"name": "day", "type": "DATE", "default": "{{ execution_date }}"},
        {"name": "language", "required": True, "description": "in two letters"},
    ]
    made = await _create(
        edge,
        name="Daily",
        description="all of it",
        steps=steps,
        parameters=parameters,
        timeout_seconds=3600,
    )
    shown = MessageToDict(made, preserving_proto_field_name=True)
    assert (shown["pipeline_id"], shown["name"], shown["version"]) == ("sync", "Daily", 1)
    assert [step["id"] for step in shown["steps"]] == ["a", "ok", "convert"]
    assert shown["steps"][0]["retry"] == {"attempts": 3, "delay_seconds": 0.0, "backoff": 1.5}
    assert shown["steps"][2] == steps[2]
    assert shown["parameters"] == parameters
    assert shown["timeout_seconds"] == 3600
    got = await _pipelines(edge).GetPipeline(pb.GetPipelineRequest(pipeline_id="sync"))
    assert got == made


async def test_versions_rise_with_what_changes(edge: Edge, failure_of: FailureOf) -> None:
    made = await _create(edge, steps=[_ingest("a")])
    again = await _update(edge, steps=[_ingest("a")])
    assert again == made
    changed = await _update(edge, steps=[_ingest("a"), _ingest("b")], expected_version=1)
    assert changed.version == 2
    failure = await failure_of(_update(edge, steps=[_ingest("a")], expected_version=1))
    assert failure.code is grpc.StatusCode.FAILED_PRECONDITION
    assert "at version 2, not 1" in failure.status.message
    first = pb.GetPipelineRequest(pipeline_id="sync", version=1)
    assert (await _pipelines(edge).GetPipeline(first)).steps == made.steps
    for version in (3, 99):
        request = pb.GetPipelineRequest(pipeline_id="sync", version=version)
        failure = await failure_of(_pipelines(edge).GetPipeline(request))
        assert failure.code is grpc.StatusCode.NOT_FOUND


async def test_ids_are_made_up_or_taken_once(edge: Edge, failure_of: FailureOf) -> None:
    made = await _create(edge, pipeline_id="", steps=[_ingest("a")])
    assert made.pipeline_id.startswith("pipe_")
    assert made.name == made.pipeline_id
    await _create(edge, steps=[_ingest("a")])
    failure = await failure_of(_create(edge, steps=[_ingest("a")]))
    assert (failure.code, failure.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS")


async def test_pipelines_are_listed_by_id(edge: Edge) -> None:
    for pipeline_id in ("c", "a", "b"):
        await _create(edge, pipeline_id=pipeline_id, steps=[_ingest("s")])
    first = await _pipelines(edge).ListPipelines(pb.ListPipelinesRequest(page_size=2))
    rest = pb.ListPipelinesRequest(page_size=2, page_token=first.next_page_token)
    last = await _pipelines(edge).ListPipelines(rest)
    assert [each.pipeline_id for each in (*first.pipelines, *last.pipelines)] == ["a", "b", "c"]
    assert last.next_page_token == ""


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"steps": []}, "steps"),
        ({"steps": [{"id": "a"}]}, "steps[0].kind"),
        ({"steps": [_ingest("a b")]}, "steps[0].id"),
        ({"steps": [_ingest("a", "b")]}, "steps[0].depends_on[0]"),
        ({"steps": [_ingest("a", "a")]}, "steps[0].depends_on"),
        ({"steps": [_ingest("a", retry={"attempts": 0})]}, "steps[0].retry.attempts"),
        ({"steps": [_ingest("a", timeout_seconds=0)]}, "steps[0].timeout_seconds"),
        ({"steps": [_APPROVAL]}, "steps[0].approval.message"),
        ({"steps": [_ingest(f"s{n}") for n in range(101)]}, "steps"),
        (
            {"steps": [{"id": "a", "export": {"query": {"data_source": {"type": "TABLE"}}}}]},
            "steps[0].export.query.data_source.name",
        ),
        ({"steps": [{"id": "a", "export": {}}]}, "steps[0].export.what"),
        ({"steps": [_ingest("a")], "parameters": [{"name": "1"}]}, "parameters[0].name"),
        (
            {"steps": [_ingest("a")], "parameters": [{"name": "n", "type": 2, "default": "x"}]},
            "parameters[0].default",
        ),
        (
            {"steps": [_ingest("a")], "parameters": [{"name": "n", "default": "\0"}]},
            "parameters[0].default",
        ),
        ({"pipeline_id": "a/b", "steps": [_ingest("a")]}, "pipeline_id"),
    ],
)
async def test_what_is_wrong_is_named(
    edge: Edge, failure_of: FailureOf, fields: dict[str, Any], field: str
) -> None:
    for validate_only in (False, True):
        failure = await failure_of(_create(edge, **fields, validate_only=validate_only))
        assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
        violations = failure.detail(error_details_pb2.BadRequest).field_violations
        assert field in {violation.field for violation in violations}


async def test_what_is_only_validated_is_not_there(edge: Edge) -> None:
    fields = {"pipeline_id": "stock", "steps": [_ingest("a")]}
    shown = await _create(edge, **fields, validate_only=True)
    assert (shown.pipeline_id, shown.name, shown.version) == ("stock", "stock", 0)
    assert (await _create(edge, **fields)).version == 1
    # Whether it is there does not count.
    assert (await _create(edge, **fields, validate_only=True)).version == 0


async def test_defaults_nested_too_deeply_are_refused(edge: Edge, failure_of: FailureOf) -> None:
    deep: Any = 1
    for _ in range(31):
        deep = [deep]
    parameters = [{"name": "n", "type": "JSON", "default": deep}]
    failure = await failure_of(_create(edge, steps=[_ingest("a")], parameters=parameters))
    (violation,) = failure.detail(error_details_pb2.BadRequest).field_violations
    assert violation.field == "parameters[0].default"


async def test_approval_over_the_edge(works: Edge, failure_of: FailureOf) -> None:
    day = {"name": "day", "type": "DATE", "required": True}
    await _create(works, steps=[_APPROVAL, _ingest("a", "ok")], parameters=[day])
    run_id = await _start(works, day="{{ execution_date }}")
    async for seen in _runs(works).WatchRun(run_pb.WatchRunRequest(run_id=run_id)):
        if seen.status == Run.WAITING:
            break
    assert seen.steps[0].message.startswith("publish 20")
    request = run_pb.ApproveStepRequest(run_id=run_id, step_id="ok", comment="go")
    decided = await _runs(works).ApproveStep(request)
    assert (decided.steps[0].decided_by, decided.steps[0].comment) == ("anonymous", "go")
    run = await _end_of(works, run_id)
    assert run.status == Run.SUCCEEDED
    logs = await _runs(works).GetRunLogs(run_pb.GetRunLogsRequest(run_id=run_id, step_id="ok"))
    assert [line.message for line in logs.lines] == ["waits for approval", "approved by anonymous"]
    unknown = run_pb.GetRunLogsRequest(run_id=run_id, step_id="nothing")
    assert (await failure_of(_runs(works).GetRunLogs(unknown))).code is grpc.StatusCode.NOT_FOUND


async def test_cancel_and_resume_over_the_edge(works: Edge) -> None:
    await _create(works, steps=[{"id": "ok", "approval": {}}, _ingest("a", "ok")])
    run_id = await _start(works)
    cancelled = await _runs(works).CancelRun(run_pb.CancelRunRequest(run_id=run_id))
    assert (cancelled.status, cancelled.terminal) == (Run.CANCELLED, True)
    resumed = await _runs(works).ResumeRun(run_pb.ResumeRunRequest(run_id=run_id))
    assert resumed.status == Run.RUNNING
    assert resumed.revision > cancelled.revision
    async for seen in _runs(works).WatchRun(run_pb.WatchRunRequest(run_id=run_id)):
        if seen.status == Run.WAITING:
            break
    reject = run_pb.ApproveStepRequest(run_id=run_id, step_id="ok", decision="REJECT")
    await _runs(works).ApproveStep(reject)
    run = await _end_of(works, run_id)
    assert (run.status, run.failed_steps) == (Run.FAILED, 1)


async def test_runs_are_listed_newest_first(edge: Edge) -> None:
    await _create(edge, steps=[_ingest("a")])
    started = [await _start(edge) for _ in range(3)]
    first = await _runs(edge).ListRuns(run_pb.ListRunsRequest(page_size=2, pipeline_id="sync"))
    rest = run_pb.ListRunsRequest(page_size=2, page_token=first.next_page_token)
    last = await _runs(edge).ListRuns(rest)
    assert [run.run_id for run in (*first.runs, *last.runs)] == started[::-1]
    assert not first.runs[0].steps
    assert first.runs[0].total_steps == 1
    wanted: tuple[tuple[dict[str, Any], int], ...] = (
        ({"status": Run.PENDING}, 3),
        ({"status": Run.FAILED}, 0),
        ({"pipeline_id": "other"}, 0),
        ({"trigger_id": "other"}, 0),
    )
    for which, count in wanted:
        assert len((await _runs(edge).ListRuns(run_pb.ListRunsRequest(**which))).runs) == count


async def test_a_pipeline_in_use_is_deleted_if_forced(edge: Edge, failure_of: FailureOf) -> None:
    await _create(edge, steps=[_ingest("a")])
    run_id = await _start(edge)
    request = pb.DeletePipelineRequest(pipeline_id="sync")
    failure = await failure_of(_pipelines(edge).DeletePipeline(request))
    assert failure.code is grpc.StatusCode.FAILED_PRECONDITION
    assert "1 runs of the pipeline have not ended" in failure.status.message
    await _pipelines(edge).DeletePipeline(pb.DeletePipelineRequest(pipeline_id="sync", force=True))
    run = await _runs(edge).GetRun(run_pb.GetRunRequest(run_id=run_id))
    assert (run.status, run.error) == (Run.CANCELLED, "its pipeline was deleted")
    for call in (
        _pipelines(edge).DeletePipeline(request),
        _pipelines(edge).GetPipeline(pb.GetPipelineRequest(pipeline_id="sync")),
        _update(edge, steps=[_ingest("a")]),
        _start(edge),
    ):
        with pytest.raises(Exception, match="not found"):
            await call
    assert (await _create(edge, steps=[_ingest("a")])).version == 2


async def test_another_tenants_pipelines_and_runs_look_missing(
    edge: Edge, failure_of: FailureOf
) -> None:
    await _create(edge, steps=[{"id": "ok", "approval": {}}])
    run_id = await _start(edge)
    await edge.core.tenants.create("other", "Other")
    key = await edge.key(Scope.READ, Scope.WRITE, tenant_id="other")
    runs, pipelines = _runs(edge), _pipelines(edge)
    for call in (
        runs.GetRun(run_pb.GetRunRequest(run_id=run_id), metadata=key),
        runs.WatchRun(run_pb.WatchRunRequest(run_id=run_id), metadata=key),
        runs.CancelRun(run_pb.CancelRunRequest(run_id=run_id), metadata=key),
        runs.ResumeRun(run_pb.ResumeRunRequest(run_id=run_id), metadata=key),
        runs.GetRunLogs(run_pb.GetRunLogsRequest(run_id=run_id), metadata=key),
        runs.ApproveStep(run_pb.ApproveStepRequest(run_id=run_id, step_id="ok"), metadata=key),
        pipelines.GetPipeline(pb.GetPipelineRequest(pipeline_id="sync"), metadata=key),
        pipelines.DeletePipeline(pb.DeletePipelineRequest(pipeline_id="sync"), metadata=key),
    ):
        assert (await failure_of(call)).code is grpc.StatusCode.NOT_FOUND
    assert not (await runs.ListRuns(run_pb.ListRunsRequest(), metadata=key)).runs
    listed = await pipelines.ListPipelines(pb.ListPipelinesRequest(), metadata=key)
    assert not listed.pipelines
