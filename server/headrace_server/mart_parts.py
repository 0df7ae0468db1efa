"""The parts of datamarts, built in reading order; `answer_parts` asks for them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.datamarts.datamarts import Datamarts
from headrace_server.core.datamarts.defining import Definitions
from headrace_server.core.datamarts.endings import REFRESH_DATAMART, Endings
from headrace_server.core.datamarts.following import MartFollower
from headrace_server.core.datamarts.refreshes import Refreshes
from headrace_server.core.datamarts.refreshing import Refreshing
from headrace_server.core.datamarts.scheduling import MartSchedules
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import Limits
from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.watching import Watches
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.warehouse.registry import Warehouses


@dataclass(frozen=True, slots=True)
class MartParts:
    """What makes datamarts and brings them up to date."""

    datamarts: Datamarts
    definitions: Definitions
    refreshes: Refreshes
    schedules: MartSchedules
    refreshing: Refreshing
    follower: MartFollower


def mart_parts(
    store: ControlStore,
    jobs: Jobs,
    contracts: Contracts,
    schedules: Schedules,
    warehouses: Warehouses,
    watches: Watches,
    wakeups: Wakeups,
    limits: Limits,
    clock: Callable[[], datetime],
) -> MartParts:
    """Build the parts of datamarts."""
    endings = Endings(jobs, limits)
    refreshes = Refreshes(store, jobs, endings, watches, wakeups, clock)
    refreshing = Refreshing(store, jobs, endings, warehouses, wakeups, clock)
    jobs.on_failure(REFRESH_DATAMART, refreshing.failed)
    return MartParts(
        datamarts=Datamarts(store, refreshes, schedules, warehouses, wakeups, clock),
        definitions=Definitions(store, refreshes, schedules, warehouses, wakeups, clock),
        refreshes=refreshes,
        schedules=MartSchedules(store, refreshes, schedules),
        refreshing=refreshing,
        follower=MartFollower(store, contracts, refreshes, warehouses, wakeups),
    )
