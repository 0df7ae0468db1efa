"""Whether the server works."""

from headrace_server.core.ingestion.ingestions import Ingestions
from headrace_server.model.errors import StorageUnavailableError


class Health:
    """Asks the control store whether it answers."""

    def __init__(self, ingestions: Ingestions) -> None:
        self._ingestions = ingestions

    async def check(self) -> tuple[bool, int]:
        """Return whether the control store answers, and the ingestions that have not ended."""
        try:
            return True, await self._ingestions.active()
        except StorageUnavailableError:
            return False, 0
