from typing import TYPE_CHECKING

import pytest
from client.fake.runs import example_run
from headrace.v1.run_pb2 import Run, RunLogLine, RunStep

from headrace_client import Client, NotFoundError, WrongStateError

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State


async def test_a_run_is_read_and_moved(server: "FakeServer", state: "State") -> None:
    state.runs["run_1"] = example_run()
    async with Client(server.address) as client:
        assert (await client.get_run("run_1")).progress == 50
        with pytest.raises(WrongStateError):
            await client.resume_run("run_1")
        assert (await client.cancel_run("run_1")).status == Run.CANCELLED
        assert (await client.resume_run("run_1")).status == Run.RUNNING
        approved = await client.approve_step("run_1", "mart", comment="fine")
        assert approved.steps[1].status == RunStep.SUCCEEDED
        rejected = await client.approve_step("run_1", "mart", approve=False)
        assert rejected.steps[1].status == RunStep.FAILED
        with pytest.raises(NotFoundError):
            await client.get_run("none")


async def test_a_watch_goes_on_where_it_was_cut(server: "FakeServer", state: "State") -> None:
    state.snapshots = [example_run(), example_run(revision=2)]
    state.runs["run_1"] = example_run(revision=3, status=Run.SUCCEEDED, terminal=True)
    state.watch_cuts = [1]
    async with Client(server.address) as client:
        seen = [run.revision async for run in client.watch_run("run_1")]
    assert seen == [1, 2, 3]
    assert state.count("WatchRun") == 2


async def test_runs_and_their_lines_are_listed(server: "FakeServer", state: "State") -> None:
    state.runs = {
        name: example_run(run_id=name, trigger_id=trigger)
        for name, trigger in (("a", "t"), ("b", ""), ("c", "t"))
    }
    state.run_logs = [RunLogLine(step_id=step, message=step) for step in ("load", "mart", "load")]
    async with Client(server.address) as client:
        listed = [run.run_id async for run in client.list_runs(trigger_id="t")]
        lines = [line.step_id async for line in client.list_run_logs("a", step_id="load")]
        everything = [line async for line in client.list_run_logs("a")]
    assert listed == ["c", "a"]
    assert lines == ["load", "load"]
    assert len(everything) == 3
