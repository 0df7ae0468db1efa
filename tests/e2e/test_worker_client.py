"""Workers of the client library and of the command against the real server."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict
from headrace.v1.mapping_pb2 import Mapping, MappingResult
from headrace.v1.remote_job_pb2 import RemoteJob
from headrace.v1.remote_job_service_pb2 import CreateRemoteJobRequest
from headrace.v1.tenant_pb2 import ApiKey

from headrace_client import AccessDeniedError, BlockingJob, Client, Job, Worker, WrongStateError
from headrace_client.attempt import AttemptEnd, Outcome

from .conftest import SESSIONS, Ended, Site, run_command

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXAMPLE = Path(__file__).parents[2] / "examples" / "html_worker.py"
PAGE = b"""<!doctype html><html><head><title>On lanterns</title><style>p { color: red }</style>
</head><body><h1>Lanterns &amp; lamps</h1>
<p>A lantern   is
carried; a lamp<br>stands.</p><ul><li>tin</li><li>gr\xc3\xbcn</li></ul>
<script>alert(1)</script></body>
"""
TEXT = "Lanterns & lamps\nA lantern is carried; a lamp\nstands.\n- tin\n- gr\u00fcn"


@pytest.fixture(params=["direct", "envoy"])
def address(site: Site, request: pytest.FixtureRequest) -> str:
    return site.grpc if request.param == "direct" else f"http://{site.http}"


async def uploaded(site: Site, content: bytes) -> str:
    """Upload a source that is only kept, and return its token."""
    token = (await site.post(SESSIONS, {"file_name": "page.html", "keep": True}))["upload_token"]
    await site.rest.patch(f"{SESSIONS}/{token}", params={"offset": 0}, content=content)
    assert "request_id" not in await site.post(f"{SESSIONS}/{token}/complete")
    return str(token)


@asynccontextmanager
async def working(*words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a Python program that ends clean on SIGTERM."""
    process = await asyncio.create_subprocess_exec(sys.executable, *words)
    yield process
    process.terminate()
    assert await process.wait() == 0


async def test_the_example_converts_a_page(site: Site, address: str) -> None:
    token = await uploaded(site, PAGE)
    async with working(str(EXAMPLE), address), Client(address) as client:
        created = await client.create_remote_job(token, "document")
        *_, last = [job async for job in client.watch_job(created.job_id)]
        assert last.status == RemoteJob.COMPLETED, last
        result = await client.get_job_result(created.job_id)
    assert result.content == TEXT
    assert MessageToDict(result.metadata) == {"title": "On lanterns", "words": 14}


async def test_any_program_converts(site: Site, tmp_path: Path) -> None:
    environment = {"HEADRACE_ADDRESS": site.grpc}

    async def headrace(*words: str | Path) -> Ended:
        return await run_command("headrace_client", *words, env=environment)

    source = tmp_path / "source.txt"
    source.write_bytes(b"one two three")
    program = tmp_path / "program.py"
    program.write_text(
        "import sys; _, kind, source, target = sys.argv\n"
        "if kind == 'torn': sys.exit('page 7 is torn')\n"
        "times = 200_000 if kind == 'large' else 1\n"
        "open(target, 'w').write(open(source).read().upper() * times)\n"
    )
    ids, kinds = {}, []
    for kind in ("upper", "torn", "large"):
        made = await headrace(
            "jobs", "create", source, "--upload", "--content-type", kind, "--json"
        )
        ids[kind] = made.documents()[0]["job_id"]
        kinds += ["--content-type", kind]
    command = f"{sys.executable} {program} {{content_type}} {{input}} {{output}}"
    ended = await headrace("worker", *kinds, "--until-empty", "--json", "--exec", command)
    assert ended.status == 0
    outcomes = {each["job_id"]: each["outcome"] for each in ended.documents()}
    assert outcomes == {
        ids["upper"]: "COMPLETED", ids["torn"]: "FAILED", ids["large"]: "COMPLETED"
    }  # fmt: skip
    assert (await headrace("jobs", "result", ids["upper"])).out == "ONE TWO THREE\n"
    large = tmp_path / "large.txt"
    assert (await headrace("jobs", "result", ids["large"], "--output", large)).status == 0
    assert large.read_text() == "ONE TWO THREE" * 200_000
    (torn,) = (await headrace("jobs", "show", ids["torn"], "--json")).documents()
    assert torn["error_message"].endswith("status 1: page 7 is torn")
    assert ids["torn"] in (await headrace("jobs")).out


async def test_plain_and_async_functions_in_numbers(site: Site, address: str) -> None:
    token = await uploaded(site, b"one two three")
    requests = [
        CreateRemoteJobRequest(source_file_path=token, content_type=kind)
        for kind in ("words", "letters") * 20
    ]
    ends: list[AttemptEnd] = []
    async with Client(address) as client:
        worker = Worker(client, concurrency=8, on_end=ends.append)

        @worker.handles("words")
        async def words(job: Job) -> str:
            await job.checkpoint(seen=1)
            return str(len((await job.read()).split()))

        @worker.handles("letters")
        def letters(job: BlockingJob) -> str:
            return str(len(job.read()))

        created = await client.create_remote_jobs(requests)
        await worker.run(until_empty=True)
        # An attempt that failed waits for its back-off, for which `until_empty` does not stay.
        assert [end for end in ends if end.outcome is not Outcome.COMPLETED] == []
        assert len(ends) == len(requests), "claims that the worker never heard of"
        results = [await client.get_job_result(outcome.job.job_id) for outcome in created]
    assert [result.content for result in results] == ["3", "13"] * 20


