import asyncio
from pathlib import Path

import pytest

from headrace_server.connectors.base import ConnectorError
from headrace_server.connectors.mounts.local import LocalStore
from headrace_server.core.storage import kept_stores
from headrace_server.core.storage.kept_stores import KeptStores


class Counted(LocalStore):
    """A folder that counts how often it was closed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, [folder], timeout=5)
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1
        await super().close()


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def kept(clock: list[float]) -> KeptStores:
    return KeptStores(lambda: clock[0])


async def test_a_store_is_opened_once(kept: KeptStores, tmp_path: Path) -> None:
    made = [Counted(tmp_path) for _ in range(2)]
    opened = iter(made)
    for _ in range(3):
        async with kept.use("m1", 1, lambda: next(opened)) as store:
            assert store is made[0]
    assert made[0].closed == 0


async def test_another_version_takes_its_place(kept: KeptStores, tmp_path: Path) -> None:
    old, new = Counted(tmp_path), Counted(tmp_path)
    async with kept.use("m1", 1, lambda: old):
        async with kept.use("m1", 2, lambda: new) as store:
            assert store is new
        # Whoever reads from it goes on to do so.
        assert old.closed == 0
    assert (old.closed, new.closed) == (1, 0)
    await kept.close()
    assert (old.closed, new.closed) == (1, 1)


async def test_what_is_idle_is_closed(kept: KeptStores, clock: list[float], tmp_path: Path) -> None:
    idle, used = Counted(tmp_path), Counted(tmp_path)
    for name, store in (("idle", idle), ("used", used)):
        async with kept.use(name, 1, lambda store=store: store):  # type: ignore[misc]
            pass
    async with kept.use("used", 1, lambda: used):
        clock[0] = kept_stores.IDLE_SECONDS
        await kept.close_idle()
        assert (idle.closed, used.closed) == (1, 0)


async def test_not_many_are_kept(
    kept: KeptStores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_stores, "MOST_KEPT", 2)
    made = [Counted(tmp_path) for _ in range(4)]
    for number, store in enumerate(made):
        async with kept.use(str(number), 1, lambda store=store: store):  # type: ignore[misc]
            pass
    await kept.close_idle()
    assert [store.closed for store in made] == [1, 1, 0, 0]


async def test_a_place_that_cannot_be_opened_is_not_kept(kept: KeptStores, tmp_path: Path) -> None:
    def refuse() -> Counted:
        raise ConnectorError("no such place")

    with pytest.raises(ConnectorError):
        async with kept.use("m1", 1, refuse):
            pass
    store = Counted(tmp_path)
    async with kept.use("m1", 1, lambda: store) as opened:
        assert opened is store


async def test_one_that_cannot_be_closed_is_gone(kept: KeptStores, tmp_path: Path) -> None:
    class Stuck(Counted):
        async def close(self) -> None:
            raise OSError("stuck")

    store = Stuck(tmp_path)
    async with kept.use("m1", 1, lambda: store):
        pass
    await kept.close()
    other = Counted(tmp_path)
    async with kept.use("m1", 1, lambda: other) as opened:
        assert opened is other


async def test_one_that_hangs_when_it_is_closed_holds_up_no_other(
    kept: KeptStores, clock: list[float], tmp_path: Path
) -> None:
    closed = asyncio.Event()

    class Hanging(Counted):
        async def close(self) -> None:
            await closed.wait()
            await super().close()

    stores = [Hanging(tmp_path), Counted(tmp_path)]
    for number, store in enumerate(stores):
        async with kept.use(str(number), 1, lambda store=store: store):  # type: ignore[misc]
            pass
    clock[0] = kept_stores.IDLE_SECONDS
    closing = asyncio.create_task(kept.close_idle())
    while not stores[1].closed:
        await asyncio.sleep(0)
    # Meanwhile it was opened again.
    async with kept.use("0", 1, lambda: Counted(tmp_path)) as again:
        assert again is not stores[0]
    closed.set()
    await closing
    assert stores[0].closed == 1
