"""Steps that export: each starts an export."""

from collections.abc import Collection, Mapping

from headrace_server.core.exports.exports import Exports, export_topic
from headrace_server.db import exports as export_rows
from headrace_server.db.engine import Connection
from headrace_server.model.export import Export, ExportRequest, ExportStatus
from headrace_server.model.run import ChildState
from headrace_server.model.tenant import Principal


class ExportChildren:
    """Exports of steps."""

    def __init__(self, exports: Exports) -> None:
        self._exports = exports

    async def start(self, caller: Principal, child_id: str, settings: ExportRequest) -> None:
        """Start one. Raises what `Exports.start` does."""
        await self._exports.start(caller, settings, export_id=child_id)

    async def states(
        self, connection: Connection, child_ids: Collection[str]
    ) -> Mapping[str, ChildState]:
        """Return how those stand that there are, by id."""
        found = [await export_rows.find_in_any_tenant(connection, each) for each in child_ids]
        return {each.export_id: _state(each) for each in found if each is not None}

    async def cancel(self, caller: Principal, child_id: str) -> None:
        """End one; one that has ended stays as it is. Raises NotFoundError once it is forgotten."""
        await self._exports.cancel(caller, child_id)

    def topic(self, child_id: str) -> str:
        """Topic of its changes."""
        return export_topic(child_id)


def _state(export: Export) -> ChildState:
    succeeded = export.status is ExportStatus.COMPLETED
    total = export.total_rows or 0
    output: dict[str, object] = {"export_id": export.export_id, "file_name": export.file_name}
    if succeeded:
        output |= {"file_size_bytes": export.file_bytes, "truncated": export.truncated}
    if export.warnings:
        output |= {"warnings": list(export.warnings)}
    return ChildState(
        ended=export.terminal,
        succeeded=succeeded,
        progress=export.rows * 100 // total if total else 0,
        rows=export.rows,
        output=output,
        error=(export.error or f"the export ended {export.status.value}")
        if export.terminal and not succeeded
        else None,
    )
