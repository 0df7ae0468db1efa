import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from client.fake.triggers import SIGNING
from headrace.v1.trigger_pb2 import Trigger
from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.state import State

Run = Callable[..., Result]

WIDE = {"COLUMNS": "1000"}

PIPELINE = """\
pipeline_id: stock
steps:
  - id: score
    score_dataset: {dataset: raw.stock}
"""
NIGHTLY = """\
name: nightly
pipeline_id: stock
trigger_type: cron
cron_schedule: "0 6 * * *"
"""
PUSHED = """\
name: pushed
pipeline_id: stock
trigger_type: webhook
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "stock.yaml"
    path.write_text(f"{PIPELINE}---\n{NIGHTLY}---\n{PUSHED}")
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits at the terminal."""
    monkeypatch.setattr("headrace_client.commands.applying._is_interactive", lambda: True)


def test_what_is_new_is_created(run: Run, state: "State", file: Path) -> None:
    result = run("apply", "-f", str(file), "--yes")
    assert result.exit_code == 0
    assert "pipeline stock: new" in result.stdout
    assert "  +   - id: score" in result.stdout
    assert "created pipeline stock, version 1" in result.stdout
    assert "created trigger nightly of stock, trigger_0" in result.stdout
    assert f"its secret, not shown again: {SIGNING}" in result.stdout
    assert state.triggers["trigger_0"].status == Trigger.ACTIVE
    again = run("apply", "-f", str(file))
    assert again.exit_code == 0
    assert again.stdout.splitlines() == [
        "pipeline stock: unchanged",
        "trigger nightly of stock: unchanged",
        "trigger pushed of stock: unchanged",
    ]


def test_what_differs_is_shown_and_updated(run: Run, state: "State", file: Path) -> None:
    run("apply", "-f", str(file), "--yes")
    text = file.read_text().replace("raw.stock}", "raw.stock}\n    on_failure: skip")
    file.write_text(
        text.replace("0 6 *", "0 7 *").replace("type: cron", "type: cron\njitter_seconds: 5")
    )
    shown = run("apply", "-f", str(file), "--dry-run")
    assert shown.exit_code == 0
    assert "pipeline stock: differs" in shown.stdout
    assert "\n  +     on_failure: skip\n" in shown.stdout
    assert "\n  - cron_schedule: 0 6 * * *\n  + cron_schedule: 0 7 * * *\n" in shown.stdout
    assert "trigger pushed of stock: unchanged" in shown.stdout
    assert len(state.pipelines["stock"]) == 1
    result = run("apply", "-f", str(file), "-y")
    assert result.exit_code == 0
    assert "updated pipeline stock, version 2" in result.stdout
    assert state.triggers["trigger_0"].cron_schedule == "0 7 * * *"
    assert state.triggers["trigger_0"].jitter_seconds == 5


def test_a_pause_stays_unless_the_file_says_otherwise(
    run: Run, state: "State", tmp_path: Path
) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(f"{PIPELINE}---\n{NIGHTLY}")
    run("apply", "-f", str(file), "-y")
    run("triggers", "pause", "nightly")
    assert "nightly of stock: unchanged" in run("apply", "-f", str(file)).stdout
    for enabled, status in (("true", Trigger.ACTIVE), ("false", Trigger.PAUSED)):
        file.write_text(f"{PIPELINE}---\n{NIGHTLY}enabled: {enabled}\n")
        result = run("apply", "-f", str(file), "-y")
        assert "updated trigger nightly" in result.stdout, result.output
        assert state.triggers["trigger_0"].status == status
        assert "nightly of stock: unchanged" in run("apply", "-f", str(file)).stdout
    file.write_text(f"{PIPELINE}---\n{NIGHTLY}enabled: false\ntime_zone: Europe/Berlin\n")
    assert run("apply", "-f", str(file), "-y").exit_code == 0
    assert state.triggers["trigger_0"].status == Trigger.PAUSED


def test_it_asks(run: Run, state: "State", file: Path, asked: None) -> None:
    refused = run("apply", "-f", str(file), stdin="n\n")
    assert refused.exit_code == 1
    assert "Apply these 3?" in refused.stderr
    assert "nothing was changed" in refused.stderr
    assert state.pipelines == {}
    assert run("apply", "-f", str(file), stdin="y\n").exit_code == 0
    assert "stock" in state.pipelines


