"""The parts that make answers of loaded tables, built in reading order; `app` wires the rest."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.exports.exporting import Exporting
from headrace_server.core.exports.exports import EXPORT, Exports
from headrace_server.core.exports.links import DownloadLinks
from headrace_server.core.exports.queries import SourceQueries
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import Limits
from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.tenants import Tenants
from headrace_server.core.watching import Watches
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.files.spool import Spool
from headrace_server.mart_parts import MartParts, mart_parts
from headrace_server.warehouse.registry import Warehouses


@dataclass(frozen=True, slots=True)
class AnswerParts:
    """What makes answers of loaded tables."""

    exports: Exports
    links: DownloadLinks
    exporting: Exporting
    marts: MartParts


def answer_parts(
    store: ControlStore,
    jobs: Jobs,
    contracts: Contracts,
    schedules: Schedules,
    warehouses: Warehouses,
    spool: Spool,
    watches: Watches,
    wakeups: Wakeups,
    tenants: Tenants,
    limits: Limits,
    clock: Callable[[], datetime],
) -> AnswerParts:
    """Build the parts that stand on jobs and warehouses."""
    queries = SourceQueries(store)
    exports = Exports(store, jobs, warehouses, queries, spool, watches, wakeups, limits, clock)
    exporting = Exporting(store, jobs, warehouses, queries, spool, wakeups, clock)
    jobs.on_failure(EXPORT, exporting.failed)
    links = DownloadLinks(store, spool, tenants, exports, clock)
    marts = mart_parts(
        store, jobs, contracts, schedules, warehouses, watches, wakeups, limits, clock
    )
    return AnswerParts(exports, links, exporting, marts)