async def test_a_worker_needs_its_scope_only(idle_site: Site) -> None:
    async with Client(idle_site.grpc, api_key=idle_site.admin) as admin:
        key = await admin.create_api_key("default", [ApiKey.WORKER])
        created = await admin.create_remote_job("/data/x", "scoped")
        async with Client(idle_site.grpc, api_key=key.secret) as client:
            worker = Worker(client)

            @worker.handles("scoped")
            async def convert(job: Job) -> str:
                await job.checkpoint(seen=True)
                return "converted " * 500_000

            await worker.run(until_empty=True)
            for call in (client.get_job_result(created.job_id), client.upload(EXAMPLE, keep=True)):
                with pytest.raises(AccessDeniedError):
                    await call
        content = [block async for block in admin.download_result(created.job_id)]
        assert b"".join(content).decode() == "converted " * 500_000
        token = (await admin.get_job_result(created.job_id)).upload_token
        await admin.delete_job(created.job_id)
        assert not idle_site.core.config.spool_dir.joinpath("uploads", token).exists()


async def test_a_large_result_by_either_way(site: Site, address: str) -> None:
    token = await uploaded(site, bytes(range(256)) * 40_000)
    async with Client(address) as client:
        worker = Worker(client)

        @worker.handles("hex")
        async def convert(job: Job) -> str:
            return (await job.read()).hex()

        created = await client.create_remote_job(token, "hex")
        await worker.run(until_empty=True)
        blocks = [block async for block in client.download_result(created.job_id)]
    assert bytes.fromhex(b"".join(blocks).decode()) == bytes(range(256)) * 40_000


async def test_mappings_wait_for_the_jobs_that_name_them(site: Site) -> None:
    """The pages are converted while the mappings run; the request ends with the last of both."""
    async with Client(site.grpc) as client:
        listed = [Mapping(id=f"m{n}", source="source_1", target="target_1") for n in range(4000)]
        request_id = (await client.create_ingestion(listed)).request_id
        created = await client.create_remote_job("/data/x", "page", ingestion_task_id=request_id)
        (held,) = await client.poll_jobs("w", ["page"])
        async for message in client.watch(request_id):
            if message.processed_mappings == 4000:
                assert not message.terminal
                assert message.details.endswith("remote jobs are waited for")
                break
        answer = await client.submit_result(created.job_id, held.attempt, success=True)
        assert answer.ingestion_continued
        last = await client.get_status(request_id)
    assert (last.terminal, last.progress) == (True, 100)


async def test_a_cancelled_job_refuses_its_result(site: Site) -> None:
    async with Client(site.grpc) as client:
        created = await client.create_remote_job("/data/x", "refused")
        (held,) = await client.poll_jobs("w", ["refused"])
        await client.cancel_job(held.job_id)
        assert (await client.heartbeat_job(held.job_id, "w", held.attempt)).cancelled
        with pytest.raises(WrongStateError):
            await client.submit_result(created.job_id, held.attempt, success=True)
        assert (await client.rearm_job(held.job_id)).status == RemoteJob.PENDING
        await client.cancel_job(held.job_id)
        await client.delete_job(held.job_id)


async def test_mappings_by_library_and_command(site: Site, tmp_path: Path) -> None:
    listed = [Mapping(id=f"m{n}", source="source_1", target="target_1") for n in range(250)]
    async with Client(site.grpc) as client:
        answer = await client.create_ingestion(listed)
        *_, last = [message async for message in client.watch(answer.request_id)]
        assert (last.processed_mappings, last.progress) == (250, 100)
        results = [each async for each in client.list_mapping_results(answer.request_id)]
    assert [result.id for result in results] == [mapping.id for mapping in listed]
    failed = sum(result.status == MappingResult.FAILED for result in results)
    assert failed == last.failed_mappings
    file = tmp_path / "mappings.ndjson"
    file.write_text("".join(f'{{"id": "{n}", "source": "s", "target": "t"}}\n' for n in range(20)))
    environment = {"HEADRACE_ADDRESS": site.grpc}
    ended = await run_command("headrace_client", "mappings", "submit", file, env=environment)
    assert ended.status in {0, 3}
    assert "20 of 20 mappings" in ended.out


async def test_mappings_that_are_refused(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "mappings.json"
    file.write_text('[{"id": "a", "source": "gopher://x/y", "target": "t"}]')
    environment = {"HEADRACE_ADDRESS": site.grpc}
    ended = await run_command("headrace_client", "mappings", "submit", file, env=environment)
    assert ended.status == 2
    assert "mappings[0].source" in ended.err
    assert "gopher" in ended.err
