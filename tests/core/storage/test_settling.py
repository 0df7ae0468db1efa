"""Files keep up with their imports, on each engine."""

from datetime import timedelta

import pytest

from headrace_server.core.storage.notifications import NOTIFY
from headrace_server.model.ingestion import Status
from headrace_server.model.storage import FolderWatch, ImportConfig

from .conftest import Share


async def _importing(share: Share, *names: str, config: ImportConfig) -> FolderWatch:
    watch = await share.watch(auto_import=True, stable=timedelta(0), config=config)
    for name in names:
        share.write(name)
    await share.look(watch)
    await share.taker.take(watch)
    return watch


TOLD = ImportConfig(notification_url="https://hooks.example/x", notification_email="a@b.example")


async def test_each_end(share: Share) -> None:
    await _importing(share, "a.csv", "b.csv", "c.csv", "d.csv", "e.csv", config=ImportConfig())
    await share.end("a.csv", Status.COMPLETED, rows_loaded=3)
    await share.end("b.csv", Status.COMPLETED_WITH_ERRORS, rows_loaded=2, details="1 row rejected")
    await share.end("c.csv", Status.FAILED, details="no header")
    await share.end("d.csv", Status.CANCELLED)
    await share.end("e.csv", Status.IN_PROGRESS, rows_loaded=1)
    assert await share.settler.settle() == 4
    stored = await share.stored()
    assert {n: (f.status.value, f.rows_imported, f.error) for n, f in stored.items()} == {
        "a.csv": ("IMPORTED", 3, None),
        "b.csv": ("IMPORTED_WITH_ERRORS", 2, "1 row rejected"),
        "c.csv": ("FAILED", 0, "no header"),
        "d.csv": ("FAILED", 0, "the import was cancelled"),
        "e.csv": ("IMPORTING", 0, None),
    }
    assert await share.settler.settle() == 0


async def test_an_import_goes_on_after_its_end(share: Share) -> None:
    watch = await _importing(share, "a.csv", config=ImportConfig())
    await share.watches.stop(share.acme, watch.watch_id)
    seen = []
    for status, rows in (
        (Status.FAILED, 0),
        (Status.PENDING, 0),  # by RetryIngestion
        (Status.COMPLETED_WITH_ERRORS, 5),
        (Status.COMPLETED_WITH_ERRORS, 6),  # a parked row was released
        (Status.COMPLETED, 7),
    ):
        await share.end("a.csv", status, rows_loaded=rows, details="some")
        assert await share.settler.settle() == 1
        (file,) = (await share.stored()).values()
        seen.append((file.status.value, file.rows_imported, file.error))
    assert seen == [
        ("FAILED", 0, "some"),
        ("IMPORTING", 0, None),
        ("IMPORTED_WITH_ERRORS", 5, "some"),
        ("IMPORTED_WITH_ERRORS", 6, "some"),
        ("IMPORTED", 7, None),
    ]


async def test_many_end_at_once(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace_server.core.storage.settling.AT_ONCE", 2)
    names = [f"{name}.csv" for name in "abcde"]
    await _importing(share, *names, config=ImportConfig())
    for name in names:
        await share.end(name, Status.COMPLETED)
    assert await share.settler.settle() == 5
    revisions = sorted(file.revision for file in (await share.stored()).values())
    assert len(set(revisions)) == 3


async def test_an_end_is_told_in_each_way_once(share: Share) -> None:
    await _importing(share, "a.csv", config=TOLD)
    await share.end("a.csv", Status.COMPLETED_WITH_ERRORS, rows_loaded=5, details="1 rejected")
    await share.settler.settle()
    await share.end("a.csv", Status.COMPLETED_WITH_ERRORS, rows_loaded=6, details="1 rejected")
    await share.settler.settle()
    told = await share.jobs.claim("w", [NOTIFY], 10)
    assert [("url" in job.payload, "email" in job.payload) for job in told] in (
        [(True, False), (False, True)],
        [(False, True), (True, False)],
    )
    event = told[0].payload["event"]
    assert event["type"] == "file.imported_with_errors"
    assert event["data"]["file_path"] == "/mnt/share/a.csv"
    assert (event["data"]["rows_imported"], event["data"]["error"]) == (5, "1 rejected")
    await share.end("a.csv", Status.COMPLETED, rows_loaded=7)
    await share.settler.settle()
    (again, _) = await share.jobs.claim("w", [NOTIFY], 10)
    assert again.payload["event"]["type"] == "file.imported"
    assert again.payload["id"] not in {job.payload["id"] for job in told}


async def test_nobody_is_told_who_did_not_ask(share: Share) -> None:
    await _importing(share, "a.csv", config=ImportConfig())
    await share.end("a.csv", Status.COMPLETED)
    await share.settler.settle()
    assert await share.jobs.claim("w", [NOTIFY], 10) == []
