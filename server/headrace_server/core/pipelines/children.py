"""What steps start elsewhere: one kind of child for each kind of step."""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from headrace_server.db.engine import Connection
from headrace_server.model.pipeline import StepKind
from headrace_server.model.run import ChildState
from headrace_server.model.tenant import Principal


class Children(Protocol):
    """The children of one kind of step."""

    async def start(self, caller: Principal, child_id: str, settings: Any) -> None:
        """Start one under an id that is not taken. What is refused raises a HeadraceError."""

    async def states(
        self, connection: Connection, child_ids: Collection[str]
    ) -> Mapping[str, ChildState]:
        """Return how those stand that there are, by id."""

    async def cancel(self, caller: Principal, child_id: str) -> None:
        """End one that may have ended by itself. Raises HeadraceError where it has."""

    def topic(self, child_id: str) -> str:
        """Topic of its changes."""


ChildrenByKind = Mapping[StepKind, Children]