def test_without_anybody_to_ask(run: Run, state: "State", file: Path) -> None:
    for more in ([], ["--json"]):
        result = run("apply", "-f", str(file), *more)
        assert result.exit_code == 2
        assert "there is nobody to ask: give --yes" in result.stderr
    assert state.pipelines == {}


def test_json(run: Run, file: Path) -> None:
    lines = run("--json", "apply", "-f", str(file), "--dry-run").stdout.splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["create"] * 3
    lines = run("--json", "apply", "-f", str(file), "--yes").stdout.splitlines()
    documents = [json.loads(line) for line in lines]
    assert documents[0]["kind"] == "pipeline"
    assert documents[0]["result"]["version"] == 1
    assert documents[2]["result"]["secret"] == SIGNING
    lines = run("--json", "apply", "-f", str(file)).stdout.splitlines()
    assert [json.loads(line)["difference"] for line in lines] == [[]] * 3


def test_folders_and_standard_input(run: Run, state: "State", tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text(NIGHTLY)
    (tmp_path / "a.json").write_text(
        '{"pipeline_id": "stock", "steps": [{"id": "a", "approval": {}}]}'
    )
    (tmp_path / "README").write_text("no: pipeline")
    assert run("apply", "-f", str(tmp_path), "-y").exit_code == 0
    assert state.pipelines["stock"][0] is not None
    assert len(state.triggers) == 1
    result = run("apply", "-f", "-", "-y", stdin=PUSHED)
    assert result.exit_code == 0, result.output
    assert len(state.triggers) == 2
    bare = tmp_path / "bare"
    bare.mkdir()
    assert "holds no file of .json, .yaml, .yml" in run("apply", "-f", str(bare), env=WIDE).stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps: 5\npipeline_id: p", "f.yaml:1: steps: must be a list"),
        (f"{PIPELINE}---\n{PIPELINE}", "f.yaml:6: declared before, at"),
        (f"{PIPELINE}---\n{NIGHTLY}---\n{NIGHTLY}", "f.yaml:11: declared before"),
        (NIGHTLY, "f.yaml:2: pipeline_id: there is no pipeline 'stock'"),
        (PIPELINE.replace("id: score", "id: wrong"), "f.yaml:3: steps[0].id: is not right"),
        (
            f"{PIPELINE}---\n{NIGHTLY.replace('0 6 * * *', 'wrong')}",
            "f.yaml:9: cron_schedule: must have five fields",
        ),
        (f"validate_only: true\n{PIPELINE}", "f.yaml:1: validate_only: is no part of it"),
    ],
)
def test_what_is_wrong_is_said_with_file_line_and_field(
    run: Run, state: "State", tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(text)
    for way in ("--dry-run", "--yes"):
        result = run("apply", "-f", str(file), way, env=WIDE)
        assert result.exit_code == 2
        assert words in result.stderr
    # What stands before it in the file is not done either.
    assert not state.pipelines


def test_all_that_the_server_finds_wrong_is_said_at_once(run: Run, file: Path) -> None:
    file.write_text(
        file.read_text().replace("id: score", "id: wrong").replace("0 6 * * *", "wrong")
    )
    result = run("apply", "-f", str(file), "--dry-run", env=WIDE)
    assert "stock.yaml:3: steps[0].id: is not right" in result.stderr
    assert "stock.yaml:9: cron_schedule: must have five fields" in result.stderr


def test_what_cannot_change(run: Run, state: "State", file: Path) -> None:
    run("apply", "-f", str(file), "-y")
    file.write_text(PUSHED.replace("webhook", "manual"))
    result = run("apply", "-f", str(file), "-y", env=WIDE)
    assert result.exit_code == 2
    assert "stock.yaml:3: trigger_type: is fixed for a trigger that is there" in result.stderr
    assert "headrace triggers delete trigger_1" in result.stderr
    state.triggers["trigger_2"] = Trigger(
        trigger_id="trigger_2", name="pushed", pipeline_id="stock", trigger_type=Trigger.MANUAL
    )
    result = run("apply", "-f", str(file), "-y", env=WIDE)
    assert "name: several triggers of the pipeline are called so" in result.stderr


def test_what_is_no_text(run: Run, tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_bytes(b"\xff\xfe")
    result = run("apply", "-f", str(tmp_path / "f.yaml"))
    assert result.exit_code == 2
    assert "is no text in UTF-8" in " ".join(result.stderr.replace("│", "").split())
    gone = run("apply", "-f", str(tmp_path / "none.yaml"), env=WIDE)
    assert gone.exit_code == 2
    assert "none.yaml: No such file or directory" in gone.stderr
