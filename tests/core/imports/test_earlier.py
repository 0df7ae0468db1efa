"""Imports into one table of which one replaces all rows, at the same time, on each engine."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace_server.app import Core
from headrace_server.core.imports.accepting import IMPORT_FILE
from headrace_server.model.file_import import FileImport, ImportMode, ImportOptions, NewImport
from headrace_server.model.ingestion import Status

from .conftest import CALLER, Import, Rows

#: several chunks
BIG = "n,text\n" + "".join(f"{n},{'x' * 100}\n" for n in range(500))
OTHER = "n,text\n-1,other\n-2,other\n"
HALF_A_MINUTE = 30

pytestmark = pytest.mark.usefixtures("chunk_by_chunk")

At = Callable[[int], tuple[asyncio.Event, asyncio.Event]]


@pytest.fixture
def stopped_at(core: Core, monkeypatch: pytest.MonkeyPatch) -> At:
    """Have the import that merges stop after so many chunks; tells when, and goes on if told."""

    def stop_at(chunks: int) -> tuple[asyncio.Event, asyncio.Event]:
        merged, stopped, going_on = core.imports._records.merged, asyncio.Event(), asyncio.Event()
        left = chunks

        async def wait_then(*given: Any) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                stopped.set()
                await going_on.wait()
            await merged(*given)

        monkeypatch.setattr(core.imports._records, "merged", wait_then)
        return stopped, going_on

    return stop_at


async def _begun(core: Core, name: str, **options: Any) -> tuple[FileImport, asyncio.Task[None]]:
    new = NewImport(f"/in/{name}", "raw.t", ImportOptions(**options))
    begun = await core.services.imports.start(CALLER, new)
    (job,) = await core.jobs.claim("tests", [IMPORT_FILE], 1)
    return begun, asyncio.create_task(core.imports.run(job))


async def _ended(core: Core, *begun: FileImport) -> None:
    for each in begun:
        done = await core.services.imports.get(CALLER, each.ingestion.request_id)
        assert done.ingestion.status is Status.COMPLETED, done.ingestion.details


@pytest.mark.parametrize("replaces_first", [False, True])
async def test_a_file_is_in_the_table_as_a_whole_or_not_at_all(
    core: Core, imported: Import, inbox: Path, rows: Rows, stopped_at: At, replaces_first: bool
) -> None:
    await imported("old.csv", "n,text\n-7,old\n", "raw.t")
    (inbox / "big.csv").write_text(BIG)
    (inbox / "other.csv").write_text(OTHER)
    replaces: dict[str, Any] = {"mode": ImportMode.REPLACE}
    stopped, going_on = stopped_at(3)
    async with asyncio.timeout(HALF_A_MINUTE):
        first, running = await _begun(core, "big.csv", **(replaces if replaces_first else {}))
        await stopped.wait()
        second, waiting = await _begun(core, "other.csv", **({} if replaces_first else replaces))
        await asyncio.wait({waiting}, timeout=0.5)
        assert not waiting.done()
        going_on.set()
        await asyncio.gather(running, waiting)
    await _ended(core, first, second)
    # Those of the first, then of the second; or those of the second alone.
    assert len(await rows("raw.t")) == (502 if replaces_first else 2)


async def test_files_that_are_added_do_not_wait_for_each_other(
    core: Core, imported: Import, inbox: Path, rows: Rows, stopped_at: At
) -> None:
    await imported("old.csv", "n,text\n-7,old\n", "raw.t")
    (inbox / "big.csv").write_text(BIG)
    (inbox / "other.csv").write_text(OTHER)
    stopped, going_on = stopped_at(3)
    async with asyncio.timeout(HALF_A_MINUTE):
        first, running = await _begun(core, "big.csv")
        await stopped.wait()
        second, other = await _begun(core, "other.csv")
        await other
        going_on.set()
        await running
    await _ended(core, first, second)
    assert len(await rows("raw.t")) == 503
