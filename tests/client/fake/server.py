"""A server in memory that keeps the contract's word on offsets, errors, revisions and cuts."""

from concurrent.futures import ThreadPoolExecutor

import grpc
from headrace.v1 import (
    datamart_service_pb2_grpc,
    export_service_pb2_grpc,
    ingestion_service_pb2_grpc,
    pipeline_service_pb2_grpc,
    preview_service_pb2_grpc,
    readiness_service_pb2_grpc,
    relationship_service_pb2_grpc,
    remote_job_service_pb2_grpc,
    run_service_pb2_grpc,
    status_service_pb2_grpc,
    storage_service_pb2_grpc,
    tenant_service_pb2_grpc,
    trigger_service_pb2_grpc,
    warehouse_service_pb2_grpc,
)

from .datamarts import Datamarts
from .exports import Exports
from .gate import Gate
from .ingestions import Ingestions
from .pipelines import Pipelines
from .previews import Previews
from .readiness import Readiness
from .relationships import Relationships
from .remote_jobs import RemoteJobs
from .runs import Runs
from .state import State
from .statuses import Statuses
from .storage import Storage
from .tenants import Tenants
from .triggers import Triggers
from .warehouse import Warehouse


class FakeServer:
    """The server on a port of its own; `stop` and `start` cut every connection."""

    def __init__(self) -> None:
        self.state = State()
        self.state.running.set()
        self.state.receiving.set()
        self.port = 0
        self.credentials: grpc.ServerCredentials | None = None
        self.start()

    def start(self) -> None:
        pool = ThreadPoolExecutor(max_workers=32)
        self._server = grpc.server(pool, interceptors=[Gate(self.state)])
        ingestion_service_pb2_grpc.add_IngestionServiceServicer_to_server(
            Ingestions(self.state), self._server
        )
        status_service_pb2_grpc.add_StatusServiceServicer_to_server(
            Statuses(self.state), self._server
        )
        remote_job_service_pb2_grpc.add_RemoteJobServiceServicer_to_server(
            RemoteJobs(self.state), self._server
        )
        readiness_service_pb2_grpc.add_ReadinessServiceServicer_to_server(
            Readiness(self.state), self._server
        )
        tenant_service_pb2_grpc.add_TenantServiceServicer_to_server(
            Tenants(self.state), self._server
        )
        warehouse_service_pb2_grpc.add_WarehouseServiceServicer_to_server(
            Warehouse(self.state), self._server
        )
        preview_service_pb2_grpc.add_PreviewServiceServicer_to_server(
            Previews(self.state), self._server
        )
        relationship_service_pb2_grpc.add_RelationshipServiceServicer_to_server(
            Relationships(self.state), self._server
        )
        self.datamarts = Datamarts(self.state)
        datamart_service_pb2_grpc.add_DatamartServiceServicer_to_server(
            self.datamarts, self._server
        )
        self.exports = Exports(self.state)
        export_service_pb2_grpc.add_ExportServiceServicer_to_server(self.exports, self._server)
        pipeline_service_pb2_grpc.add_PipelineServiceServicer_to_server(
            Pipelines(self.state), self._server
        )
        run_service_pb2_grpc.add_RunServiceServicer_to_server(Runs(self.state), self._server)
        trigger_service_pb2_grpc.add_TriggerServiceServicer_to_server(
            Triggers(self.state), self._server
        )
        self.storage = Storage(self.state)
        storage_service_pb2_grpc.add_StorageServiceServicer_to_server(self.storage, self._server)
        address = f"127.0.0.1:{self.port}"
        self.port = (
            self._server.add_secure_port(address, self.credentials)
            if self.credentials
            else self._server.add_insecure_port(address)
        )
        self._server.start()

    def stop(self) -> None:
        self._server.stop(0).wait()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"
