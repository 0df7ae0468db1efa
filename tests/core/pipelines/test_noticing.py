"""The watcher sees what steps wait for end and come further; nothing of it is done twice."""

import asyncio

from headrace_server.core.pipelines.noticing import RunWatcher
from headrace_server.core.pipelines.runs import ADVANCE_RUN
from headrace_server.db import run_children
from headrace_server.db import runs as run_rows
from headrace_server.db.wakeups import JOBS, job_topic, run_topic
from headrace_server.model.mapping import Mapping
from headrace_server.model.pipeline import Ingest, StepKind
from headrace_server.model.run import OpenChild

from .conftest import CALLER, Floor, step


async def test_it_listens_to_what_steps_wait_for(floor: Floor) -> None:
    assert await floor.core.runs.watcher.look() == frozenset()
    run_id = await floor.run_of(step("a"), step("b", settings=Ingest(_mappings(1))))
    children = {each.step_id: str(each.child_id) for each in (await floor.get(run_id)).steps}
    heard = await floor.core.runs.watcher.look()
    assert heard == {job_topic(children["a"]), f"ingestion:{children['b']}"}


def _mappings(count: int) -> tuple[Mapping, ...]:
    return tuple(Mapping(f"m{n}", "source", "target", {}) for n in range(count))


async def test_a_run_is_called_once_however_many_look(floor: Floor) -> None:
    await floor.run_of(step("a"))
    (claimed,) = await floor.core.services.remote_claims.poll(CALLER, "w", ["a"], 1, 0)
    await floor.core.services.remote_jobs.cancel(CALLER, claimed.job.job_id)
    await asyncio.gather(*(floor.core.runs.watcher.look() for _ in range(3)))
    assert [job.kind for job in await floor.claim()] == [ADVANCE_RUN]
    # Its job runs: it will see for itself.
    await floor.core.runs.watcher.look()
    assert await floor.claim() == []


async def test_progress_is_noted_and_told(floor: Floor) -> None:
    run_id = await floor.run_of(step("a", settings=Ingest(_mappings(12))))
    before = await floor.get(run_id)
    (job,) = await floor.core.jobs.claim("tests", ["run_mappings"], 1)
    carrying = asyncio.create_task(floor.core.mappings.run(job))
    async with floor.core.wakeups.subscribe(run_topic(run_id)) as changes:
        async with asyncio.timeout(20):
            while True:
                await floor.core.runs.watcher.look()
                seen = await floor.get(run_id)
                if seen.steps[0].rows:
                    break
                await asyncio.sleep(0)
        assert await changes.wait(5)
    assert seen.revision > before.revision
    assert seen.rows == seen.steps[0].rows
    assert seen.steps[0].progress > 0
    await carrying


async def test_it_wakes_workers_when_something_ends(floor: Floor) -> None:
    run_id = await floor.run_of(step("a"), step("b", "a"))
    async with (
        floor.core.wakeups.subscribe(JOBS) as called,
        floor.core.runs.watcher.running(),
        asyncio.timeout(20),
    ):
        (claimed,) = await floor.core.services.remote_claims.poll(CALLER, "w", ["a"], 1, 0)
        await floor.core.services.remote_jobs.cancel(CALLER, claimed.job.job_id)
        while not (jobs := await floor.claim()):
            await called.wait(20)
    await floor.work(jobs[0])
    assert (await floor.get(run_id)).failed_steps == 1


async def test_a_fault_is_got_over(floor: Floor) -> None:
    core = floor.core
    await floor.run_of(step("a"))
    blind = RunWatcher(core.store, core.jobs, {}, core.wakeups)
    assert await blind._try_look() == frozenset()


async def test_what_is_known_of_children_is_read_once_for_all(floor: Floor) -> None:
    run_id = await floor.run_of(step("a"))
    child_id = str((await floor.get(run_id)).steps[0].child_id)
    async with floor.core.store.begin() as connection:
        (child,) = await run_children.open_children(connection)
        assert (child.run_id, child.child_id, child.kind) == (
            run_id,
            child_id,
            StepKind.REMOTE_JOB,
        )
        assert await run_children.run_of(connection, child_id) == run_id
        assert await run_children.run_of(connection, "other") is None
        assert not await run_rows.note_child(connection, run_id, "other", {"rows": 5})


async def test_tens_of_thousands_of_children_keep_no_run(floor: Floor) -> None:
    """More than a statement takes parameters."""
    waiting = [
        OpenChild("run", "default", kind, f"child_{number}", awaited=True, progress=0, rows=0)
        for kind in (StepKind.REMOTE_JOB, StepKind.INGEST)
        for number in range(40_000)
    ]
    async with floor.core.store.read() as connection:
        assert await floor.core.runs.watcher._states(connection, waiting) == {}
