from typing import TYPE_CHECKING

import pytest
from headrace.v1.datamart_pb2 import Datamart, DatamartRefresh
from headrace.v1.datamart_service_pb2 import DatamartSchedule

from headrace_client import Client, InvalidRequestError, NotFoundError, WrongStateError

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State

QUERY = "SELECT name, sum(amount) AS spent FROM orders GROUP BY name"


async def test_a_datamart_from_its_creation_to_its_end(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        made = await client.create_datamart(
            "sales", QUERY, datamart_type=Datamart.TABLE, metadata={"owner": "Dana"}
        )
        assert (made.schema, made.type, made.refresh_required) == (
            "analytics",
            Datamart.TABLE,
            True,
        )
        assert made.metadata["owner"] == "Dana"
        begun = await client.refresh_datamart("sales", concurrent=True, include_upstream=True)
        assert begun.concurrent
        assert list(begun.after) == ["r0"]
        seen = [each async for each in client.watch_refresh("sales", begun.refresh_id)]
        assert [each.status for each in seen] == [
            DatamartRefresh.PENDING, DatamartRefresh.RUNNING, DatamartRefresh.COMPLETED,
        ]  # fmt: skip
        assert await client.get_refresh("sales", begun.refresh_id) == seen[-1]
        assert [each async for each in client.list_refreshes("sales")] == [seen[-1]]
        assert (await client.get_datamart("sales", schema="analytics")).rows_count == 3
        assert (await client.preview_datamart("sales", limit=2)).rows_returned == 2
        assert await client.delete_datamart("sales") == ["analytics.sales"]
        with pytest.raises(NotFoundError):
            await client.get_datamart("sales")


async def test_a_lost_answer_refreshes_once(server: "FakeServer", state: "State") -> None:
    state.unavailable["RefreshDatamart"] = 2
    state.watch_cuts = [1]
    async with Client(server.address) as client:
        await client.create_datamart("sales", QUERY)
        begun = await client.refresh_datamart("sales", wait_seconds=0)
        seen = [each async for each in client.watch_refresh("sales", begun.refresh_id)]
    assert [each.revision for each in seen] == [1, 2, 3]
    assert len(state.refreshes) == 1
    assert state.count("WatchRefresh") == 2


async def test_a_schedule(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        await client.create_datamart("sales", QUERY)
        made = await client.schedule_datamart("sales", "0 2 * * *", time_zone="Asia/Tokyo")
        assert (made.status, made.time_zone) == (DatamartSchedule.SCHEDULED, "Asia/Tokyo")
        with pytest.raises(InvalidRequestError):
            await client.schedule_datamart("sales", "0 2")
        ended = await client.unschedule_datamart("sales")
        assert ended.status == DatamartSchedule.UNSCHEDULED
        assert not (await client.get_datamart("sales")).HasField("schedule")


async def test_versions(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        await client.create_versioned_datamart("segments", QUERY, "v1", retention_days=30)
        await client.create_versioned_datamart("segments", QUERY, "v2")
        newest = await client.get_datamart("segments")
        assert (newest.name, newest.retention_days) == ("segments__v2", 90)
        names = [each.name async for each in client.list_datamarts(include_statistics=False)]
        assert sorted(names) == ["segments__v1", "segments__v2"]
        assert [each async for each in client.list_datamarts(schema="raw")] == []


async def test_cancel_and_delete_are_told_why_not(server: "FakeServer", state: "State") -> None:
    async with Client(server.address) as client:
        await client.create_datamart("slow", QUERY)
        begun = await client.refresh_datamart("slow")
        ended = await client.cancel_refresh("slow", begun.refresh_id)
        assert (ended.status, ended.terminal) == (DatamartRefresh.CANCELLED, True)
        reader = Datamart(name="reader", schema="analytics")
        reader.sources.add(schema="analytics", table="slow", datamart=True)
        state.datamarts["reader"] = reader
        with pytest.raises(WrongStateError, match="reader reads it"):
            await client.delete_datamart("slow")
        gone = await client.delete_datamart("slow", cascade=True)
        assert gone == ["analytics.reader", "analytics.slow"]
