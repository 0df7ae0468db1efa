"""Looks at a real folder, written down on each engine."""

from dataclasses import replace
from datetime import timedelta

import pytest

from headrace_server.connectors.base import ConnectorError, MissingError
from headrace_server.core.storage import scanning as module
from headrace_server.core.storage.scanning import WatchLostError
from headrace_server.db import folder_watches as watch_rows
from headrace_server.db import stored_files as file_rows
from headrace_server.db.engine import ControlStore
from headrace_server.model.errors import NotFoundError
from headrace_server.model.ingestion import Status

from .conftest import FIRST, NOW, Share


async def _revision(store: ControlStore) -> int:
    async with store.read() as connection:
        return await file_rows.revision_of(connection, "acme")


async def test_a_file_from_its_notice_to_its_end(share: Share) -> None:
    watch = await share.watch(auto_import=True)
    path = share.write("a.csv", age=60)
    look = await share.scanner.look(watch)
    assert (look.waiting, look.next_stable) == (False, NOW + watch.stable)
    assert look.on_disk == share.folder
    (file,) = (await share.stored()).values()
    assert (file.file_path, file.size, file.status.value) == ("/mnt/share/a.csv", 4, "DETECTED")
    assert file.modified_at == NOW - timedelta(seconds=60)
    path.write_text("a\n1\n2\n")
    assert await share.look(watch, after=4) == {"a.csv": "DETECTED"}
    assert await share.look(watch, after=4) == {"a.csv": "DETECTED"}
    share.now += timedelta(seconds=1)
    look = await share.scanner.look(watch)
    assert (look.waiting, look.next_stable) == (True, None)
    await share.taker.take(watch)
    await share.end("a.csv", Status.COMPLETED, rows_loaded=2)
    await share.settler.settle()
    assert await share.look(watch, after=60) == {"a.csv": "IMPORTED"}
    path.unlink()
    assert await share.look(watch, after=1) == {"a.csv": "GONE"}


async def test_folders_below_count_where_they_shall(share: Share) -> None:
    for name in ("a.csv", "deep/er/b.csv", "c.txt", "deep/.d.csv", "e.csv.part"):
        share.write(f"in/{name}")
    flat = await share.watch("in", patterns=("*.csv",))
    assert list(await share.look(flat)) == ["a.csv"]
    deep = await share.watch("in", patterns=("*.csv",), recursive=True)
    assert list(await share.look(deep)) == ["a.csv", "b.csv"]
    paths = [file.file_path for file in (await share.stored()).values()]
    assert paths == ["/mnt/share/in/a.csv", "/mnt/share/in/deep/er/b.csv"]


async def test_many_files_are_written_in_parts_and_once(share: Share) -> None:
    for number in range(1100):
        (share.folder / f"f{number}.csv").touch()
    watch = await share.watch(stable=timedelta(0))
    await share.scanner.look(watch)
    assert await _revision(share.store) == 3
    (listed,) = (await share.watches.list(share.acme, FIRST)).items
    assert listed.files_detected == 1100
    await share.scanner.look(watch)
    assert await _revision(share.store) == 3


async def test_a_file_that_went_and_came_back_is_not_new(share: Share) -> None:
    watch = await share.watch(auto_import=True, stable=timedelta(0))
    path = share.write("a.csv")
    await share.look(watch)
    await share.taker.take(watch)
    await share.end("a.csv", Status.COMPLETED)
    await share.settler.settle()
    away = path.rename(share.folder.parent / "away")
    assert await share.look(watch, after=1) == {"a.csv": "GONE"}
    away.rename(path)
    assert await share.look(watch, after=1) == {"a.csv": "IMPORTED"}
    # Nor is it to whoever watches the folder again.
    await share.watches.stop(share.acme, watch.watch_id)
    again = await share.watch(auto_import=True)
    assert (again.watch_id, again.files_detected) == (watch.watch_id, 1)
    assert await share.look(again, after=60) == {"a.csv": "IMPORTED"}


async def test_what_another_has_changed_meanwhile_stays(share: Share) -> None:
    watch = await share.watch()
    share.write("a.csv")
    await share.look(watch, after=1)
    await share.look(watch, after=5)
    (before,) = (await share.stored()).values()
    await share.files.retry(share.acme, "/mnt/share/a.csv")
    async with share.store.begin() as connection:
        await file_rows.lock(connection, "acme")
        late = replace(before, error="late", revision=9)
        await file_rows.update(connection, [(before.revision, late)])
    (after,) = (await share.stored()).values()
    assert (after.status.value, after.error) == ("PENDING", None)


async def test_only_the_server_that_holds_a_watch_writes(share: Share) -> None:
    watch = await share.watch()
    share.write("a.csv")
    with pytest.raises(WatchLostError):
        await share.scanner_of("there").look(watch)
    with pytest.raises(WatchLostError):
        await share.scanner.look(replace(watch, recursive=True))
    await share.watches.stop(share.acme, watch.watch_id)
    with pytest.raises(WatchLostError):
        await share.scanner.look(watch)
    assert await share.stored() == {}


async def test_a_lease_that_ran_out_is_none(share: Share) -> None:
    watch = await share.watch()
    share.write("a.csv")
    share.now += timedelta(days=2)
    with pytest.raises(WatchLostError):
        await share.scanner.look(watch)
    assert [each.watch_id for each in await share.hold("there")] == [watch.watch_id]
    await share.scanner_of("there").look(watch)
    async with share.store.read() as connection:
        assert await watch_rows.held(connection, "here", watch.watch_id, share.now) is None


async def test_a_folder_that_cannot_be_read(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    share.write("in/a.csv")
    watch = await share.watch("in")
    (share.folder / "in").rename(share.folder / "out")
    with pytest.raises(MissingError):
        await share.scanner.look(watch)
    (share.folder / "out").rename(share.folder / "in")
    monkeypatch.setattr(module, "MOST_FILES", 0)
    with pytest.raises(ConnectorError, match="watch folders below it"):
        await share.scanner.look(watch)
    with pytest.raises(NotFoundError):
        await share.scanner.look(replace(watch, tenant_id="globex"))


async def test_a_quiet_folder_is_not_compared_again_until_something_changes(share: Share) -> None:
    path = share.write("a.csv")
    watch = await share.watch(stable=timedelta(0))
    for _ in range(3):
        assert await share.look(watch, after=1) == {"a.csv": "IGNORED"}
    await share.files.retry(share.acme, "/mnt/share/a.csv")
    assert await share.look(watch, after=1) == {"a.csv": "PENDING"}
    assert await share.look(watch, after=1) == {"a.csv": "PENDING"}
    path.unlink()
    assert await share.look(watch, after=1) == {"a.csv": "GONE"}
