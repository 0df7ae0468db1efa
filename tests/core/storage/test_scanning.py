from .conftest import Share
from headrace_server.model.ingestion import Status
from headrace_server.model.storage import ImportConfig, OnOverwrite


async def test_a_file_is_noticed_settles_and_is_imported(share: Share) -> None:
    watch = await share.watch(auto_import=True)
    share.write("a.csv")
    assert await share.look(watch) == {"a.csv": "DETECTED"}
    assert await share.look(watch, after=4.9) == {"a.csv": "DETECTED"}
    assert await share.look(watch, after=0.1) == {"a.csv": "PENDING"}
    assert await share.taker.take(watch) == 1
    assert await share.statuses() == {"a.csv": "IMPORTING"}
    await share.end("a.csv", Status.COMPLETED, rows_loaded=7)
    assert await share.settler.settle() == 1
    stored = (await share.stored())["a.csv"]
    assert (stored.status.value, stored.rows_imported, stored.imports) == ("IMPORTED", 7, 1)
    assert await share.look(watch, after=60) == {"a.csv": "IMPORTED"}
