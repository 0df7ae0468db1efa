"""DatamartService."""

# ruff: noqa: N802, ARG002  # names and signatures are those of the protos

from collections.abc import AsyncIterator
from contextlib import aclosing

from headrace.v1 import datamart_pb2, datamart_service_pb2_grpc
from headrace.v1 import datamart_service_pb2 as pb

from headrace_server.core.datamarts.datamarts import Datamarts
from headrace_server.core.datamarts.defining import Definitions
from headrace_server.core.datamarts.refreshes import Refreshes
from headrace_server.core.datamarts.scheduling import MartSchedules
from headrace_server.rpc.call import Context, caller
from headrace_server.rpc.messages.datamart import (
    datamart_message,
    given,
    new_datamart,
    new_version,
    preview_limit,
    preview_message,
    refresh_message,
    schedule_message,
    schedule_of,
    schema_of,
    wait_seconds,
)
from headrace_server.rpc.messages.page import page_request


class DatamartServicer(datamart_service_pb2_grpc.DatamartServiceServicer):
    """Keeps the rows of queries under names, and brings them up to date."""

    def __init__(
        self,
        datamarts: Datamarts,
        definitions: Definitions,
        refreshes: Refreshes,
        schedules: MartSchedules,
    ) -> None:
        self._datamarts = datamarts
        self._definitions = definitions
        self._refreshes = refreshes
        self._schedules = schedules

    async def CreateDatamart(
        self, request: pb.CreateDatamartRequest, context: Context
    ) -> datamart_pb2.Datamart:
        mart = await self._definitions.create(caller(), new_datamart(request))
        return datamart_message(await self._datamarts.get(caller(), mart.schema, mart.name))

    async def RefreshDatamart(
        self, request: pb.RefreshDatamartRequest, context: Context
    ) -> datamart_pb2.DatamartRefresh:
        started = await self._refreshes.start(
            caller(),
            schema_of(request),
            request.name,
            concurrent=given(request, "concurrent"),
            include_upstream=request.include_upstream,
        )
        seconds = wait_seconds(request)
        return refresh_message(await self._refreshes.wait(caller(), started, seconds))

    async def GetRefresh(
        self, request: pb.GetRefreshRequest, context: Context
    ) -> datamart_pb2.DatamartRefresh:
        schema = schema_of(request)
        return refresh_message(
            await self._refreshes.get(caller(), schema, request.name, request.refresh_id)
        )

    async def ListRefreshes(
        self, request: pb.ListRefreshesRequest, context: Context
    ) -> pb.ListRefreshesResponse:
        page = await self._refreshes.list(
            caller(), schema_of(request), request.name, page_request(request)
        )
        return pb.ListRefreshesResponse(
            refreshes=map(refresh_message, page.items), next_page_token=page.next_token
        )

    async def CancelRefresh(
        self, request: pb.CancelRefreshRequest, context: Context
    ) -> datamart_pb2.DatamartRefresh:
        schema = schema_of(request)
        return refresh_message(
            await self._refreshes.cancel(caller(), schema, request.name, request.refresh_id)
        )

    async def WatchRefresh(
        self, request: pb.WatchRefreshRequest, context: Context
    ) -> AsyncIterator[datamart_pb2.DatamartRefresh]:
        watch = self._refreshes.watch(
            caller(),
            schema_of(request),
            request.name,
            request.refresh_id,
            request.after_revision,
        )
        async with aclosing(watch) as snapshots:
            async for snapshot in snapshots:
                yield refresh_message(snapshot)

    async def ScheduleDatamart(
        self, request: pb.ScheduleDatamartRequest, context: Context
    ) -> pb.DatamartSchedule:
        mart, schedule = await self._schedules.set(
            caller(),
            schema_of(request),
            request.name,
            schedule_of(request),
            concurrent=given(request, "concurrent"),
        )
        return schedule_message(mart, schedule, "SCHEDULED")

    async def UnscheduleDatamart(
        self, request: pb.UnscheduleDatamartRequest, context: Context
    ) -> pb.DatamartSchedule:
        mart, schedule = await self._schedules.clear(caller(), schema_of(request), request.name)
        return schedule_message(mart, schedule, "UNSCHEDULED")

    async def ListDatamarts(
        self, request: pb.ListDatamartsRequest, context: Context
    ) -> pb.ListDatamartsResponse:
        page, total = await self._datamarts.list(caller(), request.schema, page_request(request))
        statistics = given(request, "include_statistics") is not False
        return pb.ListDatamartsResponse(
            datamarts=[datamart_message(each, statistics=statistics) for each in page.items],
            total=total,
            next_page_token=page.next_token,
        )

    async def GetDatamart(
        self, request: pb.GetDatamartRequest, context: Context
    ) -> datamart_pb2.Datamart:
        return datamart_message(
            await self._datamarts.get(caller(), schema_of(request), request.name)
        )

    async def PreviewDatamart(
        self, request: pb.PreviewDatamartRequest, context: Context
    ) -> pb.PreviewDatamartResponse:
        limit = preview_limit(request)
        return preview_message(
            await self._datamarts.preview(caller(), schema_of(request), request.name, limit),
            request.name,
        )

    async def CreateVersionedDatamart(
        self, request: pb.CreateVersionedDatamartRequest, context: Context
    ) -> datamart_pb2.Datamart:
        mart, refresh = await self._definitions.create_version(caller(), *new_version(request))
        await self._refreshes.wait(caller(), refresh, wait_seconds(request))
        return datamart_message(await self._datamarts.get(caller(), mart.schema, mart.name))

    async def DeleteDatamart(
        self, request: pb.DeleteDatamartRequest, context: Context
    ) -> pb.DeleteDatamartResponse:
        deleted = await self._datamarts.delete(
            caller(), schema_of(request), request.name, cascade=request.cascade
        )
        return pb.DeleteDatamartResponse(deleted=map(".".join, deleted))
