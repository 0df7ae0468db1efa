"""Calls of DatamartService."""

from collections.abc import AsyncIterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import grpc
from headrace.v1 import datamart_service_pb2 as pb
from headrace.v1.datamart_pb2 import Datamart, DatamartRefresh
from headrace.v1.datamart_service_pb2_grpc import DatamartServiceStub

from headrace_client.connection import Connection, Metadata
from headrace_client.remote_jobs import struct_of
from headrace_client.watching import watched

if TYPE_CHECKING:
    from headrace.v1.datamart_service_pb2_grpc import DatamartServiceAsyncStub

#: seconds that a call waits for the end of a refresh if nothing else is asked for
_AT_ONCE = 5.0

_Stream = grpc.aio.UnaryStreamCall[pb.WatchRefreshRequest, DatamartRefresh]


class DatamartCalls(Connection):
    """DatamartService of a Client. The schema is `analytics` if not given.

    Every method raises HeadraceError.
    """

    @cached_property
    def _datamarts(self) -> "DatamartServiceAsyncStub":
        return DatamartServiceStub(self.channel)

    async def create_datamart(
        self,
        name: str,
        query: str,
        *,
        schema: str = "",
        datamart_type: Datamart.Type = Datamart.TYPE_UNSPECIFIED,
        refresh_strategy: Datamart.RefreshStrategy = Datamart.REFRESH_STRATEGY_UNSPECIFIED,
        schedule: str = "",
        time_zone: str = "",
        concurrent: bool | None = None,
        description: str = "",
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Datamart:
        """Create a datamart: a MATERIALIZED_VIEW, refreshed ON_DEMAND, if nothing else is given.

        `schedule` is a cron expression in `time_zone` (UTC if not given). It has no rows before its
        first refresh, unless it is a VIEW.
        """
        request = pb.CreateDatamartRequest(
            name=name,
            query=query,
            schema=schema,
            type=datamart_type,
            refresh_strategy=refresh_strategy,
            schedule=schedule,
            time_zone=time_zone,
            concurrent=concurrent,
            description=description,
            metadata=struct_of(metadata),
        )
        return await self.mutate(self._datamarts.CreateDatamart, request, idempotency_key)

    async def create_versioned_datamart(
        self,
        name: str,
        query: str,
        version: str,
        *,
        schema: str = "",
        retention_days: int | None = None,
        datamart_type: Datamart.Type = Datamart.TYPE_UNSPECIFIED,
        description: str = "",
        metadata: Mapping[str, Any] | None = None,
        wait_seconds: float | None = None,
        idempotency_key: str | None = None,
    ) -> Datamart:
        """Create `<name>__<version>` and refresh it; once it has rows `name` is a view of it.

        The version before is kept for its `retention_days`, 90 if not given. Returns when the rows
        are there, or after `wait_seconds` (5 if not given) with the version as it stands.
        """
        seconds = _AT_ONCE if wait_seconds is None else wait_seconds
        request = pb.CreateVersionedDatamartRequest(
            name=name,
            query=query,
            version=version,
            schema=schema,
            retention_days=retention_days,
            type=datamart_type,
            description=description,
            metadata=struct_of(metadata),
            wait_seconds=seconds,
        )
        method = self._datamarts.CreateVersionedDatamart
        return await self.mutate(method, request, idempotency_key, waits=seconds)

    async def refresh_datamart(
        self,
        name: str,
        *,
        schema: str = "",
        concurrent: bool | None = None,
        include_upstream: bool = False,
        wait_seconds: float | None = None,
        idempotency_key: str | None = None,
    ) -> DatamartRefresh:
        """Bring the rows of a datamart up to date; SKIPPED where a refresh is under way.

        Readers never wait for a `concurrent` one. With `include_upstream` the datamarts that it
        reads come first. Returns the refresh as it stands after `wait_seconds` at most, 5 if not
        given; `watch_refresh` follows it.
        """
        seconds = _AT_ONCE if wait_seconds is None else wait_seconds
        request = pb.RefreshDatamartRequest(
            name=name,
            schema=schema,
            concurrent=concurrent,
            include_upstream=include_upstream,
            wait_seconds=seconds,
        )
        method = self._datamarts.RefreshDatamart
        return await self.mutate(method, request, idempotency_key, waits=seconds)

    async def get_refresh(self, name: str, refresh_id: str, *, schema: str = "") -> DatamartRefresh:
        """Get a refresh as it stands now."""
        request = pb.GetRefreshRequest(name=name, refresh_id=refresh_id, schema=schema)
        return await self.call(self._datamarts.GetRefresh, request)

    async def list_refreshes(
        self, name: str, *, schema: str = "", page_size: int = 0
    ) -> AsyncIterator[DatamartRefresh]:
        """Yield the refreshes of a datamart that are kept, newest first."""
        request = pb.ListRefreshesRequest(name=name, schema=schema, page_size=page_size)
        async for page in self.pages(self._datamarts.ListRefreshes, request):
            for refresh in page.refreshes:
                yield refresh

    async def cancel_refresh(
        self, name: str, refresh_id: str, *, schema: str = ""
    ) -> DatamartRefresh:
        """Cancel a refresh that has not ended, and end its statement."""
        request = pb.CancelRefreshRequest(name=name, refresh_id=refresh_id, schema=schema)
        return await self.call(self._datamarts.CancelRefresh, request)

    async def watch_refresh(
        self, name: str, refresh_id: str, *, schema: str = "", after_revision: int = 0
    ) -> AsyncIterator[DatamartRefresh]:
        """Yield a refresh after each change, the terminal snapshot last; works as `watch` does."""
        stub = self._datamarts

        def open_stream(revision: int, metadata: Metadata) -> _Stream:
            request = pb.WatchRefreshRequest(
                name=name, refresh_id=refresh_id, schema=schema, after_revision=revision
            )
            return stub.WatchRefresh(request, metadata=metadata)

        async for refresh in watched(self, open_stream, after_revision):
            yield refresh

    async def schedule_datamart(
        self,
        name: str,
        schedule: str,
        *,
        schema: str = "",
        time_zone: str = "",
        concurrent: bool | None = None,
        idempotency_key: str | None = None,
    ) -> pb.DatamartSchedule:
        """Have a datamart refreshed by a cron expression, in `time_zone` (UTC if not given)."""
        request = pb.ScheduleDatamartRequest(
            name=name, schedule=schedule, schema=schema, time_zone=time_zone, concurrent=concurrent
        )
        return await self.mutate(self._datamarts.ScheduleDatamart, request, idempotency_key)

    async def unschedule_datamart(
        self, name: str, *, schema: str = "", idempotency_key: str | None = None
    ) -> pb.DatamartSchedule:
        """End the schedule of a datamart, which is refreshed ON_DEMAND from then on."""
        request = pb.UnscheduleDatamartRequest(name=name, schema=schema)
        return await self.mutate(self._datamarts.UnscheduleDatamart, request, idempotency_key)

    async def list_datamarts(
        self, *, schema: str = "", include_statistics: bool = True, page_size: int = 0
    ) -> AsyncIterator[Datamart]:
        """Yield the datamarts of a schema, of all without one, by schema and name."""
        request = pb.ListDatamartsRequest(
            schema=schema, include_statistics=include_statistics, page_size=page_size
        )
        async for page in self.pages(self._datamarts.ListDatamarts, request):
            for datamart in page.datamarts:
                yield datamart

    async def get_datamart(self, name: str, *, schema: str = "") -> Datamart:
        """Get a datamart with what it reads and what reads it."""
        request = pb.GetDatamartRequest(name=name, schema=schema)
        return await self.call(self._datamarts.GetDatamart, request)

    async def preview_datamart(
        self, name: str, *, schema: str = "", limit: int | None = None
    ) -> pb.PreviewDatamartResponse:
        """Get the first rows of a datamart, 100 if no `limit` (1 to 1,000) is given."""
        request = pb.PreviewDatamartRequest(name=name, schema=schema, limit=limit)
        return await self.call(self._datamarts.PreviewDatamart, request)

    async def delete_datamart(
        self,
        name: str,
        *,
        schema: str = "",
        cascade: bool = False,
        idempotency_key: str | None = None,
    ) -> list[str]:
        """Delete a datamart; return what was deleted, as "schema.name".

        Raises WrongStateError where others read it or it has a schedule, unless `cascade` is given,
        which deletes them too.
        """
        request = pb.DeleteDatamartRequest(name=name, schema=schema, cascade=cascade)
        answer = await self.mutate(self._datamarts.DeleteDatamart, request, idempotency_key)
        return list(answer.deleted)
