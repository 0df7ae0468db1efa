"""Pages of lists."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is asked for."""

    #: most items; 0 means the default
    size: int = 0
    #: next_token of the page before; empty for the first
    token: str = ""

    @property
    def limit(self) -> int:
        """Most items to return."""
        return self.size or DEFAULT_PAGE_SIZE


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list."""

    items: tuple[T, ...]
    #: empty on the last page
    next_token: str = ""
