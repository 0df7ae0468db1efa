"""The parts that make answers of loaded tables: datamarts and exports."""

from dataclasses import dataclass

from headrace_server.composition.datamarts import MartParts, mart_parts
from headrace_server.composition.foundation import Foundation
from headrace_server.composition.ingestion import IngestionParts
from headrace_server.core.exports.exporting import Exporting
from headrace_server.core.exports.exports import EXPORT, Exports
from headrace_server.core.exports.links import DownloadLinks
from headrace_server.core.exports.queries import SourceQueries


@dataclass(frozen=True, slots=True)
class AnswerParts:
    """What makes answers of loaded tables."""

    exports: Exports
    links: DownloadLinks
    exporting: Exporting
    marts: MartParts


def answer_parts(base: Foundation, ingestion: IngestionParts) -> AnswerParts:
    """Build the parts that stand on jobs and warehouses."""
    store, jobs, warehouses, spool, wakeups, clock = (
        base.store,
        base.jobs,
        base.warehouses,
        base.spool,
        base.wakeups,
        base.clock,
    )
    queries = SourceQueries(store)
    exports = Exports(
        store,
        jobs,
        warehouses,
        queries,
        spool,
        ingestion.watches,
        wakeups,
        base.limits,
        clock,
    )
    exporting = Exporting(store, jobs, warehouses, queries, spool, wakeups, clock)
    jobs.on_failure(EXPORT, exporting.failed)
    links = DownloadLinks(store, spool, base.tenants, exports, clock)
    return AnswerParts(exports, links, exporting, mart_parts(base, ingestion))
