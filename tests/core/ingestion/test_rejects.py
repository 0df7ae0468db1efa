import json

import pytest

from headrace_server.app import Core
from headrace_server.model.errors import InvalidFieldError, StorageUnavailableError
from headrace_server.model.ingestion import Ingestion, Status
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.warehouse import KeptRow

from .conftest import CALLER, Send, Work, customer, lines


async def page_of_rejects(
    core: Core, ingestion: Ingestion, size: int = 0, token: str = ""
) -> Page[KeptRow]:
    _, page = await core.services.rejects.list(
        CALLER, ingestion.request_id, rejected=True, parked=True, page=PageRequest(size, token)
    )
    return page


async def replay(
    core: Core, ingestion: Ingestion, corrections: dict[str, str], *, only: bool = False
) -> int:
    count, _ = await core.services.rejects.replay(
        CALLER, ingestion.request_id, corrections, only_corrections=only
    )
    return count


async def test_page_ends_at_its_bytes_and_cuts_long_rows(
    core: Core, send: Send, work: Work
) -> None:
    sizes = [2_000_000, 900_000, 900_000, 900_000, 900_000, 10, 10]
    bad = b"".join(b"x" * size + b"\n" for size in sizes)
    ingestion = await send("customers_1.ndjson", bad)
    await work()
    first = await page_of_rejects(core, ingestion)
    assert [(len(row.raw), row.raw_truncated) for row in first.items] == [
        (1 << 20, True),
        (900_000, False),
        (900_000, False),
    ]
    second = await page_of_rejects(core, ingestion, token=first.next_token)
    assert [len(row.raw) for row in second.items] == sizes[3:]
    assert second.next_token == ""


async def test_pages_of_many_rows_hold_each_row_once(core: Core, send: Send, work: Work) -> None:
    ingestion = await send("customers_1.ndjson", b"bad\n" * 50)
    await work()
    for size in (1, 16, 17, 50):
        found, token = [], ""
        while True:
            page = await page_of_rejects(core, ingestion, size, token)
            assert len(page.items) <= size
            found += [row.line for row in page.items]
            token = page.next_token
            if not token:
                break
        assert found == list(range(1, 51))


async def test_what_is_shown_cut_is_replayed_whole(
    core: Core, send: Send, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace_server.core.ingestion.rejects._WRITTEN_AT_ONCE", 1)
    ingestion = await send("customers_1.ndjson", b"x" * 2_000_000 + b"\n" + b"y\n")
    await work()
    assert await replay(core, ingestion, {}) == 2
    (path,) = (core.config.spool_dir / "replays" / ingestion.request_id).iterdir()
    assert [len(json.loads(line)[3]) for line in path.read_bytes().splitlines()] == [2_000_000, 1]


async def test_bytes_that_are_not_utf_8_are_replayed_only_with_a_correction(
    core: Core, send: Send, work: Work
) -> None:
    latin = json.dumps(customer(1, name="NAME")).encode().replace(b"NAME", b"Jos\xe9")
    ingestion = await send("customers_1.ndjson", latin + b"\n" + lines([customer(2)]))
    await work()
    (reject,) = (await page_of_rejects(core, ingestion)).items
    assert await replay(core, ingestion, {}) == 0
    assert not list((core.config.spool_dir / "replays").rglob("*.*"))
    corrections = {reject.reject_id: json.dumps(customer(1, name="José"))}
    assert await replay(core, ingestion, corrections) == 1
    await work()
    done = await core.services.ingestions.get(CALLER, ingestion.request_id)
    assert (done.status, done.rows_loaded) == (Status.COMPLETED, 2)


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
async def test_blank_correction_is_refused(core: Core, send: Send, work: Work, blank: str) -> None:
    ingestion = await send("customers_1.ndjson", b"x\ny\n")
    await work()
    first, second = (await page_of_rejects(core, ingestion)).items
    with pytest.raises(InvalidFieldError) as caught:
        await replay(core, ingestion, {first.reject_id: "{}", second.reject_id: blank}, only=True)
    assert [violation.field for violation in caught.value.violations] == ["corrections[1].raw"]
    assert len((await page_of_rejects(core, ingestion)).items) == 2


async def test_unknown_reject_is_named_and_nothing_is_kept(
    core: Core, send: Send, work: Work
) -> None:
    ingestion = await send("customers_1.ndjson", b"x\n")
    await work()
    (reject,) = (await page_of_rejects(core, ingestion)).items
    with pytest.raises(InvalidFieldError) as caught:
        await replay(core, ingestion, {reject.reject_id: "{}", "r-0-9-999": "{}"})
    assert [violation.field for violation in caught.value.violations] == [
        "corrections[1].reject_id"
    ]
    assert not list((core.config.spool_dir / "replays").rglob("*.*"))


async def test_replay_that_the_disk_refuses_changes_nothing(
    core: Core, send: Send, work: Work
) -> None:
    ingestion = await send("customers_1.ndjson", b"x\n")
    await work()
    before = await core.services.ingestions.get(CALLER, ingestion.request_id)
    replays = core.config.spool_dir / "replays" / ingestion.request_id
    replays.write_bytes(b"in the way")
    with pytest.raises(StorageUnavailableError, match="keeping a replay"):
        await replay(core, ingestion, {})
    assert await core.services.ingestions.get(CALLER, ingestion.request_id) == before
