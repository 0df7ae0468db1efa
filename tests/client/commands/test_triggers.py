import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from client.fake.room import NOW
from client.fake.triggers import SIGNING, TOKEN
from headrace.v1.pipeline_pb2 import Pipeline, PipelineParameter
from headrace.v1.trigger_pb2 import Trigger, TriggerExecution
from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.state import State

Run = Callable[..., Result]

WIDE = {"COLUMNS": "1000"}


@pytest.fixture(autouse=True)
def known(state: "State") -> None:
    day = PipelineParameter(name="day", type=PipelineParameter.JSON)
    state.pipelines["stock"] = [Pipeline(pipeline_id="stock", version=1, parameters=[day])]


@pytest.fixture
def nightly(run: Run) -> str:
    created = run("--json", "triggers", "create", "nightly", "stock", "--cron", "0 2 * * *")
    assert created.exit_code == 0, created.output
    return str(json.loads(created.stdout)["trigger_id"])


def test_times_of_a_schedule(run: Run, state: "State") -> None:
    result = run(
        "triggers", "create", "nightly", "stock", "--cron", "0 2 * * MON-FRI",
        "--time-zone", "Europe/Berlin", "--catch-up", "all", "--catch-up-window", "7200",
        "--jitter", "30", "--overlap", "queue-one", "--on-resume", "make-up",
        "--pause-after", "3", "-p", "day={{ execution_date }}",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    for words in (
        "0 2 * * MON-FRI Europe/Berlin", "ACTIVE", "all of 2 h 00 min", "up to 30.0 s", "queue one",
        "make up", "after 3 failures", '{"day": "{{ execution_date }}"}',
    ):  # fmt: skip
        assert words in result.stdout, words
    made = state.triggers["trigger_0"]
    assert (made.trigger_type, made.overlap) == (Trigger.CRON, Trigger.QUEUE_ONE)


def test_files_calls_and_hand(run: Run, state: "State") -> None:
    run("triggers", "create", "files", "stock", "--folder", "/shop", "--pattern", "*.csv")
    signed = run("triggers", "create", "signed", "stock", "--webhook", "-p", "day=[1]")
    assert f"{SIGNING} (it is not shown again)" in signed.stdout
    assert "/api/v1/mvp/triggers/trigger_1/webhook" in signed.stdout
    assert TOKEN in run("triggers", "create", "token", "stock", "--token").stdout
    run("triggers", "create", "hand", "stock", "--manual", "--paused")
    assert list(state.triggers["trigger_1"].parameters["day"]) == [1]  # type: ignore[arg-type]
    text = run("triggers", "list").stdout
    for words in ("/shop/*.csv", "webhook, signature", "webhook, token", "hand", "PAUSED"):
        assert words in text, words
    shown = run("triggers", "show", "signed").stdout
    assert SIGNING not in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "what fires it? Give one of --cron, --folder, --webhook, --token and --manual"),
        (("--cron", "@daily", "--manual"), "what fires it?"),
        (("--webhook", "--token"), "what fires it?"),
        (("--cron", "wrong"), "--cron: must have five fields"),
        (("--manual", "-p", "days=1"), "stock has no parameter 'days'"),
    ],
)
def test_what_is_no_trigger(run: Run, words: tuple[str, ...], told: str) -> None:
    result = run("triggers", "create", "t", "stock", *words, env=WIDE)
    assert result.exit_code == 2
    assert told in result.stderr


def test_lists(run: Run, state: "State", nightly: str) -> None:
    assert "no triggers yet: headrace triggers create" in run("triggers", "list", "other").stdout
    state.triggers[nightly].MergeFrom(
        Trigger(
            status=Trigger.PAUSED, pause_reason="3 runs [failed] in a row", success_rate=0.96,
            execution_count=1127, last_execution=NOW, consecutive_failures=3,
            pause_after_failures=3, live_secrets=2,
        )
    )  # fmt: skip
    text = run("triggers", "list", "stock").stdout
    assert "96%" in text
    assert "1,127" in text
    assert "nightly is paused: 3 runs [failed] in a row" in text
    shown = run("triggers", "show", "nightly").stdout
    assert "after 3 failures, 3 so far" in shown
    assert "2 are taken" in shown
    assert json.loads(run("--json", "triggers", "list").stdout)["name"] == "nightly"


def test_pause_resume_and_delete(run: Run, state: "State", nightly: str) -> None:
    assert "PAUSED" in run("triggers", "pause", "nightly").stdout
    assert "ACTIVE" in run("triggers", "resume", nightly, "--on-resume", "make-up").stdout
    assert state.triggers[nightly].on_resume == Trigger.MAKE_UP
    assert "deleted nightly" in run("triggers", "delete", "nightly").stdout
    assert state.triggers == {}
    assert run("triggers", "show", nightly).exit_code == 1


def test_names_are_told_apart(run: Run, nightly: str) -> None:
    unknown = run("triggers", "show", "daily", env=WIDE)
    assert unknown.exit_code == 2
    assert "no trigger is called 'daily'" in unknown.stderr
    taken = run("triggers", "create", "nightly", "stock", "--manual", env=WIDE)
    assert taken.exit_code == 2
    assert "stock has a trigger 'nightly': trigger_0" in taken.stderr
    run("triggers", "create", "nightly", "other", "--manual")
    several = run("triggers", "show", "nightly", env=WIDE)
    assert several.exit_code == 2
    assert "trigger_1 of other, trigger_0 of stock" in several.stderr


