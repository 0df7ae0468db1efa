import asyncio

import grpc
import pytest

from headrace_client import HeadraceError
from headrace_client.retry import Retry


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []

    async def note(seconds: float) -> None:
        taken.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    return taken


def error(retry_after: float | None = None) -> HeadraceError:
    return HeadraceError("x", code=grpc.StatusCode.UNAVAILABLE, retry_after=retry_after)


async def test_pauses_grow_to_a_limit_with_jitter(pauses: list[float]) -> None:
    retry = Retry(60)
    for _ in range(10):
        await retry.pause(error())
    for number, pause in enumerate(pauses):
        longest = min(5.0, 0.1 * 2**number)
        assert longest / 2 <= pause <= longest


async def test_progress_starts_anew(pauses: list[float]) -> None:
    retry = Retry(60)
    for _ in range(8):
        await retry.pause(error())
    retry.progressed()
    await retry.pause(error())
    assert pauses[-1] <= 0.1


async def test_the_servers_wish_is_kept(pauses: list[float]) -> None:
    await Retry(60).pause(error(retry_after=7.0))
    assert pauses == [7.0]


async def test_what_cannot_succeed_is_raised_at_once(pauses: list[float]) -> None:
    final = HeadraceError("x", code=grpc.StatusCode.NOT_FOUND)
    with pytest.raises(HeadraceError) as raised:
        await Retry(60).pause(final)
    assert raised.value is final
    assert pauses == []


async def test_patience_ends(pauses: list[float]) -> None:
    with pytest.raises(HeadraceError):
        await Retry(0).pause(error())
