"""Pipelines that are deleted while what starts them fires."""

import asyncio

import pytest

from headrace_server.core.triggers.webhooks import Delivery
from headrace_server.model.errors import NotFoundError, UnauthenticatedError
from headrace_server.model.page import PageRequest
from headrace_server.model.pipeline import Approval, Definition, Step
from headrace_server.model.run import RunStatus
from headrace_server.model.trigger import NewTrigger, Overlap, TriggerSettings, TriggerType

from .conftest import CALLER, Site
from .test_webhooks import Hook


async def hooks_of(site: Site, pipeline_id: str) -> list[Hook]:
    """Four webhooks of a new pipeline."""
    step = Step("ask", Approval("Go on?"))
    await site.core.runs.pipelines.create(CALLER, pipeline_id, Definition(pipeline_id, (step,)))
    new = NewTrigger(pipeline_id, TriggerType.WEBHOOK, TriggerSettings("t", overlap=Overlap.ALLOW))
    made = [await site.core.triggers.triggers.create(CALLER, new) for _ in range(4)]
    return [Hook(site, each.trigger.trigger_id, str(each.secret)) for each in made]


@pytest.mark.parametrize("number", range(3))
async def test_a_pipeline_is_deleted_while_its_triggers_fire(site: Site, number: int) -> None:
    hooks = await hooks_of(site, "p")
    fires = [hook.fire(b"{}", f"m{each}") for hook in hooks for each in range(3)]
    deletion = site.core.runs.pipelines.delete(CALLER, "p", force=True)
    fires.insert(3 * number, deletion)  # type: ignore[arg-type]
    found = await asyncio.gather(*fires, return_exceptions=True)
    assert found.pop(3 * number) is None
    # Those that came too late fire nothing.
    assert all(isinstance(each, Delivery | UnauthenticatedError) for each in found)
    runs = await site.core.services.runs.list(CALLER, PageRequest(), pipeline_id="p")
    assert all(run.status is RunStatus.CANCELLED for run in runs.items)


async def test_runs_are_resumed_while_their_pipeline_is_deleted(site: Site) -> None:
    hooks = await hooks_of(site, "p")
    fired = [await hook.fire(b"{}") for hook in hooks]
    run_ids = [str(each.execution.run_id) for each in fired if each.execution]
    for run_id in run_ids:
        await site.core.services.runs.cancel(CALLER, run_id)
    await site.work()
    resumed = [site.core.services.runs.resume(CALLER, run_id) for run_id in run_ids]
    deletion = site.core.runs.pipelines.delete(CALLER, "p", force=True)
    found = await asyncio.gather(*resumed[:2], deletion, *resumed[2:], return_exceptions=True)
    assert not [each for each in found if isinstance(each, BaseException)]
    with pytest.raises(NotFoundError):
        await site.core.runs.pipelines.get(CALLER, "p")
