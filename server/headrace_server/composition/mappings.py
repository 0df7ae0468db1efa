"""The parts that carry mappings from where they are to where they belong."""

from dataclasses import dataclass

from headrace_server.composition.connections import connectors_of
from headrace_server.composition.foundation import Foundation
from headrace_server.composition.ingestion import IngestionParts
from headrace_server.core.mappings.accepting import RUN_MAPPINGS, MappingAcceptance
from headrace_server.core.mappings.carrying import Carrier
from headrace_server.core.mappings.circuits import Hosts
from headrace_server.core.mappings.records import MappingRecords
from headrace_server.core.mappings.running import MappingRunner
from headrace_server.core.mappings.table_loads import TableLoads
from headrace_server.core.mappings.tables import TableConnector


@dataclass(frozen=True, slots=True)
class MappingParts:
    """What accepts mappings, and what runs them."""

    acceptance: MappingAcceptance
    runner: MappingRunner


def mapping_parts(base: Foundation, ingestion: IngestionParts) -> MappingParts:
    """Build the parts of mappings, which end as other ingestions do."""
    table_loads = TableLoads(
        base.contracts,
        base.warehouses,
        base.spool,
        base.parsers,
        ingestion.settlement,
        ingestion.observer,
        base.limits,
    )
    tables = TableConnector(base.warehouses, table_loads)
    connectors = connectors_of(base.config, base.http, tables)
    records = MappingRecords(base.store, base.jobs, base.wakeups, base.clock)
    base.jobs.on_failure(RUN_MAPPINGS, records.failed)
    runner = MappingRunner(
        ingestion.records.begin,
        records,
        Carrier(connectors, Hosts(base.config.mapping_host_limit)),
        table_loads,
        batch=base.config.mapping_batch,
        concurrency=base.config.mapping_concurrency,
    )
    acceptance = MappingAcceptance(
        base.store, base.jobs, connectors, base.contracts, base.limits, base.clock
    )
    return MappingParts(acceptance, runner)
