"""Times of schedules come once, however many servers see to them, whatever their clocks say, and
whoever is killed.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from headrace_server.app import Core, open_core
from headrace_server.config import Config
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.schedules.ticker import Ticker
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import JOBS, PostgresWakeups
from headrace_server.model.job import NewJob
from headrace_server.model.pipeline import Approval, Definition, Step
from headrace_server.model.schedule import CatchUp, Schedule, Tick, TickPolicy
from headrace_server.model.tenant import Principal, Scope
from headrace_server.model.trigger import NewTrigger, Overlap, TriggerSettings, TriggerType

from .accounts import query_postgres
from .fleet import Fleet, MakeFleet, eventually
from .loads import chance_of, kill, start_all

CALLER = Principal("default", frozenset({Scope.READ, Scope.WRITE}), None)
KEY = "k1:" + "A" * 43 + "="
EVERY_MINUTE = Schedule("* * * * *")
ALL = TickPolicy(CatchUp.ALL, timedelta(hours=6))
#: how far the clocks of three servers are off
SKEWS = (timedelta(seconds=-2), timedelta(0), timedelta(seconds=2))
SCHEDULES, MINUTES = 100, 10


def last_minute() -> datetime:
    """A full minute that is over by every clock."""
    return datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)


@asynccontextmanager
async def ticking(url: str, skew: timedelta) -> AsyncIterator[tuple[ControlStore, Schedules]]:
    """See to schedules as a server whose clock is off; each tick queues a job."""
    store, wakeups = ControlStore.open(url), PostgresWakeups(url)
    jobs = Jobs(store, wakeups)
    schedules = Schedules(wakeups, clock=lambda: datetime.now(UTC) + skew)

    async def tick(connection: Connection, tick: Tick) -> Iterable[str]:
        payload = {"subject": tick.subject, "nominal": tick.nominal_at.isoformat()}
        await jobs.enqueue(connection, NewJob("ticked", tick.tenant_id, payload))
        return [JOBS]

    schedules.on_tick("test", tick)
    await wakeups.start()
    try:
        async with Ticker(store, schedules, wakeups).running():
            yield store, schedules
    finally:
        await wakeups.close()
        await store.close()


async def test_a_thousand_ticks_come_once_with_three_servers_whose_clocks_are_apart(
    migrated_postgres_url: str,
) -> None:
    url = migrated_postgres_url
    until = last_minute()
    wanted = SCHEDULES * MINUTES
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(ticking(url, skew)) for skew in SKEWS]
        store, schedules = servers[0]
        await query_postgres(
            url, "INSERT INTO tenants VALUES ('acme', 'Acme', 'ACTIVE', now()) RETURNING tenant_id"
        )
        since = until - timedelta(minutes=MINUTES, seconds=-1)
        async with store.begin() as connection:
            for number in range(SCHEDULES):
                of = ("acme", "test", f"s{number}")
                await schedules.set(connection, *of, EVERY_MINUTE, ALL, since=since)
        schedules.announce()

        come = (
            "SELECT payload->>'subject' AS subject, payload->>'nominal' AS nominal FROM jobs"
            f" WHERE payload->>'nominal' <= '{until.isoformat()}'"
        )

        async def all_come() -> bool:
            return len(await query_postgres(url, come)) >= wanted

        await eventually(all_come, f"{wanted} ticks", every=0.05)
    ticks = [(job["subject"], job["nominal"]) for job in await query_postgres(url, come)]
    assert len(set(ticks)) == len(ticks) == wanted


TRIGGERS, MISSED = 4, 25


async def prepare(core: Core, since: datetime) -> list[str]:
    """Make triggers that have missed every minute since then; returns their ids."""
    step = Step("ask", Approval("Go on?"))
    await core.runs.pipelines.create(CALLER, "p", Definition("p", (step,)))
    settings = TriggerSettings("t", schedule=EVERY_MINUTE, policy=ALL, overlap=Overlap.ALLOW)
    made = []
    for _ in range(TRIGGERS):
        new = NewTrigger("p", TriggerType.CRON, settings)
        made.append((await core.triggers.triggers.create(CALLER, new)).trigger.trigger_id)
    async with core.store.begin() as connection:
        schedules = core.triggers.ticker._schedules
        for trigger_id in made:
            of = ("default", "trigger", trigger_id)
            await schedules.set(connection, *of, EVERY_MINUTE, ALL, since=since)
    return made


async def test_no_tick_is_lost_or_doubled_while_servers_are_killed(
    postgres_url: str, make_fleet: MakeFleet, tmp_path: Path, seed: int
) -> None:
    chance = chance_of(seed)
    fleet: Fleet = make_fleet(postgres_url, lease_seconds=1, secret_keys=KEY)
    servers = [fleet.program("worker", f"worker-{number}") for number in range(3)]
    until = last_minute()
    config = Config(data_dir=tmp_path / "core", database_url=postgres_url, secret_keys=KEY)
    async with open_core(config) as core:
        made = await prepare(core, until - timedelta(minutes=MISSED, seconds=-1))
    await start_all(servers)
    wanted = TRIGGERS * MISSED

    share = chance.randrange(1, wanted)
    counted = f"SELECT count(*) AS n FROM trigger_executions WHERE nominal_at <= '{until}'"

    async def come(count: int) -> bool:
        (row,) = await query_postgres(postgres_url, counted)
        return int(row["n"]) >= count

    await eventually(lambda: come(share), f"{share} ticks")
    await kill(chance.sample(servers, chance.choice((1, 3))))
    await eventually(lambda: come(wanted), "all ticks", every=0.05)
    entries = await query_postgres(
        postgres_url, "SELECT trigger_id, nominal_at, run_id, status FROM trigger_executions"
    )
    times = Counter((entry["trigger_id"], entry["nominal_at"]) for entry in entries)
    minutes = [until - timedelta(minutes=number) for number in range(MISSED)]
    assert {key for key in times if key[1] <= until} == {(i, at) for i in made for at in minutes}
    assert set(times.values()) == {1}
    assert {entry["status"] for entry in entries} == {"RUNNING"}
    runs = await query_postgres(postgres_url, "SELECT run_id FROM runs")
    assert {run["run_id"] for run in runs} == {entry["run_id"] for entry in entries}