def test_history(run: Run, state: "State", nightly: str) -> None:
    assert "it has not fired yet" in run("triggers", "history", nightly).stdout
    state.executions = [
        TriggerExecution(
            executed_at=NOW, nominal_time=NOW, status=TriggerExecution.SUCCESS, run_id="run_1",
            duration_seconds=145, rows_processed=15430, file_path="/shop/[a].csv", times=1,
        ),
        TriggerExecution(
            executed_at=NOW, status=TriggerExecution.SKIPPED, reason="the run\nbefore goes on",
            times=12, backfill=True,
        ),
        TriggerExecution(executed_at=NOW, status=TriggerExecution.FAILED),
    ]  # fmt: skip
    text = run("triggers", "history", nightly).stdout
    for words in (
        "2 min 25 s", "15,430", "/shop/[a].csv", "the run before goes on, backfill, 12 times",
    ):  # fmt: skip
        assert words in text, words
    lines = run("--json", "triggers", "history", nightly, "--limit", "2").stdout.splitlines()
    assert [json.loads(line)["status"] for line in lines] == ["SUCCESS", "SKIPPED"]


def test_what_a_run_stands_for_is_told_on_narrow_terminals(
    run: Run, state: "State", nightly: str
) -> None:
    state.executions = [
        TriggerExecution(
            executed_at=NOW, nominal_time=NOW, status=TriggerExecution.SUCCESS,
            duration_seconds=2, run_id=f"run_{'a' * 32}", backfill=True,
        )
    ]  # fmt: skip
    text = run("triggers", "history", nightly, env={"COLUMNS": "110"}).stdout
    assert "stands for" in text
    assert "backfill" in text


def test_next(run: Run, nightly: str) -> None:
    text = run("triggers", "next", nightly, "-n", "2").stdout
    assert len(text.splitlines()) == 3
    assert "2011-03-13T07:06:40Z" in text
    assert len(json.loads(run("--json", "triggers", "next", nightly).stdout)["times"]) == 5


def test_backfill(run: Run, state: "State", nightly: str) -> None:
    state.executions = [
        TriggerExecution(executed_at=NOW, nominal_time=NOW, status=TriggerExecution.RUNNING)
    ]
    result = run("triggers", "backfill", nightly, "--from", "2026-03-01T00:00:00Z", "--dry-run")
    assert result.exit_code == 0, result.output
    head, _, tail = result.stdout.splitlines()
    assert (head.split(), tail) == (
        ["stands", "for"], "1 runs would be started; 1 times had runs before",
    )  # fmt: skip
    asked = state.backfills[0]
    assert getattr(asked, "from").ToDatetime(UTC) == datetime(2026, 3, 1, tzinfo=UTC)
    words = ("--from", "2026-03-01", "--until", "2026-03-31", "--all")
    assert "1 runs started" in run("triggers", "backfill", nightly, *words).stdout
    assert (state.backfills[1].all, state.backfills[1].dry_run) == (True, False)
    assert json.loads(run("--json", "triggers", "backfill", nightly, *words).stdout)


def test_a_webhook_is_fired(run: Run, state: "State", tmp_path: Path) -> None:
    run("triggers", "create", "pushed", "stock", "--webhook")
    env = {"HEADRACE_TRIGGER_SECRET": SIGNING}
    fired = run("triggers", "fire", "pushed", "-d", '{"day": 1}', "--message-id", "m1", env=env)
    assert fired.exit_code == 0, fired.output
    assert "next      headrace runs watch run_1" in fired.stdout
    assert state.answers[("FireWebhook", "m1")] == b'{"day": 1}'
    (tmp_path / "body").write_bytes(b"from a file")
    words = ("-d", f"@{tmp_path / 'body'}", "--message-id")
    assert "as the first time" in run("triggers", "fire", "trigger_0", *words, "m1", env=env).stdout
    run("triggers", "fire", "trigger_0", *words, "m2", env=env)
    assert state.answers[("FireWebhook", "m2")] == b"from a file"
    run("triggers", "pause", "pushed")
    assert "it is [paused]" in run("triggers", "fire", "pushed", env=env).stdout
    documented = run("--json", "triggers", "fire", "pushed", env=env).stdout
    assert json.loads(documented)["status"] == "SKIPPED"


def test_what_fires_nothing(run: Run, tmp_path: Path) -> None:
    run("triggers", "create", "pushed", "stock", "--webhook")
    bare = run("triggers", "fire", "pushed", env=WIDE)
    assert bare.exit_code == 2
    assert "set HEADRACE_TRIGGER_SECRET" in bare.stderr
    for secret, code, told in (
        (TOKEN, 1, "the signature is wrong: is HEADRACE_TRIGGER_SECRET that of this trigger?"),
        ("whsec_?", 2, "whsec_"),
        ("ä", 2, "printable ASCII"),
    ):
        env = WIDE | {"HEADRACE_TRIGGER_SECRET": secret}
        result = run("triggers", "fire", "pushed", env=env)
        assert (result.exit_code, told in result.stderr) == (code, True), result.stderr
    env = WIDE | {"HEADRACE_TRIGGER_SECRET": SIGNING}
    gone = run("triggers", "fire", "pushed", "-d", f"@{tmp_path / 'none'}", env=env)
    assert gone.exit_code == 2
    assert "No such file" in gone.stderr


def test_a_secret_is_rotated(run: Run) -> None:
    run("triggers", "create", "pushed", "stock", "--webhook")
    assert SIGNING in run("triggers", "rotate-secret", "pushed").stdout
    answer = run("--json", "triggers", "rotate-secret", "pushed", "--keep", "0")
    assert json.loads(answer.stdout)["live_secrets"] == 1
