"""What an attempt at an import begins with: its file understood, and tables for its rows."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.imports.chunks import TAKES_BINARY
from headrace_server.core.imports.planning import FilePlanning, Planned
from headrace_server.core.imports.targets import Target, contract_target, imported_target
from headrace_server.core.imports.tasks import length_of
from headrace_server.core.ingestion import outcomes
from headrace_server.core.ingestion.load_records import Load, LoadRecords
from headrace_server.core.limits import Limits
from headrace_server.files.importing.binary_rows import binary_form
from headrace_server.files.importing.plan import PlannedColumn
from headrace_server.files.spool import Spool
from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.model.file_import import FileImport, ImportMode
from headrace_server.model.ingestion import Ingestion, IngestionFile
from headrace_server.model.job import Job
from headrace_server.model.warehouse import ChunkKey
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.definitions import bare

#: of a file whose rows are tried as they are: so much is copied in vain where one of them is not as
#: the sample said, and is seen by nobody until all of it is there
_MOST_TRIED_BYTES = 256 << 20


@dataclass(slots=True)
class Attempt:
    """One attempt at one import."""

    record: FileImport
    load: Load
    planned: Planned
    target: Target
    #: where the rows go first: the table itself, or a draft that takes its place at the end
    table: Table
    #: whether a contract declares the table
    by_contract: bool
    #: chunks that earlier attempts merged
    committed: frozenset[ChunkKey] = frozenset()
    #: whether all of the file has been merged
    is_merged: bool = False

    @property
    def replaces(self) -> bool:
        """Whether the rows shall take the place of the table's, and have not done so."""
        return self.table.name != self.target.table.name


