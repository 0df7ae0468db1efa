"""Datamarts of a shop, whose refreshes end at the second look."""

from collections.abc import Iterator
from typing import Any

import grpc
from headrace.v1 import datamart_service_pb2 as pb
from headrace.v1 import datamart_service_pb2_grpc

from .refusals import Context, fail, not_found
from .room import NOW, Room
from .state import Datamart, DatamartRefresh


class Datamarts(Room, datamart_service_pb2_grpc.DatamartServiceServicer):
    """A refresh of `broken` fails, one of `busy` is skipped, one of `slow` runs until cancelled."""

    def find(self, request: Any, context: Context) -> Datamart:
        schema = request.schema or "analytics"
        found = [
            each
            for each in self.state.datamarts.values()
            if each.schema == schema and request.name in {each.name, each.versioned_name}
        ]
        if not found:
            not_found(context, "datamart", f"{schema}.{request.name}")
        return found[0]

    def CreateDatamart(self, request: Any, context: Context) -> Any:  # noqa: N802
        def create() -> Datamart:
            if "nope" in request.query:
                code, where = grpc.StatusCode.INVALID_ARGUMENT, {"line": "1", "column": "8"}
                fail(context, code, "INVALID_QUERY", "sql: no such column: nope", **where)
            if request.time_zone == "Mars":
                code = grpc.StatusCode.INVALID_ARGUMENT
                fail(context, code, "INVALID_FIELD", "no such zone", field="time_zone")
            made = Datamart(
                datamart_id=request.name, name=request.name, query=request.query,
                schema=request.schema or "analytics", status=Datamart.CREATED, created_at=NOW,
                type=request.type or Datamart.MATERIALIZED_VIEW, rows_count=0, size_mb=0,
                refresh_strategy=request.refresh_strategy or Datamart.ON_DEMAND,
                refresh_required=request.type != Datamart.VIEW,
                description=request.description, metadata=request.metadata,
            )  # fmt: skip
            if request.schedule:
                made.MergeFrom(self.scheduled(request.schedule, request.time_zone))
            self.state.datamarts[request.name] = made
            return made

        return self.once(context, "CreateDatamart", create)

    def scheduled(self, schedule: str, time_zone: str) -> Datamart:
        return Datamart(
            schedule=schedule, time_zone=time_zone or "UTC", next_run=NOW,
            refresh_strategy=Datamart.SCHEDULED,
        )  # fmt: skip

    def CreateVersionedDatamart(self, request: Any, context: Context) -> Any:  # noqa: N802
        def create() -> Datamart:
            name = f"{request.name}__{request.version}"
            for each in self.state.datamarts.values():
                if each.versioned_name == request.name:
                    each.expires_at.CopyFrom(NOW)
            made = Datamart(
                datamart_id=name, name=name, schema=request.schema or "analytics",
                status=Datamart.REFRESHING, type=request.type or Datamart.TABLE,
                query=request.query, version=request.version, versioned_name=request.name,
                retention_days=request.retention_days or 90, created_at=NOW,
                refresh_strategy=Datamart.ON_DEMAND,
            )  # fmt: skip
            # The newest comes first, so that it is what the name stands for.
            self.state.datamarts = {name: made, **self.state.datamarts}
            if made.type != Datamart.VIEW:
                self.begin(made, DatamartRefresh.PENDING)
            return made

        return self.once(context, "CreateVersionedDatamart", create)

    def begin(self, datamart: Datamart, status: DatamartRefresh.Status) -> DatamartRefresh:
        refresh = DatamartRefresh(
            refresh_id=f"r{len(self.state.refreshes) + 1}", datamart_name=datamart.name,
            schema=datamart.schema, status=status, cause=DatamartRefresh.REQUEST,
            created_at=NOW, revision=1, terminal=status == DatamartRefresh.SKIPPED,
        )  # fmt: skip
        if refresh.terminal:
            refresh.note = "another refresh is under way"
        self.state.refreshes[refresh.refresh_id] = refresh
        return refresh

    def RefreshDatamart(self, request: Any, context: Context) -> Any:  # noqa: N802
        datamart = self.find(request, context)
        busy = datamart.name == "busy"
        status = DatamartRefresh.SKIPPED if busy else DatamartRefresh.PENDING

        def begin() -> DatamartRefresh:
            refresh = self.begin(datamart, status)
            refresh.concurrent = request.concurrent
            if request.include_upstream:
                refresh.after.append("r0")
            return refresh

        return self.once(context, "RefreshDatamart", begin)

    def refresh(self, request: Any, context: Context) -> DatamartRefresh:
        datamart = self.find(request, context)
        known = self.state.refreshes.get(request.refresh_id)
        if known is None or known.datamart_name != datamart.name:
            not_found(context, "refresh", request.refresh_id)
        return known

    def alter(self, refresh_id: str, **values: Any) -> DatamartRefresh:
        with self.state.changed:
            refresh = DatamartRefresh()
            refresh.CopyFrom(self.state.refreshes[refresh_id])
            refresh.MergeFrom(DatamartRefresh(**values, revision=refresh.revision + 1))
            self.state.refreshes[refresh_id] = refresh
            self.state.changed.notify_all()
        return refresh

    def GetRefresh(self, request: Any, context: Context) -> Any:  # noqa: N802
        return self.refresh(request, context)

    def ListRefreshes(self, request: Any, context: Context) -> Any:  # noqa: N802
        name = self.find(request, context).name
        kept = [r for r in reversed(self.state.refreshes.values()) if r.datamart_name == name]
        refreshes, token = self.page(kept, request)
        return pb.ListRefreshesResponse(refreshes=refreshes, next_page_token=token)

    def CancelRefresh(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.refresh(request, context)
        return self.alter(request.refresh_id, status=DatamartRefresh.CANCELLED, terminal=True)

    def WatchRefresh(self, request: Any, context: Context) -> Iterator[Any]:  # noqa: N802
        known = self.refresh(request, context)
        cut = self.state.watch_cuts.pop(0) if self.state.watch_cuts else None
        if known.revision > request.after_revision:
            yield known
        if cut is not None:
            return
        if not known.terminal:
            name = known.datamart_name
            yield self.alter(request.refresh_id, status=DatamartRefresh.RUNNING, rows_written=2)
            if name == "slow":
                with self.state.changed:
                    self.state.changed.wait_for(
                        lambda: self.state.refreshes[request.refresh_id].terminal, timeout=60
                    )
                yield self.state.refreshes[request.refresh_id]
                return
            yield self.end(request, context)

    def end(self, request: Any, context: Context) -> DatamartRefresh:
        datamart = self.find(request, context)
        if datamart.name == "broken":
            datamart.MergeFrom(Datamart(status=Datamart.FAILED, error="division by zero"))
            return self.alter(
                request.refresh_id, status=DatamartRefresh.FAILED, terminal=True,
                error="division by zero", refresh_duration_seconds=0.5,
            )  # fmt: skip
        datamart.MergeFrom(
            Datamart(status=Datamart.READY, rows_count=3, size_mb=0.5, last_refresh=NOW)
        )
        return self.alter(
            request.refresh_id, status=DatamartRefresh.COMPLETED, terminal=True, rows_refreshed=3,
            size_mb=0.5, refresh_duration_seconds=1.5, refreshed_at=NOW,
        )  # fmt: skip

    def ScheduleDatamart(self, request: Any, context: Context) -> Any:  # noqa: N802
        datamart = self.find(request, context)
        if len(request.schedule.split()) != 5:
            code = grpc.StatusCode.INVALID_ARGUMENT
            fail(context, code, "INVALID_FIELD", "must have five fields", field="schedule")
        datamart.MergeFrom(self.scheduled(request.schedule, request.time_zone))
        return pb.DatamartSchedule(
            datamart_name=datamart.name, schema=datamart.schema, schedule_id="s1",
            cron_expression=request.schedule, time_zone=datamart.time_zone, next_run=NOW,
            status=pb.DatamartSchedule.SCHEDULED, concurrent=request.concurrent,
        )  # fmt: skip

    def UnscheduleDatamart(self, request: Any, context: Context) -> Any:  # noqa: N802
        datamart = self.find(request, context)
        for field in ("schedule", "time_zone", "next_run"):
            datamart.ClearField(field)
        datamart.refresh_strategy = Datamart.ON_DEMAND
        return pb.DatamartSchedule(
            datamart_name=datamart.name, schema=datamart.schema,
            status=pb.DatamartSchedule.UNSCHEDULED,
        )  # fmt: skip

    def ListDatamarts(self, request: Any, context: Context) -> Any:  # noqa: N802
        chosen = [
            each for each in self.state.datamarts.values() if request.schema in {"", each.schema}
        ]
        datamarts, token = self.page(chosen, request)
        return pb.ListDatamartsResponse(
            datamarts=datamarts, total=len(chosen), next_page_token=token
        )

    def GetDatamart(self, request: Any, context: Context) -> Any:  # noqa: N802
        return self.find(request, context)

    def PreviewDatamart(self, request: Any, context: Context) -> Any:  # noqa: N802
        datamart = self.find(request, context)
        rows = [("Ada", 2450.5, 15), ("Bob", None, 1), ("Cy", 3, 2)]
        answer = pb.PreviewDatamartResponse(
            datamart_name=datamart.name, schema=datamart.schema,
            columns=["name", "spent", "orders"], total_rows=3,
        )  # fmt: skip
        for row in rows[: min(request.limit, datamart.rows_count)]:
            answer.data.add().update(dict(zip(answer.columns, row, strict=True)))
        answer.rows_returned = len(answer.data)
        return answer

    def DeleteDatamart(self, request: Any, context: Context) -> Any:  # noqa: N802
        name = self.find(request, context).name

        def delete() -> Any:
            readers = [
                each.name
                for each in self.state.datamarts.values()
                if name in {source.table for source in each.sources}
            ]
            if readers and not request.cascade:
                code = grpc.StatusCode.FAILED_PRECONDITION
                why = f"analytics.{readers[0]} reads it; give cascade to delete all of that"
                fail(context, code, "WRONG_STATE", why)
            for each in (*readers, name):
                del self.state.datamarts[each]
            return pb.DeleteDatamartResponse(
                deleted=[f"analytics.{each}" for each in (*readers, name)]
            )

        return self.once(context, "DeleteDatamart", delete)
