"""Steps that carry mappings or import files: each starts an ingestion."""

from collections.abc import Collection, Mapping

from headrace_server.core.imports.accepting import FileImports
from headrace_server.core.ingestion.ingestions import Ingestions
from headrace_server.core.mappings.accepting import MappingAcceptance
from headrace_server.db import run_children
from headrace_server.db.engine import Connection
from headrace_server.db.wakeups import ingestion_topic
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.file_import import NewImport
from headrace_server.model.ingestion import Ingestion, Kind, Status
from headrace_server.model.job import Priority
from headrace_server.model.pipeline import ImportFile, Ingest
from headrace_server.model.run import ChildState
from headrace_server.model.tenant import Principal


class _Ingestions:
    """What both have in common."""

    def __init__(self, ingestions: Ingestions) -> None:
        self._ingestions = ingestions

    async def states(
        self, connection: Connection, child_ids: Collection[str]
    ) -> Mapping[str, ChildState]:
        """Return how those stand that there are, by id."""
        found = await run_children.ingestions_of(connection, child_ids)
        return {each.request_id: _state(each) for each in found}

    async def cancel(self, caller: Principal, child_id: str) -> None:
        """End one; one that has ended stays as it is."""
        await self._ingestions.cancel(caller, child_id)

    def topic(self, child_id: str) -> str:
        """Topic of its changes."""
        return ingestion_topic(child_id)


class MappingChildren(_Ingestions):
    """Ingestions of steps that carry mappings."""

    def __init__(self, ingestions: Ingestions, acceptance: MappingAcceptance) -> None:
        super().__init__(ingestions)
        self._acceptance = acceptance

    async def start(self, caller: Principal, child_id: str, settings: Ingest) -> None:
        """Start one. Raises InvalidFieldError."""
        priority = Priority[settings.priority]
        await self._acceptance.accept(caller, settings.mappings, priority, child_id)


class ImportChildren(_Ingestions):
    """Ingestions of steps that import files."""

    def __init__(self, ingestions: Ingestions, imports: FileImports) -> None:
        super().__init__(ingestions)
        self._imports = imports

    async def start(self, caller: Principal, child_id: str, settings: ImportFile) -> None:
        """Start one. Raises NotFoundError for the file, InvalidFieldError."""
        if not settings.file_path.startswith("/"):
            raise InvalidFieldError.of("file_path", f"{settings.file_path!r} must begin with /")
        new = NewImport(
            settings.file_path,
            settings.target_table,
            settings.options,
            Priority[settings.priority],
        )
        await self._imports.start(caller, new, child_id)


def _state(ingestion: Ingestion) -> ChildState:
    carries = ingestion.kind is Kind.MAPPINGS
    done = ingestion.processed_units - ingestion.failed_units
    output: dict[str, object] = {"request_id": ingestion.request_id}
    if not carries:
        output |= {"import_id": ingestion.request_id}
    if ingestion.rows_rejected or ingestion.rows_parked:
        output |= {
            "rows_rejected": ingestion.rows_rejected,
            "rows_parked": ingestion.rows_parked,
        }
    succeeded = ingestion.status is Status.COMPLETED or (
        ingestion.status is Status.COMPLETED_WITH_ERRORS and not carries
    )
    return ChildState(
        ended=ingestion.terminal,
        succeeded=succeeded,
        progress=ingestion.progress,
        rows=ingestion.rows_loaded or (done if carries else 0),
        output=output,
        error=None if succeeded or not ingestion.terminal else _why(ingestion),
    )


def _why(ingestion: Ingestion) -> str:
    if ingestion.kind is Kind.MAPPINGS and ingestion.failed_units:
        words = f"{ingestion.failed_units} of {ingestion.total_units} mappings failed"
        return f"{words}: {ingestion.details}" if ingestion.details else words
    return ingestion.details or f"it ended {ingestion.status.value}"
