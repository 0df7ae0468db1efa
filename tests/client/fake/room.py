"""What the services share."""

import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from headrace.v1 import reject_pb2

from .refusals import Context, not_found
from .state import Ingestion, State

NOW = Timestamp(seconds=1_300_000_000)


class Room:
    def __init__(self, state: State) -> None:
        self.state = state

    def once(self, context: Context, method: str, answer: Callable[[], Any]) -> Any:
        """Answer a repeated idempotency key as the first time."""
        key = str(dict(context.invocation_metadata())["idempotency-key"])
        if (method, key) not in self.state.answers:
            self.state.answers[method, key] = answer()
        return self.state.answers[method, key]

    def ingestion(self, request_id: str, context: Context) -> Ingestion:
        if request_id not in self.state.ingestions:
            not_found(context, "ingestion", request_id)
        return self.state.ingestions[request_id]

    def page(self, items: list[Any], request: Any) -> tuple[list[Any], str]:
        start, size = int(request.page_token or 0), request.page_size or 2
        rest = start + size < len(items)
        return items[start : start + size], str(start + size) if rest else ""

    def change(self, request_id: str, **values: Any) -> None:
        with self.state.changed:
            ingestion = Ingestion()
            ingestion.CopyFrom(self.state.ingestions[request_id])
            ingestion.MergeFrom(Ingestion(**values, revision=ingestion.revision + 1))
            self.state.ingestions[request_id] = ingestion
            self.state.changed.notify_all()

    def load(self, file_name: str, content: bytes) -> str:
        """Start the ingestion of a file; a thread carries it on."""
        state, request_id = self.state, uuid.uuid4().hex
        running = {i.details for i in state.ingestions.values() if not i.terminal}
        state.loads.append((file_name, running))
        state.ingestions[request_id] = Ingestion(
            request_id=request_id, kind=Ingestion.FILES, status=Ingestion.PENDING, revision=1,
            total_mappings=1, bytes_total=len(content), created_at=NOW, details=file_name,
        )  # fmt: skip
        threading.Thread(target=self._run, args=(request_id, file_name, content)).start()
        return request_id

    def _run(self, request_id: str, file_name: str, content: bytes) -> None:
        self.state.running.wait()
        self.change(request_id, status=Ingestion.IN_PROGRESS, started_at=NOW)
        good = 0
        rejects = self.state.rejects.setdefault(request_id, [])
        for number, line in enumerate(content.splitlines(), 1):
            try:
                json.loads(line)
                good += 1
            except ValueError:
                rejects.append(
                    reject_pb2.Reject(
                        reject_id=f"r{number}", file_name=file_name, line=number,
                        reason=reject_pb2.Reject.MALFORMED_JSON, message="not JSON",
                        raw=line.decode(),
                    )
                )  # fmt: skip
        half = len(content) // 2
        self.change(request_id, progress=50, bytes_processed=half, rows_loaded=good // 2)
        status = Ingestion.COMPLETED_WITH_ERRORS if rejects else Ingestion.COMPLETED
        self.change(
            request_id, status=self.state.outcome or status, progress=100, terminal=True,
            bytes_processed=len(content), rows_loaded=good, rows_rejected=len(rejects),
            processed_mappings=1, completed_at=NOW,
        )  # fmt: skip
