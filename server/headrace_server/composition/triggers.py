"""The parts that start work by themselves."""

from collections.abc import Iterable
from dataclasses import dataclass

from headrace_server.composition.foundation import Foundation
from headrace_server.composition.pipelines import RunParts
from headrace_server.core.schedules.ticker import Ticker
from headrace_server.core.storage.watches import FolderWatches
from headrace_server.core.triggers.backfill import Backfills
from headrace_server.core.triggers.files import FileFires
from headrace_server.core.triggers.firing import Firing
from headrace_server.core.triggers.following import TriggerFollower
from headrace_server.core.triggers.manual import ManualRuns
from headrace_server.core.triggers.outcomes import Outcomes
from headrace_server.core.triggers.secrets import WebhookSecrets
from headrace_server.core.triggers.settling import ExecutionSettler
from headrace_server.core.triggers.ticks import TriggerTicks
from headrace_server.core.triggers.times import TriggerTimes
from headrace_server.core.triggers.triggers import Triggers
from headrace_server.core.triggers.webhooks import WebhookFires
from headrace_server.db.engine import Connection
from headrace_server.db.trigger_locks import lock_those_of
from headrace_server.db.triggers import TRIGGER
from headrace_server.db.wakeups import RUN_ENDS
from headrace_server.model.run import Run


@dataclass(frozen=True, slots=True)
class TriggerParts:
    """What starts work by itself."""

    ticker: Ticker
    triggers: Triggers
    times: TriggerTimes
    manual: ManualRuns
    backfills: Backfills
    webhooks: WebhookFires
    follower: TriggerFollower


def trigger_parts(base: Foundation, runs: RunParts, folder_watches: FolderWatches) -> TriggerParts:
    """Build the parts that stand on schedules, on files and on the runs that they start."""
    store, jobs, wakeups, schedules = base.store, base.jobs, base.wakeups, base.schedules
    outcomes = Outcomes(schedules)
    firing = Firing(runs.runs, jobs, outcomes)
    ticks = TriggerTicks(firing)
    schedules.on_tick(TRIGGER, ticks.tick, ticks.lapsed)
    secrets = WebhookSecrets(base.vault)
    triggers = Triggers(store, wakeups, schedules, outcomes, secrets, folder_watches)
    runs.pipelines.on_delete(triggers.guard_deletion)
    runs.ends.on_end(_told_of)
    runs.ends.on_resume(outcomes.resumed, lock=outcomes.lock_of_run)
    runs.pipelines.lock_before_delete(lock_those_of)
    settler = ExecutionSettler(store, schedules, firing, outcomes)
    files = FileFires(store, schedules, firing, outcomes)
    return TriggerParts(
        ticker=Ticker(store, schedules, wakeups),
        triggers=triggers,
        times=TriggerTimes(store, schedules),
        manual=ManualRuns(store, jobs, wakeups, schedules, runs.runs, firing, outcomes),
        backfills=Backfills(store, schedules, firing, outcomes),
        webhooks=WebhookFires(store, schedules, firing, outcomes, secrets),
        follower=TriggerFollower(wakeups, files, settler),
    )


async def _told_of(_connection: Connection, run: Run) -> Iterable[str]:
    """Wake who settles executions, if the run is one's."""
    return () if run.trigger_id is None else (RUN_ENDS,)
