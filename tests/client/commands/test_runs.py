import io
import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from client.fake.room import NOW
from client.fake.runs import example_run
from headrace.v1.run_pb2 import Run as RunMessage
from headrace.v1.run_pb2 import RunLogLine, RunStep
from rich.console import Console
from typer.testing import Result

from headrace_client.commands.output import Output
from headrace_client.commands.run_story import RunStory
from headrace_client.commands.run_tables import seconds_text

if TYPE_CHECKING:
    from client.fake.state import State

Run = Callable[..., Result]


def ended(**values: object) -> RunMessage:
    run = example_run(revision=3, status=RunMessage.SUCCEEDED, terminal=True, **values)
    run.steps[1].MergeFrom(RunStep(status=RunStep.SUCCEEDED, progress=100, rows_processed=7))
    return run


def test_lists(run: Run, state: "State") -> None:
    assert "no such runs" in run("runs", "list").stdout
    for name in "abc":
        state.runs[name] = example_run(run_id=name)
    state.runs["b"].status = RunMessage.FAILED
    text = run("runs", "list", "--pipeline", "stock").stdout
    assert [line.split()[0] for line in text.splitlines()[1:]] == ["c", "b", "a"]
    assert "1/2" in text
    assert "1,204" in text
    lines = run("--json", "runs", "list", "--limit", "2").stdout.splitlines()
    assert [json.loads(line)["run_id"] for line in lines] == ["c", "b"]
    lines = run("--json", "runs", "list", "--status", "failed").stdout.splitlines()
    assert [json.loads(line)["run_id"] for line in lines] == ["b"]


def test_one_is_shown(run: Run, state: "State") -> None:
    shown = example_run(trigger_id="trigger_1")
    shown.event["file"] = "/shop/[a].csv"
    state.runs["run_1"] = shown
    text = run("runs", "show", "run_1").stdout
    for words in (
        "stock, version 2", "RUNNING, 50 %", "trigger_1", '{"day": "2026-03-02"}',
        '{"file": "/shop/[a].csv"}', "import_id i-1", "1.2 s", "next: headrace runs watch run_1",
    ):  # fmt: skip
        assert words in text, words
    assert json.loads(run("--json", "runs", "show", "run_1").stdout)["total_steps"] == 2


def test_what_failed_says_why(run: Run, state: "State") -> None:
    failed = example_run(status=RunMessage.FAILED, terminal=True, error="step mart\nfailed")
    failed.steps[1].MergeFrom(RunStep(status=RunStep.FAILED, error="no [disk]\n"))
    failed.steps.add(id="book", status=RunStep.SKIPPED, error="step mart\nfailed")
    state.runs["run_1"] = failed
    result = run("runs", "show", "run_1")
    assert result.exit_code == 1
    assert "mart: no [disk]\n" in result.stdout
    assert "FAILED\n" in result.stdout
    assert result.stdout.count("step mart failed") == 1
    assert "next: headrace runs resume run_1" in result.stdout
    assert "step mart failed" not in run("runs", "resume", "run_1", "--json").stderr
    assert state.runs["run_1"].status == RunMessage.RUNNING


def test_one_that_made_a_file_says_how_to_get_it(run: Run, state: "State") -> None:
    state.runs["run_1"] = ended()
    assert "next:" not in run("runs", "show", "run_1").stdout
    book = RunStep(id="book", kind="export", status=RunStep.SUCCEEDED)
    book.output["export_id"] = "e-1"
    state.runs["run_1"].steps.append(book)
    state.runs["run_1"].steps.add(id="copy", kind="export", status=RunStep.SKIPPED)
    assert "next: headrace export download e-1\n" in run("runs", "show", "run_1").stdout


