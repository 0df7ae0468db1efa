"""What the server in memory knows, and how it is told to misbehave."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from headrace.v1 import (
    contract_pb2,
    datamart_pb2,
    dataset_pb2,
    export_pb2,
    ingestion_pb2,
    mapping_pb2,
    pipeline_pb2,
    reject_pb2,
    remote_job_pb2,
    run_pb2,
    storage_pb2,
    tenant_pb2,
    trigger_pb2,
    upload_pb2,
)

Datamart = datamart_pb2.Datamart
DatamartRefresh = datamart_pb2.DatamartRefresh
Dataset = dataset_pb2.Dataset
Export = export_pb2.Export
FolderWatch = storage_pb2.FolderWatch
Import = storage_pb2.Import
Ingestion = ingestion_pb2.Ingestion
MappingResult = mapping_pb2.MappingResult
Mount = storage_pb2.Mount
Pipeline = pipeline_pb2.Pipeline
RemoteJob = remote_job_pb2.RemoteJob
Run = run_pb2.Run
RunLogLine = run_pb2.RunLogLine
RunStep = run_pb2.RunStep
ScoreEntry = dataset_pb2.ScoreEntry
Session = upload_pb2.UploadSession
StoredFile = storage_pb2.StoredFile
Trigger = trigger_pb2.Trigger
TriggerExecution = trigger_pb2.TriggerExecution

REFERENCES = {"order_items": ("orders", "products"), "orders": ("customers",)}
TABLES = ("customers", "products", "orders", "order_items")


def commerce() -> contract_pb2.Contract:
    contract = contract_pb2.Contract(name="commerce", version=1, builtin=True)
    for name in TABLES:
        key = f"{name.rstrip('s')}_id"
        table = contract.tables.add(name=name, primary_key=[key])
        table.columns.add(name=key, type=contract_pb2.Column.UUID)
        for parent in REFERENCES.get(name, ()):
            table.references.add(columns=[f"{parent.rstrip('s')}_id"], table=parent)
    return contract


@dataclass
class State:
    """Everything that the server knows, and how it is told to misbehave."""

    #: bytes of each upload
    files: dict[str, bytearray] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    ingestions: dict[str, Ingestion] = field(default_factory=dict)
    rejects: dict[str, list[reject_pb2.Reject]] = field(default_factory=dict)
    contracts: dict[str, contract_pb2.Contract] = field(
        default_factory=lambda: {"commerce": commerce()}
    )
    tenants: dict[str, tenant_pb2.Tenant] = field(default_factory=dict)
    api_keys: list[tenant_pb2.ApiKey] = field(default_factory=list)
    #: results of the mappings of each ingestion
    mapping_results: dict[str, list[MappingResult]] = field(default_factory=dict)
    #: datasets by full name
    datasets: dict[str, Dataset] = field(default_factory=dict)
    score_entries: list[ScoreEntry] = field(default_factory=list)
    mounts: dict[str, Mount] = field(default_factory=dict)
    #: what each mount was asked for with
    mount_requests: list[Any] = field(default_factory=list)
    folder_watches: dict[str, FolderWatch] = field(default_factory=dict)
    #: bytes of the files of all mounts, by path
    mounted: dict[str, bytes] = field(default_factory=dict)
    #: what each import was asked for with
    import_requests: dict[str, Any] = field(default_factory=dict)
    #: files that watches noticed, by path
    stored_files: dict[str, StoredFile] = field(default_factory=dict)
    #: datamarts by name
    datamarts: dict[str, Datamart] = field(default_factory=dict)
    refreshes: dict[str, DatamartRefresh] = field(default_factory=dict)
    exports: dict[str, Export] = field(default_factory=dict)
    #: what each export was asked for with; its bytes are in files
    export_requests: dict[str, Any] = field(default_factory=dict)
    remote_jobs: dict[str, RemoteJob] = field(default_factory=dict)
    #: what each remote job was created with
    job_requests: dict[str, Any] = field(default_factory=dict)
    job_results: dict[str, remote_job_pb2.RemoteJobResult] = field(default_factory=dict)
    #: job and attempt of each upload of a result
    result_uploads: dict[str, tuple[str, int]] = field(default_factory=dict)
    #: uploads that are only kept, those of results included
    kept: set[str] = field(default_factory=set)
    #: versions of pipelines, oldest first; None for one that is forgotten
    pipelines: dict[str, list[Pipeline | None]] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    #: what the next run of a pipeline is like
    next_run: Run = field(default_factory=lambda: Run(revision=1))
    #: what each watch of a run tells before the run as it stands
    snapshots: list[Run] = field(default_factory=list)
    run_logs: list[RunLogLine] = field(default_factory=list)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    #: history of each trigger
    executions: list[TriggerExecution] = field(default_factory=list)
    #: what was asked for again
    backfills: list[Any] = field(default_factory=list)
    #: seconds of a lease, which heartbeats extend
    lease: float = 60.0
    #: content that no result may have
    forbidden: str = "forbidden"
    #: after how many blocks each of the next downloads is cut
    download_cuts: list[int] = field(default_factory=list)
    #: answers by method and idempotency key
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    #: method and metadata of each call
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    #: file names loaded, in order, with the names that were still running
    loads: list[tuple[str, set[str]]] = field(default_factory=list)
    #: calls of each method to answer UNAVAILABLE from now on
    unavailable: Counter[str] = field(default_factory=Counter)
    #: after how many bytes each of the next appends is cut
    append_cuts: list[int] = field(default_factory=list)
    #: after how many messages each of the next watches ends without a terminal one
    watch_cuts: list[int] = field(default_factory=list)
    #: status that every load ends with; None: what the rows deserve
    outcome: Ingestion.Status | None = None
    #: loads run only while it is set
    running: threading.Event = field(default_factory=threading.Event)
    #: appends take the next message only while it is set
    receiving: threading.Event = field(default_factory=threading.Event)
    #: after how many bytes in all `receiving` is cleared
    receive_bytes: int | None = None
    #: appends that have not ended
    appending: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    api_key: str | None = None
    #: tenants that it does not know
    strangers: set[str] = field(default_factory=set)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, "it never came to that"
            time.sleep(0.005)

    def note_received(self) -> None:
        if self.receive_bytes and sum(map(len, self.files.values())) >= self.receive_bytes:
            self.receive_bytes = None
            self.receiving.clear()

    def count(self, method: str) -> int:
        return sum(name == method for name, _ in self.calls)

    def content(self, file_name: str) -> bytes:
        """The bytes of the one completed upload of that name."""
        (token,) = (
            t
            for t, s in self.sessions.items()
            if s.file_name == file_name and s.status == Session.COMPLETED
        )
        return bytes(self.files[token])
