"""Steps that refresh datamarts: each starts a refresh."""

from collections.abc import Collection, Mapping

from headrace_server.core.datamarts.endings import refresh_topic
from headrace_server.core.datamarts.refreshes import Refreshes
from headrace_server.db import datamart_refreshes as refresh_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.model.datamart import Refresh, RefreshStatus
from headrace_server.model.errors import QuotaExceededError
from headrace_server.model.pipeline import RefreshDatamart
from headrace_server.model.run import ChildState
from headrace_server.model.tenant import Principal

#: seconds until it is looked again whether another refresh of the datamart has ended
_AGAIN_AFTER = 2.0


class RefreshChildren:
    """Refreshes of steps."""

    def __init__(self, store: ControlStore, refreshes: Refreshes) -> None:
        self._store = store
        self._refreshes = refreshes

    async def start(self, caller: Principal, child_id: str, settings: RefreshDatamart) -> None:
        """Start one. Raises NotFoundError, QuotaExceededError while another is under way.

        That one may have read what the steps before had not written yet.
        """
        async with self._store.read() as connection:
            open_ones = await refresh_rows.open_of_tenant(connection, caller.tenant_id)
        wanted = (settings.schema, settings.datamart)
        if any((each.schema, each.datamart_name) == wanted for each in open_ones):
            raise QuotaExceededError(
                f"a refresh of {settings.schema}.{settings.datamart} is under way",
                limit="refreshes",
                retry_after=_AGAIN_AFTER,
            )
        await self._refreshes.start(
            caller,
            settings.schema,
            settings.datamart,
            concurrent=settings.concurrent,
            refresh_id=child_id,
        )

    async def states(
        self, connection: Connection, child_ids: Collection[str]
    ) -> Mapping[str, ChildState]:
        """Return how those stand that there are, by id."""
        found = [await refresh_rows.find_in_any_tenant(connection, each) for each in child_ids]
        return {each.refresh_id: _state(each) for each in found if each is not None}

    async def cancel(self, caller: Principal, child_id: str) -> None:
        """End one; one that has ended stays as it is. Raises NotFoundError."""
        async with self._store.read() as connection:
            found = await refresh_rows.find_in_any_tenant(connection, child_id)
        if found is not None:
            await self._refreshes.cancel(caller, found.schema, found.datamart_name, child_id)

    def topic(self, child_id: str) -> str:
        """Topic of its changes."""
        return refresh_topic(child_id)


def _state(refresh: Refresh) -> ChildState:
    succeeded = refresh.status is RefreshStatus.COMPLETED
    why = refresh.error or refresh.note or f"the refresh ended {refresh.status.value}"
    return ChildState(
        ended=refresh.terminal,
        succeeded=succeeded,
        rows=refresh.rows if succeeded else refresh.rows_written,
        output={
            "refresh_id": refresh.refresh_id,
            "datamart": f"{refresh.schema}.{refresh.datamart_name}",
        },
        error=None if succeeded or not refresh.terminal else why,
    )
