"""kill -9 amid refreshes: rows are those of before until all are new, and the refresh is made."""

import asyncio

from headrace.v1.datamart_pb2 import Datamart, DatamartRefresh

from .accounts import control, query
from .fleet import Fleet, MakeFleet, eventually
from .loads import chance_of, kill, start_all

ROWS = 50_000
NUMBERS = (
    f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
    " SELECT i, (SELECT count(*) FROM analytics.rounds) AS round FROM n"
)


async def _read(fleet: Fleet) -> tuple[int, int, int]:
    """Rows of the datamart, and the rounds that they are of: the least and the most."""
    name = '"analytics.numbers"' if fleet.is_sqlite else "analytics.numbers"
    statement = f"SELECT count(*) AS n, min(round) AS least, max(round) AS most FROM {name}"
    (found,) = await query(fleet, statement)
    return int(found["n"]), int(found["least"]), int(found["most"])


async def test_a_refresh_is_made_once_and_as_a_whole(
    database_url: str, make_fleet: MakeFleet, seed: int
) -> None:
    chance = chance_of(seed)
    fleet = make_fleet(database_url, lease_seconds=1)
    await start_all([fleet.server])
    async with fleet.client() as client:
        await client.create_datamart("rounds", "SELECT 1 AS one", datamart_type=Datamart.TABLE)
        await client.create_datamart("numbers", NUMBERS)
        first = await client.refresh_datamart("numbers", wait_seconds=60)
        assert first.status == DatamartRefresh.COMPLETED, first.error
        assert await _read(fleet) == (ROWS, 0, 0)
        # From now on another number stands in every row.
        await client.refresh_datamart("rounds", wait_seconds=60)
        begun = await client.refresh_datamart("numbers", wait_seconds=0)
        await asyncio.sleep(chance.uniform(0, 0.3))
        await kill([fleet.server])
        assert await _read(fleet) in {(ROWS, 0, 0), (ROWS, 1, 1)}
        async for last in client.watch_refresh("numbers", begun.refresh_id):
            done = last
        assert (done.status, done.rows_refreshed) == (DatamartRefresh.COMPLETED, ROWS), done
        assert await _read(fleet) == (ROWS, 1, 1)
        assert (await client.get_datamart("numbers")).status == Datamart.READY

    async def nothing_left() -> bool:
        if fleet.is_sqlite:
            left = "SELECT name FROM sqlite_schema WHERE name LIKE 'headrace.marts.%'"
        else:
            left = "SELECT 1 FROM pg_class WHERE relnamespace = 'headrace_marts'::regnamespace"
        return not await query(fleet, left)

    await eventually(nothing_left, "the end of what was built aside")
    jobs = await control(fleet, "SELECT status FROM jobs WHERE kind = 'refresh_datamart'")
    assert {job["status"] for job in jobs} == {"COMPLETED"}
