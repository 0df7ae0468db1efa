"""The parts that start work by themselves, built in reading order; `app` wires the rest."""

from dataclasses import dataclass

from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.schedules.ticker import Ticker
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups


@dataclass(frozen=True, slots=True)
class PipelineParts:
    """What starts work by itself."""

    schedules: Schedules
    ticker: Ticker


def pipeline_parts(store: ControlStore, wakeups: Wakeups, schedules: Schedules) -> PipelineParts:
    """Build the parts that stand on jobs and on what they run."""
    return PipelineParts(schedules=schedules, ticker=Ticker(store, schedules, wakeups))
