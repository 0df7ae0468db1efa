"""Files listed, tried again and followed, on each engine."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

import pytest

from headrace_server.core.storage import files as module
from headrace_server.core.storage.files import FileFilter, FilesChange
from headrace_server.model.errors import InvalidFieldError, NotFoundError, WrongStateError
from headrace_server.model.ingestion import Status
from headrace_server.model.page import PageRequest
from headrace_server.model.storage import FileStatus, FolderWatch

from .conftest import FIRST, Share


async def _noticed(share: Share, *names: str, folder: str = "in") -> FolderWatch:
    for name in names:
        share.write(f"{folder}/{name}")
    watch = await share.watch(folder, stable=timedelta(0))
    await share.scanner.look(watch)
    return watch


async def test_lists(share: Share) -> None:
    await _noticed(share, "b.csv", "a.csv")
    other = await _noticed(share, "c.csv", folder="other")
    await share.files.retry(share.acme, "/mnt/share/in/b.csv")

    async def names(watch_id: str = "", status: FileStatus | None = None) -> list[str]:
        listed = await share.files.list(share.acme, FileFilter(watch_id, status), FIRST)
        assert listed.total == len(listed.page.items)
        return [file.file_path for file in listed.page.items]

    everything = ["/mnt/share/in/a.csv", "/mnt/share/in/b.csv", "/mnt/share/other/c.csv"]
    assert await names() == everything
    assert await names(other.watch_id) == everything[2:]
    assert await names(status=FileStatus.PENDING) == everything[1:2]
    assert await names(other.watch_id, FileStatus.PENDING) == []
    assert await names("no-such-watch") == []
    nothing = await share.files.list(share.globex, FileFilter(other.watch_id), FIRST)
    assert (nothing.page.items, nothing.total) == ((), 0)


async def test_pages(share: Share) -> None:
    await _noticed(share, "a.csv", "b.csv", "c.csv")
    # The same files, in another watch.
    both = await share.watch(recursive=True, stable=timedelta(0))
    await share.scanner.look(both)
    seen, token = [], ""
    while True:
        listed = await share.files.list(share.acme, FileFilter(), PageRequest(2, token))
        assert listed.total == 6
        seen += [(file.file_path[-5:], file.watch_id) for file in listed.page.items]
        token = listed.page.next_token
        if not token:
            break
    assert len(set(seen)) == 6
    assert seen == sorted(seen)
    with pytest.raises(InvalidFieldError, match="page_token"):
        await share.files.list(share.acme, FileFilter(), PageRequest(2, "nonsense"))


async def test_a_file_is_tried_again(share: Share) -> None:
    watch = await _noticed(share, "a.csv")
    again = await share.files.retry(share.acme, "/mnt/share/in/a.csv")
    assert again == (await share.stored())["a.csv"]
    assert again.status is FileStatus.PENDING
    with pytest.raises(WrongStateError, match="the file is PENDING: only what is FAILED"):
        await share.files.retry(share.acme, "/mnt/share/in/a.csv")
    # Ignored or not, it is imported now.
    assert await share.taker.take(watch) == 1
    await share.end("a.csv", Status.FAILED, details="no header")
    await share.settler.settle()
    again = await share.files.retry(share.acme, "/mnt/share/in/a.csv")
    assert (again.status, again.error, again.imports) == (FileStatus.PENDING, None, 1)
    assert await share.taker.take(watch) == 1
    assert (await share.stored())["a.csv"].imports == 2


async def test_a_file_that_cannot_be_tried_again(share: Share) -> None:
    watch = await _noticed(share, "a.csv")
    for caller, path in ((share.globex, "in/a.csv"), (share.acme, "in/b.csv")):
        with pytest.raises(NotFoundError):
            await share.files.retry(caller, f"/mnt/share/{path}")
    with pytest.raises(InvalidFieldError):
        await share.files.retry(share.acme, "/mnt/share/in/../in/a.csv")
    await share.watches.stop(share.acme, watch.watch_id)
    with pytest.raises(WrongStateError, match="no longer watched"):
        await share.files.retry(share.acme, "/mnt/share/in/a.csv")


async def test_a_stream_tells_all_and_then_each_change(share: Share) -> None:
    await _noticed(share, "a.csv", "b.csv")
    async with asyncio.timeout(20), aclosing(share.files.stream(share.acme, 0)) as stream:
        first = await anext(stream)
        assert {file.file_path[-5:] for file in first.files} == {"a.csv", "b.csv"}
        assert await anext(stream) == FilesChange(first.revision, ())  # a heartbeat
        await share.files.retry(share.acme, "/mnt/share/in/b.csv")
        change = await _next_of(stream)
        assert [(f.file_path[-5:], f.status.value) for f in change.files] == [("b.csv", "PENDING")]
    async with asyncio.timeout(20), aclosing(share.files.stream(share.acme, 1)) as stream:
        # What it missed, and nothing else.
        assert (await anext(stream)).files == change.files
    async with asyncio.timeout(20), aclosing(share.files.stream(share.acme, 99)) as stream:
        assert len((await anext(stream)).files) == 2
    async with asyncio.timeout(20), aclosing(share.files.stream(share.globex, 0)) as stream:
        assert await anext(stream) == FilesChange(0, ())


async def _next_of(stream: AsyncGenerator[FilesChange, None]) -> FilesChange:
    while True:
        change = await anext(stream)
        if change.files:
            return change


async def test_a_stream_of_one_watch(share: Share) -> None:
    watch = await _noticed(share, "a.csv")
    await _noticed(share, "b.csv", folder="other")
    stream = share.files.stream(share.acme, 0, watch.watch_id)
    async with asyncio.timeout(20), aclosing(stream):
        first = await anext(stream)
        assert ([f.file_path[-5:] for f in first.files], first.revision) == (["a.csv"], 2)
        await share.files.retry(share.acme, "/mnt/share/other/b.csv")
        await share.files.retry(share.acme, "/mnt/share/in/a.csv")
        change = await _next_of(stream)
        assert [f.file_path[-5:] for f in change.files] == ["a.csv"]


async def test_many_changes_come_in_parts(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    async with asyncio.timeout(20), aclosing(share.files.stream(share.acme, 0)) as stream:
        assert (await anext(stream)).files == ()
        for name in "abcdefg":
            await _noticed(share, f"{name}.csv")
        seen: list[str] = []
        revisions: list[int] = []
        while len(seen) < 7:
            change = await _next_of(stream)
            seen += [file.file_path[-5] for file in change.files]
            revisions.append(change.revision)
        assert seen == list("abcdefg")
        assert revisions == sorted(revisions)
    async with asyncio.timeout(20), aclosing(share.files.stream(share.acme, 3)) as stream:
        assert [f.file_path[-5] for f in (await anext(stream)).files] == ["d", "e", "f"]
        assert [f.file_path[-5] for f in (await anext(stream)).files] == ["g"]
