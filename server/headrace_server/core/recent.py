"""Values that were read a moment ago."""

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class RecentlyRead(Generic[V]):
    """Keeps at most `size` values, each for at most `life` seconds after its read began."""

    def __init__(
        self, life: float, size: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._life = life
        self._size = size
        self._monotonic = monotonic
        self._values: dict[str, tuple[float, V]] = {}
        self._forgotten = 0

    async def get(self, key: str, read: Callable[[], Awaitable[V | None]]) -> V | None:
        """Return the value of the key, read anew where it is not recent; None is never kept."""
        began = self._monotonic()
        kept = self._values.get(key)
        if kept is not None and began - kept[0] < self._life:
            return kept[1]
        forgotten = self._forgotten
        value = await read()
        # What was forgotten meanwhile may be what this read has seen.
        if value is not None and forgotten == self._forgotten:
            self._keep(key, began, value)
        return value

    def forget(self) -> None:
        """Drop everything, also what is being read now."""
        self._forgotten += 1
        self._values.clear()

    def _keep(self, key: str, began: float, value: V) -> None:
        self._values.pop(key, None)
        self._values[key] = (began, value)
        if len(self._values) > self._size:
            del self._values[next(iter(self._values))]
