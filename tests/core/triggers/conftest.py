"""A whole core on each engine with a pipeline that waits for approval, and nobody at work."""

from collections.abc import AsyncIterator, Callable
from concurrent import futures
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace_server.app import Core, open_core
from headrace_server.composition import foundation
from headrace_server.config import Config
from headrace_server.core.pipelines.runs import ADVANCE_RUN
from headrace_server.core.triggers.firing import CANCEL_RUNS
from headrace_server.db import triggers as trigger_rows
from headrace_server.model.page import PageRequest
from headrace_server.model.pipeline import Approval, Definition, Parameter, ParameterType, Step
from headrace_server.model.run import Run
from headrace_server.model.schedule import CatchUp, Schedule, TickPolicy
from headrace_server.model.storage import Place, StorageType
from headrace_server.model.tenant import Principal, Scope
from headrace_server.model.trigger import (
    Execution,
    NewTrigger,
    Trigger,
    TriggerSettings,
    TriggerType,
)

CALLER = Principal("default", frozenset({Scope.READ, Scope.WRITE}), None)
PIPELINE = "sync"
ALL = TickPolicy(CatchUp.ALL, timedelta(days=1))
EVERY_MINUTE = Schedule("* * * * *")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder that is mounted as /in."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@dataclass(frozen=True)
class Site:
    """A core and what a test does with it."""

    core: Core

    async def create(
        self, type_: TriggerType = TriggerType.CRON, pipeline_id: str = PIPELINE, **settings: Any
    ) -> Trigger:
        if type_ is TriggerType.CRON:
            settings = {"schedule": Schedule("@yearly"), **settings}
        new = NewTrigger(pipeline_id, type_, TriggerSettings("t", **settings))
        return (await self.core.triggers.triggers.create(CALLER, new)).trigger

    async def trigger(self, trigger_id: str) -> Trigger:
        return (await self.core.triggers.triggers.get(CALLER, trigger_id)).trigger

    async def history(self, trigger_id: str) -> list[Execution]:
        """What a trigger started, oldest first."""
        history = await self.core.triggers.times.history(CALLER, trigger_id, PageRequest(1000))
        return sorted(history.page.items, key=lambda each: (each.executed_at, each.nominal_at))

    async def due(self, trigger: Trigger, *, minutes: int = 1, policy: TickPolicy = ALL) -> None:
        """Have so many times of a trigger come, the last one now."""
        schedules = self.core.triggers.ticker._schedules
        now = datetime.now(UTC)
        since = now.replace(second=0, microsecond=0) - timedelta(minutes=minutes, seconds=-1)
        of = (trigger.tenant_id, "trigger", trigger.trigger_id)
        async with self.core.store.begin() as connection:
            await schedules.set(connection, *of, EVERY_MINUTE, policy, since=since)
        # The minute may be over by now: then another time would have come.
        schedules._clock = lambda: now
        await self.core.triggers.ticker.tick()
        schedules._clock = None

    async def work(self) -> None:
        """Move runs on as far as they go, and settle what they were started for."""
        kinds = {
            ADVANCE_RUN: self.core.runs.advancing.run,
            CANCEL_RUNS: self.core.triggers.manual.cancel_superseded,
        }
        while jobs := await self.core.jobs.claim("tests", list(kinds), 1):
            await kinds[jobs[0].kind](jobs[0])
        await self.core.triggers.follower._settler.settle()

    async def decide(self, run_id: str | None, *, approved: bool) -> None:
        """Have a run succeed, or fail."""
        assert run_id is not None
        await self.core.services.runs.approve(CALLER, run_id, "ask", approved=approved)
        await self.work()

    async def run(self, run_id: str | None) -> Run:
        assert run_id is not None
        return await self.core.services.runs.get(CALLER, run_id)

    async def set_paused_at(self, trigger_id: str, at: datetime) -> None:
        async with self.core.store.begin() as connection:
            await trigger_rows.update(connection, trigger_id, paused_at=at)


@pytest.fixture
async def site(
    tmp_path: Path,
    migrated_url: str,
    inbox: Path,
    lent_parsers: Callable[..., futures.Executor],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Site]:
    monkeypatch.setattr(foundation, "process_pool", lent_parsers)
    config = Config(
        data_dir=tmp_path / "data",
        database_url=migrated_url,
        parsers=1,
        allowed_roots=str(inbox),
        secret_keys="k1:" + "A" * 43 + "=",
    )
    async with open_core(config) as core:
        await core.services.mounts.mount(CALLER, "/in", Place(StorageType.LOCAL, str(inbox)))
        step = Step("ask", Approval("Go on?"))
        parameters = (Parameter("date", ParameterType.DATE), Parameter("file"))
        definition = Definition("Sync", (step,), parameters)
        await core.runs.pipelines.create(CALLER, PIPELINE, definition)
        yield Site(core)
