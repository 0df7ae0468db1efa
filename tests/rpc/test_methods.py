"""What is derived from the descriptors, for every method there is."""

import pytest
from google.protobuf import descriptor_pb2
from headrace.v1 import status_service_pb2

from headrace_server.model.tenant import Scope
from headrace_server.rpc.methods import method_of
from headrace_server.rpc.server import SERVICES

READ, WRITE, ADMIN, OPEN = Scope.READ, Scope.WRITE, Scope.ADMIN, None
WORKER = Scope.WORKER

SCOPES = {
    "IngestionService/CreateIngestion": WRITE,
    "IngestionService/IngestFile": WRITE,
    "IngestionService/IngestOrders": WRITE,
    "IngestionService/CreateUploadSession": WRITE,
    "IngestionService/GetUploadSession": READ,
    "IngestionService/AppendUpload": WRITE,
    "IngestionService/CompleteUpload": WRITE,
    "IngestionService/ResumeUpload": WRITE,
    "IngestionService/AbortUpload": WRITE,
    "IngestionService/CancelIngestion": WRITE,
    "IngestionService/RetryIngestion": WRITE,
    "IngestionService/ListRejects": READ,
    "IngestionService/ReplayRejects": WRITE,
    "IngestionService/RegisterContract": WRITE,
    "IngestionService/GetContract": READ,
    "IngestionService/ListContracts": READ,
    "StatusService/GetStatus": READ,
    "StatusService/ListStatuses": READ,
    "StatusService/GetResults": READ,
    "StatusService/WatchStatus": READ,
    "StatusService/CreateWatchToken": READ,
    "StatusService/GetHealth": OPEN,
    "ReadinessService/IngestMockDatasets": WRITE,
    "ReadinessService/UpsertDataset": WRITE,
    "ReadinessService/ListDatasets": READ,
    "ReadinessService/GetDataset": READ,
    "ReadinessService/ScoreDataset": WRITE,
    "ReadinessService/ListScoreHistory": READ,
    "ReadinessService/ObserveDataset": WRITE,
    "ReadinessService/WatchReadiness": READ,
    "ReadinessService/GrantWaiver": ADMIN,
    "ReadinessService/RevokeWaiver": ADMIN,
    "DatamartService/CreateDatamart": WRITE,
    "DatamartService/RefreshDatamart": WRITE,
    "DatamartService/GetRefresh": READ,
    "DatamartService/ListRefreshes": READ,
    "DatamartService/CancelRefresh": WRITE,
    "DatamartService/WatchRefresh": READ,
    "DatamartService/ScheduleDatamart": WRITE,
    "DatamartService/UnscheduleDatamart": WRITE,
    "DatamartService/ListDatamarts": READ,
    "DatamartService/GetDatamart": READ,
    "DatamartService/PreviewDatamart": READ,
    "DatamartService/CreateVersionedDatamart": WRITE,
    "DatamartService/DeleteDatamart": WRITE,
    "RemoteJobService/CreateRemoteJob": WRITE,
    "RemoteJobService/CreateRemoteJobs": WRITE,
    "RemoteJobService/PollJobs": WORKER,
    "RemoteJobService/HeartbeatJob": WORKER,
    "RemoteJobService/ReleaseJob": WORKER,
    "RemoteJobService/SubmitResult": WORKER,
    "RemoteJobService/SubmitResults": WORKER,
    "RemoteJobService/GetJobResult": READ,
    "RemoteJobService/DownloadResult": READ,
    "RemoteJobService/GetJobStatus": READ,
    "RemoteJobService/WatchJob": READ,
    "RemoteJobService/DownloadSource": WORKER,
    "RemoteJobService/CancelJob": WRITE,
    "RemoteJobService/ListJobs": READ,
    "RemoteJobService/RearmJob": WRITE,
    "RemoteJobService/DeleteJob": WRITE,
    "TenantService/CreateTenant": ADMIN,
    "TenantService/GetTenant": ADMIN,
    "TenantService/ListTenants": ADMIN,
    "TenantService/SuspendTenant": ADMIN,
    "TenantService/ReactivateTenant": ADMIN,
    "TenantService/CreateApiKey": ADMIN,
    "TenantService/ListApiKeys": ADMIN,
    "TenantService/RevokeApiKey": ADMIN,
    "WarehouseService/ListTables": READ,
    "WarehouseService/DescribeTable": READ,
    "WarehouseService/RunQuery": READ,
    "PreviewService/PreviewFile": READ,
    "PreviewService/PreviewPath": READ,
    "RelationshipService/DetectRelationships": WRITE,
    "RelationshipService/GetDetection": READ,
    "RelationshipService/CancelDetection": WRITE,
    "RelationshipService/DecideRelationship": WRITE,
    "ExportService/ExportDatamart": WRITE,
    "ExportService/ExportQuery": WRITE,
    "ExportService/CreateReport": WRITE,
    "ExportService/GetExport": READ,
    "ExportService/ListExports": READ,
    "ExportService/WatchExport": READ,
    "ExportService/CancelExport": WRITE,
    "ExportService/DownloadExport": READ,
    "StorageService/Mount": WRITE,
    "StorageService/ListMounts": READ,
    "StorageService/Unmount": WRITE,
    "StorageService/WatchFolder": WRITE,
    "StorageService/ListWatches": READ,
    "StorageService/StopWatch": WRITE,
    "StorageService/ImportFile": WRITE,
    "StorageService/GetImport": READ,
    "StorageService/ListFiles": READ,
    "StorageService/WatchFiles": READ,
    "StorageService/RetryFile": WRITE,
    "PipelineService/CreatePipeline": WRITE,
    "PipelineService/GetPipeline": READ,
    "PipelineService/ListPipelines": READ,
    "PipelineService/UpdatePipeline": WRITE,
    "PipelineService/DeletePipeline": WRITE,
    "RunService/GetRun": READ,
    "RunService/WatchRun": READ,
    "RunService/ListRuns": READ,
    "RunService/CancelRun": WRITE,
    "RunService/ResumeRun": WRITE,
    "RunService/ApproveStep": WRITE,
    "RunService/GetRunLogs": READ,
    "TriggerService/CreateTrigger": WRITE,
    "TriggerService/RunPipeline": WRITE,
    "TriggerService/UpdateTrigger": WRITE,
    "TriggerService/PauseTrigger": WRITE,
    "TriggerService/ResumeTrigger": WRITE,
    "TriggerService/DeleteTrigger": WRITE,
    "TriggerService/GetTrigger": READ,
    "TriggerService/ListTriggers": READ,
    "TriggerService/GetTriggerHistory": READ,
    "TriggerService/PreviewTrigger": READ,
    "TriggerService/BackfillTrigger": WRITE,
    "TriggerService/FireWebhook": OPEN,
    "TriggerService/RotateTriggerSecret": WRITE,
}


