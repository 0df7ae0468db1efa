from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headrace_server.core.storage.records import Change, FileRecords
from headrace_server.core.triggers import files as file_fires
from headrace_server.db import stored_files as file_rows
from headrace_server.db.stored_files import hash_of
from headrace_server.model.errors import NotFoundError
from headrace_server.model.mapping import Mapping
from headrace_server.model.page import PageRequest
from headrace_server.model.pipeline import Definition, Ingest, Step
from headrace_server.model.storage import FileStatus, StoredFile
from headrace_server.model.trigger import ExecutionStatus, OnResume, Overlap, Trigger, TriggerType

from .conftest import CALLER, PIPELINE, Site

DETECTED, PENDING, IGNORED = FileStatus.DETECTED, FileStatus.PENDING, FileStatus.IGNORED
NOW = datetime.now(UTC)


async def follow(site: Site) -> None:
    await site.core.triggers.follower._files.follow()


async def trigger_of(site: Site, pipeline_id: str = PIPELINE, **settings: object) -> Trigger:
    settings = {"folder_path": "/in", "overlap": Overlap.ALLOW, **settings}
    return await site.create(TriggerType.FILE, pipeline_id, **settings)


async def put(
    site: Site,
    trigger: Trigger,
    *names: str,
    status: FileStatus = IGNORED,
    version: str = "1",
    modified_at: datetime = NOW,
    **more: Any,
) -> None:
    """Have files stand as the watcher would say that they do."""
    watch_id = trigger.watch_id or ""
    records = FileRecords(site.core.store, site.core.wakeups)
    async with records.changing("default") as writing:
        hashes = [hash_of(f"/in/{name}") for name in names]
        known = await file_rows.found(writing.connection, watch_id, hashes)
        changes = []
        for name, path_hash in zip(names, hashes, strict=True):
            before = known.get(path_hash)
            file = before or StoredFile(
                watch_id, "default", f"/in/{name}", 7, NOW, version, status, NOW, NOW
            )
            changed = replace(
                file, status=status, fingerprint=version, modified_at=modified_at, **more
            )
            changes.append(Change(before, changed))
        await writing.write(changes)


async def fired(site: Site, trigger: Trigger) -> list[str]:
    """The files that fired a trigger, oldest first."""
    return [str(each.event["file"]) for each in await site.history(trigger.trigger_id)]


async def test_each_version_of_a_file_fires_once_when_it_is_whole(site: Site) -> None:
    trigger = await trigger_of(site, parameters={"file": "{{ event.file }}"})
    await put(site, trigger, "a.csv", status=DETECTED)
    await follow(site)
    assert await fired(site, trigger) == []
    await put(site, trigger, "a.csv", status=IGNORED)
    await follow(site)
    (entry,) = await site.history(trigger.trigger_id)
    assert entry.event["file"] == "/in/a.csv"
    assert (await site.run(entry.run_id)).parameters["file"] == "/in/a.csv"
    for status in (PENDING, FileStatus.GONE, IGNORED):
        await put(site, trigger, "a.csv", status=status)
        await follow(site)
    assert len(await fired(site, trigger)) == 1
    await put(site, trigger, "a.csv", status=IGNORED, version="2")
    await follow(site)
    await follow(site)
    assert await fired(site, trigger) == ["/in/a.csv", "/in/a.csv"]


async def test_a_file_that_is_imported_meanwhile_fires_for_what_was_taken(site: Site) -> None:
    trigger = await trigger_of(site)
    await put(
        site, trigger, "a.csv", status=FileStatus.IMPORTING, version="2", taken_fingerprint="1"
    )
    await follow(site)
    await put(
        site, trigger, "a.csv", status=FileStatus.IMPORTED, version="1", taken_fingerprint="1"
    )
    await follow(site)
    assert len(await fired(site, trigger)) == 1
    await put(site, trigger, "b.csv", status=FileStatus.FAILED)
    await follow(site)
    assert await fired(site, trigger) == ["/in/a.csv", "/in/b.csv"]


async def test_only_names_that_match_fire(site: Site) -> None:
    trigger = await trigger_of(site, file_pattern="Orders_*.csv")
    await put(site, trigger, "orders_1.csv", "ORDERS_2.CSV", "orders_3.txt", "my_orders_4.csv")
    await follow(site)
    assert sorted(await fired(site, trigger)) == ["/in/ORDERS_2.CSV", "/in/orders_1.csv"]


