"""Statuses and their watches."""

import uuid
from collections.abc import Iterator
from typing import Any

from headrace.v1 import ingestion_pb2, status_service_pb2, status_service_pb2_grpc

from .refusals import Context
from .room import NOW, Room
from .state import Ingestion


class Statuses(Room, status_service_pb2_grpc.StatusServiceServicer):
    def GetStatus(self, request: Any, context: Context) -> Ingestion:  # noqa: N802
        return self.ingestion(request.request_id, context)

    def ListStatuses(self, request: Any, context: Context) -> Any:  # noqa: N802
        chosen = [i for i in self.state.ingestions.values() if request.status in {0, i.status}]
        statuses, token = self.page(chosen, request)
        return status_service_pb2.ListStatusesResponse(statuses=statuses, next_page_token=token)

    def GetResults(self, request: Any, context: Context) -> Any:  # noqa: N802
        ingestion = self.ingestion(request.request_id, context)
        if ingestion.kind == Ingestion.MAPPINGS:
            found, token = self.page(self.state.mapping_results[request.request_id], request)
            return status_service_pb2.GetResultsResponse(results=found, next_page_token=token)
        chunks = [ingestion_pb2.ChunkResult(id="f", chunk=number) for number in range(5)]
        results, token = self.page(chunks, request)
        file = ingestion_pb2.FileResult(
            id=ingestion.details, data_type="orders", status=ingestion.status,
            rows_loaded=ingestion.rows_loaded, rows_rejected=ingestion.rows_rejected,
        )  # fmt: skip
        return status_service_pb2.GetResultsResponse(
            request_id=request.request_id, files=[file], chunks=results, next_page_token=token
        )

    def WatchStatus(self, request: Any, context: Context) -> Iterator[Ingestion]:  # noqa: N802
        self.ingestion(request.request_id, context)
        seen, sent = request.after_revision, 0
        cut = self.state.watch_cuts.pop(0) if self.state.watch_cuts else None
        while context.is_active():
            with self.state.changed:
                newest = self.state.ingestions[request.request_id]
                if newest.revision <= seen and not newest.terminal:
                    self.state.changed.wait(0.05)
                    continue
            if sent == cut:
                return
            yield newest
            if newest.terminal:
                return
            sent += 1
            seen = newest.revision
            yield newest  # the heartbeat repeats it

    def CreateWatchToken(self, request: Any, context: Context) -> Any:  # noqa: N802
        token = uuid.uuid4().hex
        answer = status_service_pb2.CreateWatchTokenResponse(watch_token=token)
        return self.once(context, "CreateWatchToken", lambda: answer)

    def GetHealth(self, request: Any, context: Context) -> Any:  # noqa: N802
        self.state.running.wait()
        healthy = status_service_pb2.GetHealthResponse.HEALTHY
        return status_service_pb2.GetHealthResponse(status=healthy, timestamp=NOW)
