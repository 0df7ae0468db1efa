"""The watcher at work on real folders; who holds which is in test_leases.py."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from headrace_server.core.imports.accepting import IMPORT_FILE
from headrace_server.core.storage import watcher as module
from headrace_server.core.storage.watches import NewWatch
from headrace_server.db import folder_watches as watch_rows
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import IMPORTS
from headrace_server.model.ingestion import Status
from headrace_server.model.storage import FolderWatch, LookStatus

from .conftest import FIRST, Share

#: asked for by looks that shall come soon
SOON: dict[str, Any] = {"stable": timedelta(0), "poll": timedelta(milliseconds=100)}


@pytest.fixture
async def store(migrated_sqlite_url: str) -> AsyncIterator[ControlStore]:
    """A store on one engine: what differs by engine is tested beside this."""
    store = ControlStore.open(migrated_sqlite_url)
    yield store
    await store.close()


async def _watch(share: Share, folder: str = "", **asked: Any) -> FolderWatch:
    path = f"/mnt/share/{folder}".rstrip("/")
    return await share.watches.watch(share.acme, NewWatch(path, **asked))


async def _until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not await holds():
            await asyncio.sleep(0.02)


async def _stand(share: Share, **statuses: str) -> bool:
    wanted = {f"{name}.csv": status for name, status in statuses.items()}
    return await share.statuses() == wanted


async def _held_by(share: Share, watcher_id: str) -> list[str]:
    async with share.store.read() as connection:
        held = await watch_rows.all_held(connection, watcher_id, share.now)
    return sorted(watch.folder_path.rpartition("/")[2] for watch in held)


async def test_a_file_is_imported_by_itself(share: Share) -> None:
    await _watch(share, auto_import=True, **SOON)
    async with share.watcher_of("here").running():
        await _until(lambda: _held_by(share, "here"))
        share.write("a.csv")
        await _until(partial(_stand, share, a="IMPORTING"))
        await share.end("a.csv", Status.COMPLETED, rows_loaded=1)
        share.wakeups.notify(IMPORTS)
        await _until(partial(_stand, share, a="IMPORTED"))
        (listed,) = (await share.watches.list(share.acme, FIRST)).items
        assert (listed.status, listed.files_detected) == (LookStatus.SUCCESS, 1)
    assert len(await share.jobs.claim("w", [IMPORT_FILE], 10)) == 1
    assert await _held_by(share, "here") == []


async def test_the_kernel_tells_before_the_poll(share: Share) -> None:
    await _watch(share, stable=timedelta(0), poll=timedelta(days=1))
    async with share.watcher_of("here").running():
        await _until(lambda: _held_by(share, "here"))
        numbers = iter(range(1000))

        async def noticed() -> bool:
            share.write(f"{next(numbers)}.csv")
            await asyncio.sleep(0.2)
            return bool(await share.stored())

        await _until(noticed)


async def test_a_file_is_taken_when_it_is_whole_not_at_the_next_poll(share: Share) -> None:
    await _watch(share, stable=timedelta(hours=1), poll=timedelta(hours=5))
    share.write("a.csv")
    async with share.watcher_of("here").running():
        await _until(partial(_stand, share, a="DETECTED"))
    watcher = share.watcher_of("here")
    held = module._Held(await _held(share))
    look = await watcher._look(held)
    assert watcher._pause(held, look) == timedelta(hours=1)


async def _held(share: Share) -> FolderWatch:
    await share.hold("here")
    (watch,) = (await share.watches.list(share.acme, FIRST)).items
    return watch


async def test_watches_that_change_or_end_are_followed(share: Share) -> None:
    share.write("a.csv")
    share.write("deep/b.csv")
    watch = await _watch(share, poll=timedelta(days=1))
    async with share.watcher_of("here").running():
        await _until(partial(_stand, share, a="DETECTED"))
        await _watch(share, poll=timedelta(days=1), recursive=True)
        await _until(partial(_stand, share, a="DETECTED", b="DETECTED"))
        await share.watches.stop(share.acme, watch.watch_id)
        await _until(lambda: _no_task(watch.watch_id))


async def _no_task(watch_id: str) -> bool:
    return all(task.get_name() != f"watch-{watch_id}" for task in asyncio.all_tasks())


async def test_a_folder_that_cannot_be_read_is_looked_at_again(share: Share) -> None:
    (share.folder / "in").mkdir()
    await _watch(share, "in", **SOON)
    (share.folder / "in").rmdir()

    async def status() -> LookStatus:
        (listed,) = (await share.watches.list(share.acme, FIRST)).items
        return listed.status

    async def failed() -> bool:
        return await status() is LookStatus.FAILED

    async def read() -> bool:
        return await status() is LookStatus.SUCCESS and bool(await share.stored())

    async with share.watcher_of("here").running():
        await _until(failed)
        (listed,) = (await share.watches.list(share.acme, FIRST)).items
        assert listed.error == "in: no such file or folder"
        share.write("in/a.csv")
        await _until(read)


async def test_the_back_off_doubles_up_to_five_minutes(share: Share) -> None:
    held = module._Held(await _watch(share, poll=timedelta(seconds=5)))
    watcher = share.watcher_of("here")
    pauses = []
    for failures in (0, 1, 2, 6, 7, 1000):
        held.failures = failures
        pauses.append(watcher._pause(held, None).total_seconds())
    assert pauses == [5, 10, 20, 300, 300, 300]
    slow = module._Held(await _watch(share, poll=timedelta(hours=1)), failures=1)
    assert watcher._pause(slow, None) == timedelta(hours=1)


async def test_a_fault_ends_nothing(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = await _watch(share, **SOON)
    watcher = share.watcher_of("here")
    look = watcher._scanner.look
    faults = [RuntimeError("a fault")]

    async def fail_once(watch: FolderWatch) -> Any:
        if faults:
            raise faults.pop()
        return await look(watch)

    monkeypatch.setattr(watcher._scanner, "look", fail_once)
    settle_faults = [RuntimeError("a fault")]

    async def settle() -> int:
        if settle_faults:
            raise settle_faults.pop()
        return 0

    monkeypatch.setattr(watcher._settler, "settle", settle)
    held = module._Held(watch)
    assert await watcher._look(held) is None
    await share.hold("here")
    await watcher._record_looks()
    (listed,) = (await share.watches.list(share.acme, FIRST)).items
    assert listed.error == "a fault of the server; its log tells more"
    share.write("a.csv")
    async with watcher.running():
        share.wakeups.notify(IMPORTS)
        await _until(partial(_stand, share, a="IGNORED"))


async def test_a_place_that_hangs_when_it_is_closed_holds_up_no_folder(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(share.mounts, "close_idle", hang)
    monkeypatch.setattr(module, "_ROUND_SECONDS", 0.01)
    await _watch(share, **SOON)
    async with share.watcher_of("here").running():
        share.write("a.csv")
        await _until(partial(_stand, share, a="IGNORED"))
        share.write("b.csv")
        await _until(partial(_stand, share, a="IGNORED", b="IGNORED"))


async def test_a_watch_that_is_lost_is_let_go(share: Share) -> None:
    watch = await _watch(share, **SOON)
    watcher = share.watcher_of("here")
    share.write("a.csv")
    assert await watcher._look(module._Held(watch)) is None
    (listed,) = (await share.watches.list(share.acme, FIRST)).items
    assert listed.status is LookStatus.SUCCESS
