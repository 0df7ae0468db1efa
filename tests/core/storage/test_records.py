"""What was taken of a file, on each engine."""

from datetime import timedelta

from headrace_server.model.ingestion import Status

from .conftest import Share


async def test_a_file_that_changed_before_it_was_copied_is_not_imported_twice(
    share: Share,
) -> None:
    watch = await share.watch(auto_import=True, stable=timedelta(0))
    share.write("a.csv")
    await share.look(watch)
    await share.taker.take(watch)
    share.write("a.csv", "longer")
    (file,) = (await share.stored()).values()
    copied = await share.mounts.stat("acme", file.file_path)
    taken = ("acme", watch.watch_id, file.import_id or "", file.file_path, copied.fingerprint)
    await share.records.took(*taken)
    (file,) = (await share.stored()).values()
    # Told again, or by an import that was followed by another, it changes nothing.
    await share.records.took(*taken)
    await share.records.took("acme", watch.watch_id, "other", file.file_path, "other")
    assert list((await share.stored()).values()) == [file]
    await share.end("a.csv", Status.COMPLETED)
    await share.settler.settle()
    assert await share.look(watch, after=60) == {"a.csv": "IMPORTED"}
