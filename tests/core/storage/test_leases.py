"""Which server looks at which folder, on each engine, by a clock of the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from headrace_server.core.storage.watcher import LEASE, Watcher
from headrace_server.core.storage.watches import NewWatch
from headrace_server.db import folder_watches as watch_rows
from headrace_server.model.storage import FolderWatch

from .conftest import Share


async def _watch(share: Share, folder: str = "", **asked: Any) -> FolderWatch:
    path = f"/mnt/share/{folder}".rstrip("/")
    return await share.watches.watch(share.acme, NewWatch(path, **asked))


async def _held_by(share: Share, watcher_id: str) -> list[str]:
    async with share.store.read() as connection:
        held = await watch_rows.all_held(connection, watcher_id, share.now)
    return sorted(watch.folder_path.rpartition("/")[2] for watch in held)


@asynccontextmanager
async def _holding(share: Share, watcher_id: str) -> AsyncIterator[Watcher]:
    """A server that holds watches without rounds of its own."""
    watcher = share.watcher_of(watcher_id)
    yield watcher
    await watcher._drop(list(watcher._held))


async def test_one_server_looks_at_a_folder(share: Share) -> None:
    for name in ("a", "b"):
        (share.folder / name).mkdir()
        await _watch(share, name, poll=timedelta(days=1))
    async with _holding(share, "one") as one, _holding(share, "two") as two:
        await one.hold()
        await two.hold()
        assert (await _held_by(share, "one"), await _held_by(share, "two")) == (["a", "b"], [])
        # It holds on to them for longer than its lease.
        share.now += LEASE / 2
        await one.hold()
        share.now += LEASE / 2
        await two.hold()
        assert (await _held_by(share, "one"), await _held_by(share, "two")) == (["a", "b"], [])
        # Until it is heard of no more.
        share.now += LEASE
        await two.hold()
        assert (await _held_by(share, "one"), await _held_by(share, "two")) == ([], ["a", "b"])
        await one.hold()
        assert (one._held, len(two._held)) == ({}, 2)


async def test_many_servers_share_watches(share: Share) -> None:
    for name in "abcd":
        (share.folder / name).mkdir()
        await _watch(share, name, poll=timedelta(days=1))
    watchers = [share.watcher_of(str(number)) for number in range(3)]
    await asyncio.gather(*(watcher.hold() for watcher in watchers))
    held = [await _held_by(share, str(number)) for number in range(3)]
    assert sorted(name for names in held for name in names) == list("abcd")
    for watcher in watchers:
        await watcher._drop(list(watcher._held))
