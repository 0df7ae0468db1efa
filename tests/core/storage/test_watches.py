"""Watches begun, listed and stopped, on each engine."""

from datetime import timedelta

import pytest

from headrace_server.core.storage import watches as module
from headrace_server.core.storage.watches import NewWatch
from headrace_server.db import folder_watches as watch_rows
from headrace_server.model.errors import (
    InvalidFieldError,
    NotFoundError,
    QuotaExceededError,
    WrongStateError,
)
from headrace_server.model.file_import import (
    ImportMode,
    ImportOptions,
    NewColumns,
    TypeChanges,
)
from headrace_server.model.page import PageRequest
from headrace_server.model.storage import ImportConfig, LookStatus, OnOverwrite

from .conftest import FIRST, NOW, Share

ASKED = NewWatch(
    "/mnt/share/in/",
    patterns=("*.csv", "*.JSON"),
    recursive=True,
    auto_import=True,
    config=ImportConfig(
        target_table="raw.t",
        options=ImportOptions(
            mode=ImportMode.REPLACE,
            new_columns=NewColumns.RESCUE,
            type_changes=TypeChanges.REJECT_ROW,
            data_types={"id": "VARCHAR(50)"},
            infer_schema=False,
            null_values=("NULL", "N/A"),
            delimiter="\t",
            has_header=False,
            skip_lines=0,
            comment="",
        ),
        target_connector="conn",
        notification_email="a@b.example",
        notification_url="https://hooks.example/secret",
    ),
    on_overwrite=OnOverwrite.NEW_VERSION,
    stable=timedelta(seconds=0.5),
    poll=timedelta(seconds=0.1),
)


async def test_what_is_asked_comes_back(share: Share) -> None:
    (share.folder / "in").mkdir()
    made = await share.watches.watch(share.acme, ASKED)
    (listed,) = (await share.watches.list(share.acme, FIRST)).items
    assert listed == made
    assert (made.folder_path, made.patterns) == ("/mnt/share/in", ASKED.patterns)
    assert (made.config, made.on_overwrite) == (ASKED.config, ASKED.on_overwrite)
    assert (made.recursive, made.auto_import) == (True, True)
    assert (made.stable, made.poll) == (ASKED.stable, ASKED.poll)
    assert (made.status, made.looked_at, made.files_detected) == (LookStatus.SUCCESS, NOW, 0)
    assert (await share.watches.list(share.globex, FIRST)).items == ()


async def test_watching_again_replaces(share: Share) -> None:
    first = await share.watch(patterns=("*.csv",))
    looks = {first.watch_id: (NOW, "it is gone")}
    async with share.store.begin() as connection:
        await watch_rows.record_looks(connection, "there", NOW, {first.watch_id: (NOW, "other")})
        await watch_rows.record_looks(connection, "here", NOW, looks)
    (failed,) = (await share.watches.list(share.acme, FIRST)).items
    assert (failed.status, failed.error) == (LookStatus.FAILED, "it is gone")
    share.now += timedelta(hours=1)
    second = await share.watch(recursive=True)
    assert (second.watch_id, second.created_at) == (first.watch_id, NOW)
    assert (second.patterns, second.recursive, second.status) == ((), True, LookStatus.SUCCESS)


async def test_pages_and_stops(share: Share) -> None:
    for name in ("b", "a"):
        (share.folder / name).mkdir()
        await share.watch(name)
    first = await share.watches.list(share.acme, PageRequest(1))
    (rest,) = (await share.watches.list(share.acme, PageRequest(1, first.next_token))).items
    assert [first.items[0].folder_path, rest.folder_path] == ["/mnt/share/a", "/mnt/share/b"]
    with pytest.raises(NotFoundError, match=f"watch '{rest.watch_id}' not found"):
        await share.watches.stop(share.globex, rest.watch_id)
    await share.watches.stop(share.acme, rest.watch_id)
    with pytest.raises(NotFoundError):
        await share.watches.stop(share.acme, rest.watch_id)
    assert (await share.watches.list(share.acme, FIRST)).items == first.items


async def test_a_folder_that_cannot_be_watched(share: Share) -> None:
    for path, kind, words in (
        ("/mnt/share/gone", NotFoundError, "folder '/mnt/share/gone' not found"),
        ("/mnt/other", NotFoundError, "no mount holds this path"),
        ("/mnt/share/../x", InvalidFieldError, "folder_path: must hold no"),
        ("/", InvalidFieldError, "folder_path: must be an absolute path"),
    ):
        with pytest.raises(kind, match=words):
            await share.watches.watch(share.acme, NewWatch(path))
    with pytest.raises(NotFoundError, match="no mount holds"):
        await share.watches.watch(share.globex, NewWatch("/mnt/share"))
    wrong = ImportConfig(options=ImportOptions(mode=ImportMode.APPEND, key_columns=("id",)))
    with pytest.raises(InvalidFieldError, match="key_columns"):
        await share.watches.watch(share.acme, NewWatch("/mnt/share", config=wrong))


async def test_a_mount_that_goes_meanwhile(share: Share) -> None:
    watch = await share.watch()
    await share.watches.stop(share.acme, watch.watch_id)
    (mounted,) = (await share.mounts.list(share.acme, FIRST)).items
    await share.mounts.unmount(share.acme, mounted.mount.mount_id)
    with pytest.raises(WrongStateError, match="taken away meanwhile"):
        await share.watches._put(watch)


async def test_a_tenant_has_not_too_many(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WATCHES", 1)
    (share.folder / "in").mkdir()
    await share.watch()
    with pytest.raises(QuotaExceededError):
        await share.watch("in")
    await share.watch(recursive=True)