class Preparing:
    """Begins attempts: behind the fence, with what earlier ones left taken into account."""

    def __init__(
        self, records: LoadRecords, contracts: Contracts, spool: Spool, limits: Limits
    ) -> None:
        self._records = records
        self._contracts = contracts
        self._spool = spool
        self._limits = limits

    async def attempt(
        self,
        job: Job,
        ingestion: Ingestion,
        record: FileImport,
        warehouse: Warehouse,
        planning: FilePlanning,
    ) -> Attempt:
        """Understand the file of an import and make its tables.

        The plan is saved, unless it is one of a sample whose rows are to be tried as they are.
        """
        request_id = ingestion.request_id
        await warehouse.fence(request_id, job.attempt)
        # Behind the fence nobody needs what earlier attempts left, killed or merely asleep.
        await asyncio.to_thread(self._spool.drop_staging, request_id, before=job.attempt)
        committed = await _committed(warehouse, request_id)
        begun = bool(committed)
        (file,) = await self._records.files(request_id)
        if not begun:
            # Also where a draft was dropped with what it held.
            file = file.unbegun()
        loaded = file.status.terminal
        planned = await planning.planned(begun=begun, loaded=loaded)
        load = Load(job, ingestion, await self._contracts.catalog(job.tenant_id), warehouse, [file])
        if record.target_table in load.catalog:
            work = await self._by_contract(record, load, planned, planning)
        else:
            work = await self._imported(record, load, planned, planning)
        work.committed = committed
        if begun and await _committed(warehouse, request_id) != committed:
            raise StorageUnavailableError(
                "what earlier attempts had loaded was dropped just now; the next begins anew"
            )
        load.files[0] = await self._counted(work, begun=begun, loaded=loaded)
        return work

    async def look_at_all(self, work: Attempt, planning: FilePlanning) -> None:
        """Understand the whole file of an attempt that was sampled; its tables follow."""
        work.planned = await self._looked_at(work.planned, planning)
        _, target = await self._target(work.record, work.load, work.planned)
        await self._make(work, target)

    async def _by_contract(
        self, record: FileImport, load: Load, planned: Planned, planning: FilePlanning
    ) -> Attempt:
        planned = await self._looked_at(planned, planning)
        table = load.catalog[record.target_table]
        target = contract_target(table, planned.plan, record.options)
        await load.warehouse.prepare(load.catalog)
        return Attempt(record, load, planned, target, table, by_contract=True)

    async def _imported(
        self, record: FileImport, load: Load, planned: Planned, planning: FilePlanning
    ) -> Attempt:
        before, target = await self._target(record, load, planned)
        if not (planned.is_sampled and self._may_be_tried(load, planned, before, target)):
            planned = await self._looked_at(planned, planning)
            _, target = await self._target(record, load, planned)
        work = Attempt(record, load, planned, target, target.table, by_contract=False)
        await self._make(work, target)
        return work

    async def _looked_at(self, planned: Planned, planning: FilePlanning) -> Planned:
        """Understand what was sampled as a whole, and save what is known then."""
        if planned.is_sampled:
            planned = await planning.looked_at(planned)
        await planning.save(planned.plan)
        return planned

    async def _target(
        self, record: FileImport, load: Load, planned: Planned
    ) -> tuple[Table | None, Target]:
        """The table of an import as it stands, if it does, and what the import asks of it."""
        before = await load.warehouse.definition(record.target_table)
        return before, imported_target(before, planned.plan, record.options, record.target_table)

    async def _make(self, work: Attempt, target: Target) -> None:
        """Make the table of an import, and the one that its rows go to first."""
        warehouse = work.load.warehouse
        table = await warehouse.prepare_import(target.table, catalog={})
        work.target, work.table = replace(target, table=table), table
        if target.mode is ImportMode.REPLACE:
            work.table = await warehouse.draft(table, work.load.request_id)
        work.load.catalog = {each.name: each for each in (table, work.table)}

    def _may_be_tried(
        self, load: Load, planned: Planned, before: Table | None, target: Target
    ) -> bool:
        """Whether rows may be copied as they are before all of their file was looked at.

        They would be the same rows in the same table if it had been. A first attempt only: whatever
        ended it, the next goes chunk by chunk. Nor do rows whose keys others likely have.
        """
        table = target.table
        return (
            load.job.attempt == 1
            and load.warehouse.dialect == TAKES_BINARY
            and planned.plan.is_delimited
            and planned.path.stat().st_size <= _MOST_TRIED_BYTES
            and (before is None or [*map(bare, before.columns)] == [*map(bare, table.columns)])
            and (before is None or not table.primary_key or target.mode is ImportMode.REPLACE)
            and all(map(_widens_alike, planned.plan.columns))
            and _are_alike(planned.plan.table_columns(), table)
            and binary_form(table, planned.plan, self._limits.line_bytes) is not None
        )

    async def _counted(self, work: Attempt, *, begun: bool, loaded: bool) -> IngestionFile:
        """The file, its size known, with what earlier attempts brought of it."""
        load, planned = work.load, work.planned
        file = load.files[0]
        if not loaded:
            size = await asyncio.to_thread(
                length_of, planned.path, planned.plan, self._limits.line_bytes
            )
            file = replace(file, bytes_total=size)
        tallies = await load.warehouse.tally(load.request_id) if begun else []
        return outcomes.with_tally(file, next(iter(tallies), None))


def _widens_alike(planned: PlannedColumn) -> bool:
    """Whether a column of a table that is there becomes what one would be made as.

    Any but one of floating point, which stays so; nothing that it would round may go there.
    """
    return planned.given or planned.column.type is not ColumnType.FLOAT


def _are_alike(columns: Sequence[Column], table: Table) -> bool:
    """Whether the columns of a file are of the types of its table's; those of a key may be null."""
    taking = {column.name: replace(bare(column), nullable=True) for column in table.columns}
    return all(taking.get(each.name) == replace(bare(each), nullable=True) for each in columns)


async def _committed(warehouse: Warehouse, request_id: str) -> frozenset[ChunkKey]:
    return frozenset(entry.key for entry in await warehouse.committed(request_id))
