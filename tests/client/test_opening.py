import asyncio
import threading
from pathlib import Path
from typing import IO, Any

import pytest

from headrace_client.opening import opened


async def test_a_file_is_closed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a"
    async with opened(path, "wb") as file:
        file.write(b"abc")
    assert file.closed
    assert path.read_bytes() == b"abc"


async def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        async with opened(tmp_path / "none", "rb"):
            pass


@pytest.mark.parametrize("missing", [False, True])
async def test_a_file_that_comes_too_late_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    files: list[IO[Any]] = []
    really_open = Path.open

    def slowly(path: Path, mode: str) -> IO[Any]:
        begun.set()
        go_on.wait()
        if missing:
            raise FileNotFoundError
        files.append(really_open(path, mode))
        return files[-1]

    monkeypatch.setattr(Path, "open", slowly)

    async def read() -> None:
        async with opened(tmp_path / "a", "wb"):
            pass

    reading = asyncio.create_task(read())
    await asyncio.to_thread(begun.wait)
    reading.cancel()
    await asyncio.wait([reading])
    assert reading.cancelled()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    go_on.set()
    await asyncio.wait(others)
    await asyncio.sleep(0)
    assert [file.closed for file in files] == ([] if missing else [True])
