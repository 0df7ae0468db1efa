import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.remote_job_pb2 import RemoteJob, RemoteJobResult
from typer.testing import Result

if TYPE_CHECKING:
    from client.fake.state import State

COPY = "cp {input} {output}"


@pytest.fixture
def job_id(run: Callable[..., Result]) -> str:
    return run("jobs", "create", "the source", "--content-type", "text").stdout.strip()


def hold(state: "State", job_id: str, **values: object) -> RemoteJob:
    job = state.remote_jobs[job_id]
    job.MergeFrom(RemoteJob(status=RemoteJob.PROCESSING, worker_id="[w1]", attempt=1))
    job.checkpoint["page"] = 3
    job.estimated_completion.seconds = 1_300_000_060
    return job


def test_nothing_yet(run: Callable[..., Result]) -> None:
    text = run("jobs").stdout
    assert "waiting: none" in text
    assert "dead: none" in text
    assert "no such jobs" in run("jobs", "list").stdout


def test_the_overview(run: Callable[..., Result], state: "State", job_id: str) -> None:
    for _ in range(3):
        run("jobs", "create", "s", "--content-type", "text", "--priority", "high")
    hold(state, "j1")
    state.remote_jobs["j2"].MergeFrom(
        RemoteJob(status=RemoteJob.TIMEOUT, terminal=True, error_message="took\ntoo long")
    )
    text = run("jobs", "--limit", "2").stdout
    assert "waiting: 2 or more jobs" in text
    assert "workers: 1 job\n" in text
    assert "[w1]" in text
    assert '{"page": 3' in text
    assert "took too long" in text
    assert "headrace jobs rearm ID" in text
    listed = [json.loads(line)["job_id"] for line in run("jobs", "--json").stdout.splitlines()]
    assert listed == ["j3", job_id, "j1", "j2"]


def test_the_list(run: Callable[..., Result], state: "State", job_id: str) -> None:
    assert job_id in run("jobs", "list", "--content-type", "text").stdout
    assert job_id in run("jobs", "list", "--status", "pending").stdout
    assert job_id not in run("jobs", "list", "--status", "completed").stdout
    assert len(run("jobs", "list", "--json").stdout.splitlines()) == 1


def test_one(run: Callable[..., Result], state: "State", job_id: str) -> None:
    job = hold(state, job_id)
    job.ingestion_task_id = "label"
    text = run("jobs", "show", job_id).stdout
    for shown in ("PROCESSING", "[w1]", '{"page": 3', "label", "likely end"):
        assert shown in text
    assert json.loads(run("jobs", "show", job_id, "--json").stdout)["worker_id"] == "[w1]"
    result = run("jobs", "show", "nothing")
    assert result.exit_code == 1
    assert "not found" in result.stderr


def test_a_dead_one_is_armed_again(run: Callable[..., Result], state: "State", job_id: str) -> None:
    state.remote_jobs[job_id].MergeFrom(
        RemoteJob(status=RemoteJob.FAILED, terminal=True, error_message="torn")
    )
    result = run("jobs", "show", job_id)
    assert result.exit_code == 1
    assert "torn" in result.stdout
    assert f"headrace jobs rearm {job_id}" in result.stdout
    assert "PENDING" in run("jobs", "rearm", job_id).stdout


def test_cancel_and_delete(run: Callable[..., Result], state: "State", job_id: str) -> None:
    result = run("jobs", "cancel", job_id)
    assert result.exit_code == 0
    assert "CANCELLED" in result.stdout
    watched = run("jobs", "watch", job_id)
    assert watched.exit_code == 1
    assert "CANCELLED" in watched.stderr
    assert f"deleted {job_id}" in run("jobs", "delete", job_id).stdout
    assert state.remote_jobs == {}


def test_work(run: Callable[..., Result], job_id: str) -> None:
    words = ("worker", "--content-type", "text", "--until-empty", "--worker-id", "w7", "--exec")
    result = run(*words, COPY)
    assert result.exit_code == 0
    assert f"{job_id} COMPLETED in" in result.stdout
    assert "w7 asks" in result.stderr
    assert run("jobs", "result", job_id).stdout == "the source\n"
    assert json.loads(run("jobs", "result", job_id, "--json").stdout)["content"] == "the source"
    last = json.loads(run("jobs", "watch", job_id, "--json").stdout.splitlines()[-1])
    assert last["status"] == "COMPLETED"
    assert f"headrace jobs result {job_id}" in run("jobs", "show", job_id).stdout


def test_failed_work(run: Callable[..., Result], job_id: str) -> None:
    words = (
        "worker",
        "--content-type",
        "text",
        "--until-empty",
        "--exec",
        "cp {input} /dev/null/x",
    )
    lines = run(*words, "--json").stdout.splitlines()
    documents = [json.loads(line) for line in lines]
    assert [document["attempt"] for document in documents] == [1, 2, 3]
    assert all("status 1" in document["message"] for document in documents)
    result = run("jobs", "result", job_id)
    assert result.exit_code == 1
    assert "no result" in result.stderr


def test_an_uploaded_result(
    run: Callable[..., Result], state: "State", job_id: str, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 8192
    state.files["t7"] = bytearray(content)
    state.job_results[job_id] = RemoteJobResult(
        success=True,
        upload_token="t7",  # noqa: S106  # a token in name only
    )
    assert run("jobs", "result", job_id).stdout_bytes == content
    assert '"t7"' in run("jobs", "result", job_id, "--json").stdout
    file = tmp_path / "result.bin"
    assert f"wrote {file}" in run("jobs", "result", job_id, "--output", str(file)).stdout
    assert file.read_bytes() == content


def test_a_download_that_is_cut_leaves_nothing(
    run: Callable[..., Result], state: "State", job_id: str, tmp_path: Path
) -> None:
    state.files["t7"] = bytearray(2 << 20)
    state.download_cuts = [1]
    state.job_results[job_id] = RemoteJobResult(
        success=True,
        upload_token="t7",  # noqa: S106  # a token in name only
    )
    assert run("jobs", "result", job_id, "--output", str(tmp_path / "result")).exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_is_here_is_uploaded(
    run: Callable[..., Result], state: "State", tmp_path: Path
) -> None:
    source = tmp_path / "page.html"
    source.write_bytes(b"<p>tin")
    words = ("jobs", "create", str(source), "--content-type", "text")
    made = json.loads(run(*words, "--upload", "--json").stdout)
    token = state.job_requests[made["job_id"]].source_file_path
    assert bytes(state.files[token]) == b"<p>tin"
    assert not state.ingestions
    kept = run(*words)
    assert kept.exit_code == 0
    assert "is a file here" in kept.stderr
    missing = run("jobs", "create", str(tmp_path / "x"), "--content-type", "text", "--upload")
    assert missing.exit_code == 2
    assert "is no file" in missing.stderr.replace("\n", " ")


def test_wrong_words(run: Callable[..., Result]) -> None:
    result = run("worker", "--content-type", "text", "--exec", "cp a b")
    assert result.exit_code == 2
    assert "needs {input}" in result.stderr
    result = run("worker", "--content-type", "text", "--exec", "no-such-program {input}")
    assert result.exit_code == 2
    assert "no program no-such-program" in result.stderr
    for options in ("[1]", "{"):
        words = ("jobs", "create", "s", "--content-type", "text", "--options", options)
        assert "not " in run(*words).stderr
