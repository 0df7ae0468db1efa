"""Statements compiled once for all engines of a test process.

SQLAlchemy keeps what it compiled for one engine only, and most tests have engines of their own: a
third of their time went into compiling the same statements anew.
"""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

#: statements that are kept; the server has fewer
_KEPT = 20_000


class _Shared(LRUCache[tuple[Any, ...], Any]):
    """Tells dialects apart by their class, of which each engine has an object of its own."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(_general(key), default)

    def __getitem__(self, key: tuple[Any, ...]) -> Any:
        return super().__getitem__(_general(key))

    def __setitem__(self, key: tuple[Any, ...], value: Any) -> None:
        super().__setitem__(_general(key), value)


def _general(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return (type(dialect), *statement)


_shared = _Shared(_KEPT)
# Whatever an engine wants to keep for itself.
Engine._compiled_cache = property(lambda _: _shared, lambda *_: None)  # type: ignore[assignment]