async def test_files_that_were_known_before_do_not_fire(site: Site) -> None:
    first = await trigger_of(site)
    await put(site, first, "a.csv")
    second = await trigger_of(site)
    assert second.watch_id == first.watch_id
    await put(site, first, "b.csv")
    await follow(site)
    assert await fired(site, first) == ["/in/a.csv", "/in/b.csv"]
    assert await fired(site, second) == ["/in/b.csv"]


async def test_many_files_fire_in_parts(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_fires, "_MOST_FIRES", 3)
    monkeypatch.setattr(file_fires, "AT_ONCE", 4)
    trigger = await trigger_of(site)
    names = [f"{number:02}.csv" for number in range(14)]
    for name in names:
        await put(site, trigger, name)
    await follow(site)
    assert sorted(await fired(site, trigger)) == [f"/in/{name}" for name in names]


@pytest.mark.parametrize("how", OnResume)
async def test_files_that_came_while_it_was_paused(site: Site, how: OnResume) -> None:
    trigger = await trigger_of(site)
    triggers = site.core.triggers.triggers
    await triggers.pause(CALLER, trigger.trigger_id)
    await put(site, trigger, "a.csv")
    await follow(site)
    assert await fired(site, trigger) == []
    await triggers.resume(CALLER, trigger.trigger_id, how)
    await put(site, trigger, "b.csv")
    await follow(site)
    made_up = ["/in/a.csv"] if how is OnResume.MAKE_UP else []
    assert await fired(site, trigger) == [*made_up, "/in/b.csv"]


async def test_a_folder_that_is_not_there(site: Site) -> None:
    with pytest.raises(NotFoundError):
        await trigger_of(site, folder_path="/in/none")
    with pytest.raises(NotFoundError):
        await trigger_of(site, folder_path="/elsewhere")


async def test_a_file_that_its_own_run_writes_is_a_loop(site: Site, inbox: Path) -> None:
    target = f"file:{inbox}/out_{{{{ execution_date }}}}.json"
    step = Step("write", Ingest((Mapping("m1", "crm", target, {}),)))
    await site.core.runs.pipelines.update(CALLER, PIPELINE, Definition("Sync", (step,)))
    trigger = await trigger_of(site)
    await put(site, trigger, "in.csv")
    await follow(site)
    (run,) = (await site.core.services.runs.list(CALLER, PageRequest())).items
    written = f"out_{run.nominal_time.date()}.json"
    await put(site, trigger, written, modified_at=datetime.now(UTC))
    # Beside it come files that no step writes, one of the same form, and one of before the run.
    await put(site, trigger, "out_2024-06-30.json", modified_at=datetime.now(UTC))
    await put(site, trigger, "other.csv", modified_at=datetime.now(UTC))
    old = datetime.now(UTC) - timedelta(hours=1)
    await put(site, trigger, "out_2026-11-27.json", modified_at=old)
    await follow(site)
    found = {each.event["file"]: each for each in await site.history(trigger.trigger_id)}
    loop = found.pop(f"/in/{written}")
    assert loop.status is ExecutionStatus.SKIPPED
    assert "this is a loop" in str(loop.reason)
    assert all(each.status is ExecutionStatus.RUNNING for each in found.values())
    assert len(found) == 4


async def test_a_loop_by_way_of_another_trigger(site: Site, inbox: Path) -> None:
    for name in ("a", "b"):
        step = Step("write", Ingest((Mapping("m1", "crm", f"file:{inbox}/{name}.json", {}),)))
        await site.core.runs.pipelines.create(CALLER, name, Definition(name, (step,)))
    first = await trigger_of(site, "a", file_pattern="b.json")
    second = await trigger_of(site, "b", file_pattern="a.json")
    old = datetime.now(UTC) - timedelta(hours=1)
    await put(site, first, "b.json", modified_at=old)
    await follow(site)
    await put(site, first, "a.json", modified_at=datetime.now(UTC))
    await follow(site)
    (entry,) = await site.history(second.trigger_id)
    assert entry.status is ExecutionStatus.RUNNING
    assert (await site.run(entry.run_id)).event["chain"] == [first.trigger_id, second.trigger_id]
    await put(site, first, "b.json", version="2", modified_at=datetime.now(UTC))
    await follow(site)
    _, again = await site.history(first.trigger_id)
    assert again.status is ExecutionStatus.SKIPPED
    assert f"by way of {second.trigger_id}" in str(again.reason)
