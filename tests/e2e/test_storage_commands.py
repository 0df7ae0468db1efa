"""The `headrace` command with mounts, watched folders and imports, in processes of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from .conftest import Ended, Site, run_command, running_site

pytestmark = pytest.mark.asyncio(loop_scope="module")

Headrace = Callable[..., Awaitable[Ended]]

READINGS = "sensor,reading,seen_on\np1,1.25,2026-03-01\np2,17,2026-03-02\n"


@pytest.fixture(scope="module")
def pond(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the server allows, with a file in it."""
    folder = tmp_path_factory.mktemp("pond")
    (folder / "pond.csv").write_text(READINGS)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def storing(pond: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("storing")
    async with running_site(folder, allowed_roots=str(pond)) as running:
        yield running


@pytest.fixture
def headrace(storing: Site) -> Headrace:
    env = {"HEADRACE_ADDRESS": f"http://{storing.http}", "COLUMNS": "1000"}

    async def run(*args: str | Path) -> Ended:
        return await run_command("headrace_client", *args, env=env)

    return run


async def test_from_a_mount_to_a_table(headrace: Headrace, pond: Path) -> None:
    added = await headrace("mounts", "add", "/pond", pond)
    assert (added.status, "MOUNTED" in added.out) == (0, True), added.err
    words = ("--stable", "0", "--poll", "0.1", "--table", "raw.pond")
    watched = await headrace("folders", "watch", "/pond", *words)
    assert watched.status == 0, watched.err
    story, watches = await asyncio.gather(
        headrace("files", "watch", "/pond", "--until-settled"),
        headrace("folders", "list", "--json"),
    )
    assert story.status == 0, story.err
    assert "/pond/pond.csv  2 rows" in story.out
    assert watches.documents()[0]["import_config"]["target_table"] == "raw.pond"

    typed = ("--table", "raw.pools", "--type", "reading=BIGINT")
    brought, outside, gone = await asyncio.gather(
        headrace("import", "/pond/pond.csv", *typed),
        headrace("import", pond / "pond.csv"),
        headrace("import", "/pond/none.csv"),
    )
    assert brought.status == 3, brought.err
    assert "1 row 1 rejected" in brought.out
    assert outside.status == 2
    assert "/pond/pond.csv may be the same file" in outside.err
    assert gone.status == 1
    assert "not found" in gone.err

    refused = await headrace("mounts", "remove", "/pond")
    assert refused.status == 1
    assert "watched" in refused.err
    assert (await headrace("folders", "stop", "/pond")).status == 0
    assert (await headrace("mounts", "remove", "/pond")).status == 0