def test_an_approval(run: Run, state: "State") -> None:
    waiting = example_run(status=RunMessage.WAITING)
    waiting.steps[1].MergeFrom(RunStep(status=RunStep.WAITING, message="figures [right]?"))
    state.runs["run_1"] = waiting
    text = run("runs", "show", "run_1").stdout
    assert "mart waits: figures [right]?" in text
    assert "next: headrace runs approve run_1 mart" in text
    approved = run("runs", "approve", "run_1", "mart", "--comment", "checked", "--watch")
    assert approved.exit_code == 0
    assert state.runs["run_1"].steps[1].comment == "checked"
    rejected = run("runs", "approve", "run_1", "mart", "--reject")
    assert rejected.exit_code == 0
    assert "FAILED" in rejected.stdout


def test_cancel(run: Run, state: "State") -> None:
    state.runs["run_1"] = example_run()
    result = run("runs", "cancel", "run_1")
    assert result.exit_code == 0
    assert "CANCELLED" in result.stdout
    assert run("runs", "cancel", "none").exit_code == 1


def test_lines_of_a_watch(run: Run, state: "State") -> None:
    again = example_run(revision=2)
    again.steps[1].MergeFrom(RunStep(status=RunStep.PENDING, error="torn", next_attempt_at=NOW))
    waiting = example_run(revision=2)
    waiting.steps[1].MergeFrom(RunStep(status=RunStep.WAITING, message="sure?", attempt=2))
    state.snapshots = [example_run(), again, waiting]
    state.runs["run_1"] = ended()
    result = run("runs", "watch", "run_1")
    assert result.exit_code == 0
    lines = [line.partition(" ")[2] for line in result.stdout.splitlines()]
    assert "SUCCEEDED load  1,204 rows  1.2 s" in lines
    assert "RUNNING   mart" in lines
    assert "SUCCEEDED mart  7 rows  0.2 s" in lines
    documents = run("--json", "runs", "watch", "run_1").stdout.splitlines()
    assert [json.loads(each)["revision"] for each in documents] == ["1", "2", "3"]


def test_logs(run: Run, state: "State") -> None:
    state.runs["run_1"] = example_run()
    state.run_logs = [
        RunLogLine(at=NOW, step_id="load", attempt=1, message="began"),
        RunLogLine(at=NOW, step_id="mart", attempt=2, message="failed: [x]"),
    ]
    text = run("runs", "logs", "run_1").stdout
    assert "load: began" in text
    assert "mart, attempt 2: failed: [x]" in text
    (line,) = run("--json", "runs", "logs", "run_1", "mart").stdout.splitlines()
    assert json.loads(line)["attempt"] == 2


def story(width: int) -> tuple[RunStory, Console]:
    output = Output(json=False)
    output.console = Console(
        file=io.StringIO(), force_terminal=True, width=width, color_system=None
    )
    output.for_people = True
    return RunStory(output), output.console


@pytest.mark.parametrize("width", [120, 70, 44])
def test_the_live_table_fits(width: int) -> None:
    run = example_run()
    run.steps.add(
        id="sign_off", status=RunStep.WAITING, attempt=1, message="a long [question]?" * 9
    )
    run.steps.add(id="much_later_than_that", status=RunStep.PENDING)
    run.steps.add(id="unsure", status=RunStep.RUNNING, attempt=2, duration_seconds=70)
    run.steps.add(id="again", status=RunStep.PENDING, attempt=1, error="torn", next_attempt_at=NOW)
    shown, console = story(width)
    with shown:
        shown.tell(run, datetime.now().astimezone())
    with console.capture() as captured:
        console.print(shown._table())
    lines = captured.get().splitlines()
    assert lines[0].startswith("stock RUNNING 50 %")
    assert all(len(line) <= width for line in lines)
    assert len(lines) == 2 + len(run.steps), "no row is wrapped"
    text = "\n".join(lines)
    assert "1,204" in text
    assert "1 min 10 s" in text
    assert ("much_later_than_that" in text) is (width > 44)
    assert "━" in text
    assert ("torn, to be tried again" in text) is (width == 120)
    assert ("attempt 2" in text) is (width == 120)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.4, "59.4 s"),
        (60, "1 min 00 s"),
        (3599.6, "1 h 00 min"),
        (7260, "2 h 01 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text
