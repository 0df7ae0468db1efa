"""The parts of datamarts."""

from dataclasses import dataclass

from headrace_server.composition.foundation import Foundation
from headrace_server.composition.ingestion import IngestionParts
from headrace_server.core.datamarts.datamarts import Datamarts
from headrace_server.core.datamarts.defining import Definitions
from headrace_server.core.datamarts.endings import REFRESH_DATAMART, Endings
from headrace_server.core.datamarts.following import MartFollower
from headrace_server.core.datamarts.refreshes import Refreshes
from headrace_server.core.datamarts.refreshing import Refreshing
from headrace_server.core.datamarts.scheduling import MartSchedules


@dataclass(frozen=True, slots=True)
class MartParts:
    """What makes datamarts and brings them up to date."""

    datamarts: Datamarts
    definitions: Definitions
    refreshes: Refreshes
    schedules: MartSchedules
    refreshing: Refreshing
    follower: MartFollower


def mart_parts(base: Foundation, ingestion: IngestionParts) -> MartParts:
    """Build the parts of datamarts."""
    store, jobs, schedules, warehouses, wakeups, clock = (
        base.store,
        base.jobs,
        base.schedules,
        base.warehouses,
        base.wakeups,
        base.clock,
    )
    endings = Endings(jobs, base.limits)
    refreshes = Refreshes(store, jobs, endings, ingestion.watches, wakeups, clock)
    refreshing = Refreshing(store, jobs, endings, warehouses, wakeups, clock)
    jobs.on_failure(REFRESH_DATAMART, refreshing.failed)
    return MartParts(
        datamarts=Datamarts(store, refreshes, schedules, warehouses, wakeups, clock),
        definitions=Definitions(store, refreshes, schedules, warehouses, wakeups, clock),
        refreshes=refreshes,
        schedules=MartSchedules(store, refreshes, schedules),
        refreshing=refreshing,
        follower=MartFollower(store, base.contracts, refreshes, warehouses, wakeups),
    )