def _methods() -> list[str]:
    pool = status_service_pb2.DESCRIPTOR.pool
    return [
        f"{service.removeprefix('headrace.v1.')}/{method.name}"
        for service in SERVICES
        for method in pool.FindServiceByName(service).methods
    ]


def test_the_table_has_every_method() -> None:
    assert sorted(_methods()) == sorted(SCOPES)


@pytest.mark.parametrize(("path", "scope"), SCOPES.items())
def test_scope(path: str, scope: Scope | None) -> None:
    method = method_of(f"/headrace.v1.{path}", client_streaming=False, server_streaming=False)
    assert method.scope is scope
    assert method.full_name == f"headrace.v1.{path}"
    assert method.request_class is not None
    assert method.response_class is not None


@pytest.mark.parametrize("path", SCOPES)
def test_only_methods_without_side_effects_are_read_only(path: str) -> None:
    pool = status_service_pb2.DESCRIPTOR.pool
    options = pool.FindMethodByName(f"headrace.v1.{path.replace('/', '.')}").GetOptions()
    method = method_of(f"/headrace.v1.{path}", client_streaming=False, server_streaming=False)
    level = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
    assert method.read_only == (options.idempotency_level == level)


@pytest.mark.parametrize(
    "path",
    [
        "/grpc.health.v1.Health/Check",
        "/grpc.health.v1.Health/Watch",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ],
)
def test_health_and_reflection_are_open(path: str) -> None:
    assert method_of(path, client_streaming=False, server_streaming=True).scope is None


def test_a_method_that_nobody_described_needs_admin() -> None:
    method = method_of("/other.v1.Service/Do", client_streaming=False, server_streaming=False)
    assert method.scope is ADMIN
    assert method.request_class is None
    assert method.response_class is None
    assert not method.read_only


@pytest.mark.parametrize(
    ("client", "server", "kind"),
    [
        (False, False, "unary"),
        (True, False, "client_stream"),
        (False, True, "server_stream"),
        (True, True, "bidi_stream"),
    ],
)
def test_kind(client: bool, server: bool, kind: str) -> None:
    method = method_of("/a.B/C", client_streaming=client, server_streaming=server)
    assert method.kind == kind
    assert method.streaming == (client or server)
