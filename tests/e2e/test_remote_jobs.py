"""Remote jobs over REST, as the documents show them."""

import json

import httpx
import pytest

from .conftest import SESSIONS, Json, Site, bad_fields, ok, reason

pytestmark = pytest.mark.asyncio(loop_scope="module")

JOBS = "/api/v1/remote-jobs"
REQUEST = {
    "source_file_path": "/data/uploads/interview.mp3",
    "content_type": "audio",
    "task_options": {"language": "en", "diarize": True},
    "ingestion_task_id": "task-123",
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def created(site: Site, **changes: object) -> str:
    return str((await site.post(f"{JOBS}/", {**REQUEST, **changes}))["job_id"])


async def polled(site: Site, content_types: str, **query: object) -> Json:
    return await site.get(f"{JOBS}/poll", worker_id="w1", content_types=content_types, **query)


@pytest.mark.parametrize("path", [JOBS, f"{JOBS}/"])
async def test_the_documented_round(site: Site, path: str) -> None:
    made = await site.post(path, REQUEST)
    assert set(made) == {"job_id", "status", "created_at"}
    assert made["status"] == "PENDING"
    job = await polled(site, "audio,video", max_jobs=1)
    assert job["job_id"] == made["job_id"]
    assert job["content_type"] == "audio"
    assert job["task_options"] == REQUEST["task_options"]
    assert job["source_file_url"].startswith(f"{JOBS}/{made['job_id']}/download")
    status = await site.get(f"{JOBS}/{made['job_id']}/status")
    assert (status["status"], status["worker_id"], status["retry_count"]) == ("PROCESSING", "w1", 0)
    assert {"created_at", "started_at", "estimated_completion"} <= set(status)
    result = {
        "success": True,
        "content": "# Interview",
        "metadata": {"duration": 12.5},
        "processing_time": 3.25,
    }
    answer = ok(await site.rest.put(f"{JOBS}/{made['job_id']}/result", json=result))
    assert answer == {"status": "COMPLETED", "ingestion_continued": False}
    assert ok(await site.rest.put(f"{JOBS}/{made['job_id']}/result", json=result)) == answer
    assert await site.get(f"{JOBS}/{made['job_id']}/result") == result
    ended = await site.get(f"{JOBS}/{made['job_id']}/status")
    assert (ended["status"], ended["worker_id"]) == ("COMPLETED", "w1")
    assert "completed_at" in ended
    assert "error_message" not in ended


async def test_no_job(site: Site) -> None:
    assert await polled(site, "nothing", wait_seconds=1) == {"jobs": []}


async def test_a_failure_runs_again_and_is_listed(site: Site) -> None:
    job_id = await created(site, content_type="document")
    await polled(site, "document")
    failure = {"success": False, "error_message": "no text layer"}
    answer = ok(await site.rest.put(f"{JOBS}/{job_id}/result", json=failure))
    assert answer == {"status": "PENDING", "ingestion_continued": False}
    listed = await site.get(JOBS, status="pending", content_type="document")
    (job,) = listed["jobs"]
    assert (job["error_message"], job["retry_count"]) == ("no text layer", 1)
    cancelled = await site.post(f"{JOBS}/{job_id}/cancel")
    assert cancelled["terminal"] is True
    assert (await site.post(f"{JOBS}/{job_id}/rearm"))["status"] == "PENDING"
    await site.post(f"{JOBS}/{job_id}/cancel")
    ok(await site.rest.delete(f"{JOBS}/{job_id}"))
    gone = await site.rest.get(f"{JOBS}/{job_id}/status")
    assert (gone.status_code, reason(gone)) == (404, "NOT_FOUND")


async def test_a_heartbeat_keeps_a_checkpoint(site: Site) -> None:
    job_id = await created(site, content_type="web")
    await polled(site, "web")
    beat = {"worker_id": "w1", "attempt": 1, "checkpoint": {"page": 7}}
    answer = await site.post(f"{JOBS}/{job_id}/heartbeat", beat)
    assert answer["cancelled"] is False
    assert (await site.get(f"{JOBS}/{job_id}/status"))["checkpoint"] == {"page": 7}
    stale = await site.rest.post(f"{JOBS}/{job_id}/heartbeat", json={**beat, "attempt": 2})
    assert reason(stale) == "WRONG_STATE"


async def test_a_job_is_given_back(site: Site) -> None:
    job_id = await created(site, content_type="back")
    await polled(site, "back")
    assert await site.post(f"{JOBS}/{job_id}/release", {"attempt": 1}) == {"status": "PENDING"}
    again = await polled(site, "back")
    assert (again["job_id"], again["attempt"]) == (job_id, 2)
    stale = await site.rest.post(f"{JOBS}/{job_id}/release", json={})
    assert (stale.status_code, reason(stale)) == (400, "WRONG_STATE")
    assert (await site.get(f"{JOBS}/{job_id}/status"))["retry_count"] == 0


async def test_batches_and_a_watch(site: Site) -> None:
    jobs = [{**REQUEST, "content_type": "batch"} for _ in range(3)]
    made = (await site.post(f"{JOBS}/batch", {"jobs": jobs}))["jobs"]
    ids = {each["job"]["job_id"] for each in made}
    given = (await polled(site, "batch", max_jobs=5))["jobs"]
    assert {job["job_id"] for job in given} == ids
    results = [{"job_id": job["job_id"], "success": True, "attempt": 1} for job in given]
    answers = (await site.post(f"{JOBS}/results", {"results": results}))["results"]
    assert [each["result"]["status"] for each in answers] == ["COMPLETED"] * 3
    async with site.rest.stream("GET", f"{JOBS}/{ids.pop()}/watch") as watch:
        (message,) = [json.loads(line) async for line in watch.aiter_lines()]
    assert (message["status"], message["terminal"]) == ("COMPLETED", True)


async def test_an_uploaded_source_is_downloaded_by_its_worker(site: Site) -> None:
    data = bytes(range(256)) * 8192
    session = await site.post(SESSIONS, {"file_name": "talk.mp3", "keep": True})
    token = session["upload_token"]
    await site.rest.patch(f"{SESSIONS}/{token}", params={"offset": 0}, content=data)
    completed = await site.post(f"{SESSIONS}/{token}/complete")
    assert (completed["status"], completed["data_type"]) == ("COMPLETED", "")
    assert "request_id" not in completed
    job_id = await created(site, content_type="file", source_file_path=token)
    url = (await polled(site, "file"))["source_file_url"]
    answer = await site.rest.get(url)
    assert answer.status_code == 200
    assert answer.content == data
    assert len(data) > 1 << 20
    forged = await site.rest.get(url[:-1] + ("0" if url[-1] != "0" else "1"))
    assert reason(forged) == "UNAUTHENTICATED"
    for wrong in ("nothing", token):
        stored = {"success": True, "upload_token": wrong}
        refused = await site.rest.put(f"{JOBS}/{job_id}/result", json=stored)
        assert bad_fields(refused) == ["upload_token"]
    content = data[::-1]
    made = await site.post(SESSIONS, {"file_name": "text", "job_id": job_id, "attempt": 1})
    result = made["upload_token"]
    await site.rest.patch(f"{SESSIONS}/{result}", params={"offset": 0}, content=content)
    await site.post(f"{SESSIONS}/{result}/complete")
    ok(
        await site.rest.put(
            f"{JOBS}/{job_id}/result", json={"success": True, "upload_token": result}
        )
    )
    assert (await site.get(f"{JOBS}/{job_id}/result"))["upload_token"] == result
    assert (await site.rest.get(f"{JOBS}/{job_id}/result/download")).content == content
    assert reason(await site.rest.get(url)) == "WRONG_STATE"


async def test_a_source_that_is_not_ours(site: Site) -> None:
    await created(site, content_type="elsewhere", source_file_path="/etc/passwd")
    answer: httpx.Response = await site.rest.get(
        (await polled(site, "elsewhere"))["source_file_url"]
    )
    assert (answer.status_code, reason(answer)) == (404, "NOT_FOUND")
    assert "no completed upload" in answer.json()["message"]
