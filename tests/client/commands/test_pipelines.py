import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from client.fake.runs import example_run
from headrace.v1.pipeline_pb2 import Pipeline, PipelineParameter, PipelineStep, StepRetry
from headrace.v1.run_pb2 import Run as RunMessage
from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.state import State

Run = Callable[..., Result]


def stock(version: int = 1, **values: object) -> Pipeline:
    pipeline = Pipeline(
        pipeline_id="stock", name="Stock", version=version,
        parameters=[
            PipelineParameter(name="day", type=PipelineParameter.DATE, description="the\nday"),
            PipelineParameter(name="shelves", type=PipelineParameter.JSON, required=True),
        ],
    )  # fmt: skip
    pipeline.parameters[0].default.string_value = "{{ execution_date }}"
    load = pipeline.steps.add(id="load", retry=StepRetry(attempts=3, delay_seconds=1))
    load.import_file.file_path = "/shop/a.csv"
    load.import_file.target_table = "raw.stock"
    pipeline.MergeFrom(Pipeline(**values))  # type: ignore[arg-type]
    return pipeline


@pytest.fixture
def known(state: "State") -> None:
    state.pipelines["stock"] = [stock()]


def test_lists(run: Run, state: "State") -> None:
    assert "no pipelines yet: headrace apply -f FILE.yaml" in run("pipelines", "list").stdout
    state.pipelines["stock"] = [stock()]
    text = run("pipelines", "list").stdout
    assert "stock  Stock" in text
    assert "day, shelves" in text
    assert json.loads(run("--json", "pipelines", "list").stdout)["pipeline_id"] == "stock"


def test_one_is_shown(run: Run, state: "State") -> None:
    steps = [
        PipelineStep(id=name, depends_on=["load"])
        for name in ("a", "b", "c", "d", "e", "f", "g", "h")
    ]
    ingest, mart, score, query, report, other, job, sign = steps
    ingest.ingest.mappings.add(id="m")
    mart.refresh_datamart.datamart = "pieces"
    score.score_dataset.dataset = "raw.stock"
    query.export.query.data_source.query = "SELECT\n  1"
    report.export.report.report_name = "monthly"
    other.export.datamart.name = "pieces"
    job.remote_job.source_file_path, job.remote_job.content_type = "s3://talk.mp3", "audio"
    sign.approval.message = "right?"
    sign.on_failure = PipelineStep.CONTINUE
    state.pipelines["stock"] = [
        stock(steps=steps, description="for the [shop]", timeout_seconds=90)
    ]
    text = run("pipelines", "show", "stock").stdout
    for words in (
        "Stock, version 1", "for the [shop]", "1 min 30 s", '"{{ execution_date }}"', "the day",
        "refused", "import /shop/a.csv into raw.stock", "3 attempts, after 1 s, then 2 times",
        "ingest 1 mappings", "refresh analytics.pieces", "score raw.stock", "export SELECT 1",
        "export report monthly", "export datamart pieces", "convert s3://talk.mp3 as audio",
        "wait for approval: right?", "continue",
    ):  # fmt: skip
        assert words in text, words
    assert json.loads(run("--json", "pipelines", "show", "stock").stdout)["version"] == 1
    assert run("pipelines", "show", "none").exit_code == 1


def test_as_a_file_it_can_be_applied(run: Run, known: None) -> None:
    text = run("pipelines", "show", "stock", "--yaml").stdout
    assert text.startswith("pipeline_id: stock\nname: Stock\n")
    assert "version" not in text
    assert "pipeline stock: unchanged" in run("apply", "-f", "-", stdin=text).stdout


def test_versions(run: Run, state: "State") -> None:
    second = stock(2, description="new")
    second.parameters.pop()
    second.steps[0].id = "bring"
    fourth = stock(4, description="new")
    fourth.steps[0].import_file.file_path = "/shop/b.csv"
    state.pipelines["stock"] = [stock(), second, None, fourth]
    text = run("pipelines", "versions", "stock").stdout
    lines = [line.rstrip() for line in text.splitlines()]
    assert [line.split()[0] for line in lines[1:]] == ["4", "2", "1"]
    assert lines[1].endswith("+load, -bring, +shelves")
    assert lines[2].endswith("+bring, -load, -shelves, ~description")
    lines = run("--json", "pipelines", "versions", "stock", "--limit", "2").stdout.splitlines()
    assert [json.loads(line)["version"] for line in lines] == [4]
    assert run("pipelines", "show", "stock", "--version", "2", "--json").exit_code == 0


def test_delete(run: Run, known: None, state: "State") -> None:
    run("triggers", "create", "t", "stock", "--manual")
    refused = run("pipelines", "delete", "stock")
    assert refused.exit_code == 1
    assert "active triggers" in refused.stderr
    assert "deleted stock" in run("pipelines", "delete", "stock", "--force").stdout
    assert state.pipelines == {}


def test_a_run_is_started(run: Run, known: None, state: "State") -> None:
    values = ("-p", "day=2026-03-02", "-p", 'shelves=["A1"]', "-p", "notification_email=a@b.c")
    result = run("pipelines", "run", "stock", *values, "--at", "2026-03-02T06:00:00+01:00")
    assert result.exit_code == 0, result.output
    (started,) = state.runs.values()
    assert started.parameters["day"] == "2026-03-02"
    assert list(started.parameters["shelves"]) == ["A1"]  # type: ignore[arg-type]
    assert started.nominal_time.ToDatetime(UTC) == datetime(2026, 3, 2, 5, tzinfo=UTC)
    assert f"headrace runs watch {started.run_id}" in result.stdout


@pytest.mark.parametrize(
    ("status", "failed", "code"),
    [
        (RunMessage.SUCCEEDED, 0, 0),
        (RunMessage.SUCCEEDED, 1, 3),
        (RunMessage.FAILED, 1, 1),
        (RunMessage.CANCELLED, 0, 1),
    ],
)
def test_a_run_is_followed(
    run: Run, known: None, state: "State", status: RunMessage.Status, failed: int, code: int
) -> None:
    state.next_run = example_run(run_id="", status=status, terminal=True, failed_steps=failed)
    result = run("pipelines", "run", "stock", "--watch", "--json")
    assert result.exit_code == code
    assert json.loads(result.stdout)["terminal"] is True


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-p", "day"), "'day' must be NAME=VALUE"),
        (
            ("-p", "days=1"),
            "stock has no parameter 'days'; it takes day, shelves, notification_email",
        ),
        (("-p", "day=1", "-p", "day=2"), "day is given twice"),
        (("-p", "shelves=A1"), "shelves takes JSON"),
        (("--at", "soon"), "'soon' is no moment such as 2026-03-02"),
    ],
)
def test_wrong_values(run: Run, known: None, words: tuple[str, ...], told: str) -> None:
    result = run("pipelines", "run", "stock", *words, env={"COLUMNS": "1000"})
    assert result.exit_code == 2
    assert told in result.stderr
