"""Calls of one kind that come at once, carried out together."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from headrace_server.model.errors import StorageUnavailableError

A = TypeVar("A")
R = TypeVar("R")
K = TypeVar("K", bound=Hashable)


def _forget(_answer: object) -> None:
    """Take an answer that nobody waits for."""


class Together(Generic[K, A, R]):
    """Carries out what came while the run before was under way in one run: one commit for all.

    `run` takes a key and items, and returns as many answers in their order. Where it raises,
    each item is carried out by itself, so that a bad one does not sink its neighbours; except
    that all of them fail where the store was unavailable. `lost` takes an answer whose caller was
    cancelled meanwhile.
    """

    def __init__(
        self,
        run: Callable[[K, Sequence[A]], Awaitable[Sequence[R]]],
        most: int,
        lost: Callable[[R], None] = _forget,
    ) -> None:
        """Take at most `most` items into a run."""
        self._run = run
        self._most = most
        self._lost = lost
        self._waiting: dict[K, list[tuple[A, asyncio.Future[R]]]] = {}
        self._runners: set[asyncio.Task[None]] = set()

    async def do(self, key: K, item: A) -> R:
        """Carry out an item together with others of the same key; return its own answer."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        if key in self._waiting:
            self._waiting[key].append((item, answer))
        else:
            self._waiting[key] = [(item, answer)]
            runner = asyncio.create_task(self._keep_running(key))
            self._runners.add(runner)
            runner.add_done_callback(self._runners.discard)
        try:
            return await answer
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self._lost(answer.result())
            raise

    async def drain(self) -> None:
        """Wait until all that was begun is done."""
        await asyncio.gather(*self._runners)

    async def _keep_running(self, key: K) -> None:
        while waiting := self._waiting[key]:
            # Those whose callers have gone need not be done.
            batch = [each for each in waiting[: self._most] if not each[1].done()]
            del waiting[: self._most]
            if batch:
                await self._run_batch(key, batch)
        del self._waiting[key]

    async def _run_batch(self, key: K, batch: Sequence[tuple[A, "asyncio.Future[R]"]]) -> None:
        try:
            answers = await self._run(key, [item for item, _ in batch])
        except Exception as error:  # noqa: BLE001  # it is the callers'
            # A commit whose answer was lost may have taken place: that is not done again.
            if len(batch) == 1 or isinstance(error, StorageUnavailableError):
                for _, future in batch:
                    _fail(future, error)
                return
            for each in batch:
                await self._run_batch(key, [each])
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                self._lost(answer)
            else:
                future.set_result(answer)


def _fail(future: "asyncio.Future[R]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
