import asyncio
from pathlib import Path

import pytest

from headrace_server.core.storage.local_changes import LocalChanges
from headrace_server.db.wakeups import Subscription


async def _is_told(woken: Subscription, change: Path) -> bool:
    """Change something until it is told, since watching begins a moment later."""
    for number in range(100):
        await asyncio.to_thread(change.write_text, str(number))
        if await woken.wait(0.2):
            return True
    return False


async def test_a_change_wakes(tmp_path: Path) -> None:
    woken = Subscription()
    (tmp_path / "deep").mkdir()
    async with LocalChanges(woken) as changes:
        changes.follow(tmp_path, recursive=True)
        assert await _is_told(woken, tmp_path / "a.csv")
        changes.follow(tmp_path, recursive=True)
        assert await _is_told(woken, tmp_path / "deep" / "a.csv")


async def test_another_folder_or_none_is_followed(tmp_path: Path) -> None:
    woken = Subscription()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with LocalChanges(woken) as changes:
        changes.follow(tmp_path / "one", recursive=False)
        changes.follow(tmp_path / "two", recursive=False)
        assert await _is_told(woken, tmp_path / "two" / "a.csv")
        changes.follow(None, recursive=False)
        await asyncio.sleep(0)
        await woken.wait(0)
        (tmp_path / "two" / "b.csv").touch()
        assert not await woken.wait(0.2)


async def test_a_folder_that_is_made_again_is_followed_again(tmp_path: Path) -> None:
    woken, folder = Subscription(), tmp_path / "in"
    folder.mkdir()
    async with LocalChanges(woken) as changes:
        changes.follow(folder, recursive=False)
        assert await _is_told(woken, folder / "a.csv")
        (folder / "a.csv").unlink()
        folder.rmdir()
        while changes._folder is not None:
            await woken.wait(0.2)
        folder.mkdir()
        changes.follow(folder, recursive=False)
        assert await _is_told(woken, folder / "a.csv")


async def test_a_folder_that_cannot_be_followed_is_polled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    woken = Subscription()
    async with LocalChanges(woken) as changes:
        for _ in range(2):
            changes.follow(tmp_path / "gone", recursive=False)
            assert changes._task is not None
            await changes._task
    assert capsys.readouterr().out.count("storage.cannot_follow") == 1
