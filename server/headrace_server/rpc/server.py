"""The gRPC server: every interceptor and every service, in one list each."""

import asyncio
from typing import cast

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer
from headrace.v1 import (
    datamart_service_pb2,
    datamart_service_pb2_grpc,
    export_service_pb2,
    export_service_pb2_grpc,
    ingestion_service_pb2,
    ingestion_service_pb2_grpc,
    pipeline_service_pb2,
    pipeline_service_pb2_grpc,
    preview_service_pb2,
    preview_service_pb2_grpc,
    readiness_service_pb2,
    readiness_service_pb2_grpc,
    relationship_service_pb2,
    relationship_service_pb2_grpc,
    remote_job_service_pb2,
    remote_job_service_pb2_grpc,
    run_service_pb2,
    run_service_pb2_grpc,
    status_service_pb2,
    status_service_pb2_grpc,
    storage_service_pb2,
    storage_service_pb2_grpc,
    tenant_service_pb2,
    tenant_service_pb2_grpc,
    trigger_service_pb2,
    trigger_service_pb2_grpc,
    warehouse_service_pb2,
    warehouse_service_pb2_grpc,
)
from prometheus_client import CollectorRegistry

from headrace_server.rpc.datamarts import DatamartServicer
from headrace_server.rpc.exports import ExportServicer
from headrace_server.rpc.ingestion import IngestionServicer
from headrace_server.rpc.interceptors import InterceptorChain
from headrace_server.rpc.interceptors.access_log import AccessLog
from headrace_server.rpc.interceptors.authentication import Authentication
from headrace_server.rpc.interceptors.errors import Errors
from headrace_server.rpc.interceptors.idempotency import IdempotencyKeys
from headrace_server.rpc.interceptors.keyless_streams import KeylessStreams
from headrace_server.rpc.interceptors.metrics import CallMetrics
from headrace_server.rpc.interceptors.open_streams import OpenStreams
from headrace_server.rpc.interceptors.request_id import RequestIds
from headrace_server.rpc.interceptors.validation import Validation
from headrace_server.rpc.options import ServerOptions
from headrace_server.rpc.pipelines import PipelineServicer
from headrace_server.rpc.preview import PreviewServicer
from headrace_server.rpc.readiness import ReadinessServicer
from headrace_server.rpc.relationships import RelationshipServicer
from headrace_server.rpc.remote_jobs import RemoteJobServicer
from headrace_server.rpc.runs import RunServicer
from headrace_server.rpc.services import Services
from headrace_server.rpc.status import StatusServicer
from headrace_server.rpc.storage import StorageServicer
from headrace_server.rpc.tenants import TenantServicer
from headrace_server.rpc.triggers import TriggerServicer
from headrace_server.rpc.warehouse import WarehouseServicer

#: names as reflection lists them and health answers them
SERVICES = (
    ingestion_service_pb2.DESCRIPTOR.services_by_name["IngestionService"].full_name,
    status_service_pb2.DESCRIPTOR.services_by_name["StatusService"].full_name,
    remote_job_service_pb2.DESCRIPTOR.services_by_name["RemoteJobService"].full_name,
    readiness_service_pb2.DESCRIPTOR.services_by_name["ReadinessService"].full_name,
    tenant_service_pb2.DESCRIPTOR.services_by_name["TenantService"].full_name,
    warehouse_service_pb2.DESCRIPTOR.services_by_name["WarehouseService"].full_name,
    preview_service_pb2.DESCRIPTOR.services_by_name["PreviewService"].full_name,
    relationship_service_pb2.DESCRIPTOR.services_by_name["RelationshipService"].full_name,
    storage_service_pb2.DESCRIPTOR.services_by_name["StorageService"].full_name,
    trigger_service_pb2.DESCRIPTOR.services_by_name["TriggerService"].full_name,
    pipeline_service_pb2.DESCRIPTOR.services_by_name["PipelineService"].full_name,
    run_service_pb2.DESCRIPTOR.services_by_name["RunService"].full_name,
    export_service_pb2.DESCRIPTOR.services_by_name["ExportService"].full_name,
    datamart_service_pb2.DESCRIPTOR.services_by_name["DatamartService"].full_name,
)
HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
REFLECTION = ("grpc.reflection.v1alpha.ServerReflection", "grpc.reflection.v1.ServerReflection")

#: for balancers that watch health to hear of the end before it comes
_NOTICE_SECONDS = 0.1


class Server:
    """A gRPC server that can be bound, started and stopped with grace."""

    def __init__(
        self, services: Services, options: ServerOptions, registry: CollectorRegistry
    ) -> None:
        self._services = services
        self._options = options
        self._health = HealthServicer()
        self._streams = OpenStreams()
        self._idempotency_keys = IdempotencyKeys(services.idempotency)
        self._following: asyncio.Task[None] | None = None
        self._server = grpc.aio.server(
            options=options.channel_arguments(),
            maximum_concurrent_rpcs=options.max_concurrent_calls,
        )
        self._server.add_generic_rpc_handlers((self._methods(registry),))

    def _methods(self, registry: CollectorRegistry) -> InterceptorChain:
        core = self._services
        chain = self._interceptors(registry)
        server = cast("grpc.aio.Server", chain)  # what generated code asks for
        ingestion = IngestionServicer(
            core.receiver,
            core.uploads,
            core.ingestions,
            core.rejects,
            core.contracts,
            core.mappings,
            core.contents,
        )
        status = StatusServicer(core.ingestions, core.watches, core.health)
        ingestion_service_pb2_grpc.add_IngestionServiceServicer_to_server(ingestion, server)
        status_service_pb2_grpc.add_StatusServiceServicer_to_server(status, server)
        tenant_service_pb2_grpc.add_TenantServiceServicer_to_server(
            TenantServicer(core.tenants), server
        )
        warehouse_service_pb2_grpc.add_WarehouseServiceServicer_to_server(
            WarehouseServicer(core.tables, core.queries), server
        )
        preview_service_pb2_grpc.add_PreviewServiceServicer_to_server(
            PreviewServicer(core.previews), server
        )
        relationship_service_pb2_grpc.add_RelationshipServiceServicer_to_server(
            RelationshipServicer(core.relationships), server
        )
        marts = DatamartServicer(
            core.datamarts, core.mart_definitions, core.refreshes, core.mart_schedules
        )
        datamart_service_pb2_grpc.add_DatamartServiceServicer_to_server(marts, server)
        export_service_pb2_grpc.add_ExportServiceServicer_to_server(
            ExportServicer(core.exports, core.export_links), server
        )
        remote_jobs = RemoteJobServicer(
            core.remote_jobs,
            core.remote_claims,
            core.remote_releases,
            core.remote_results,
            core.sources,
            core.contents,
            core.durations,
        )
        remote_job_service_pb2_grpc.add_RemoteJobServiceServicer_to_server(remote_jobs, server)
        readiness = ReadinessServicer(
            core.datasets, core.samples, core.observer, core.readiness_watch
        )
        readiness_service_pb2_grpc.add_ReadinessServiceServicer_to_server(readiness, server)
        storage_service_pb2_grpc.add_StorageServiceServicer_to_server(
            StorageServicer(core.mounts, core.folder_watches, core.files, core.imports), server
        )
        pipeline_service_pb2_grpc.add_PipelineServiceServicer_to_server(
            PipelineServicer(core.pipelines), server
        )
        run_service_pb2_grpc.add_RunServiceServicer_to_server(
            RunServicer(core.runs, core.exports, core.export_links), server
        )
        triggers = TriggerServicer(
            core.triggers,
            core.trigger_times,
            core.manual_runs,
            core.backfills,
            core.trigger_webhooks,
        )
        trigger_service_pb2_grpc.add_TriggerServiceServicer_to_server(triggers, server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        _add_reflection(chain)
        return chain

    def _interceptors(self, registry: CollectorRegistry) -> InterceptorChain:
        services, anonymous = self._services, self._options.allow_anonymous
        return InterceptorChain(
            [
                CallMetrics(registry),
                AccessLog(),
                Errors(),
                RequestIds(),
                self._streams,
                KeylessStreams(),
                Authentication(
                    services.tenants,
                    services.watches,
                    services.export_links,
                    allow_anonymous=anonymous,
                ),
                Validation(max_bytes=self._options.max_message_bytes),
                self._idempotency_keys,
            ]
        )

    def bind(self, address: str) -> int:
        """Listen on `host:port` (0 for a free one) once started; return the port.

        Raises OSError where the address cannot be listened on.
        """
        tls = self._options.tls
        try:
            if tls is None:
                return self._server.add_insecure_port(address)
            return self._server.add_secure_port(address, tls.credentials())
        except RuntimeError as error:
            raise OSError(
                f"cannot listen on {address} (--grpc-address): is the port taken?"
            ) from error

    async def start(self) -> None:
        """Answer calls from now on."""
        for service in SERVICES:
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        self._following = asyncio.create_task(self._streams.follow(self._services.wakeups))
        await self._server.start()

    async def stop(self, grace: float) -> None:
        """Say NOT_SERVING, refuse new calls, end watches, give other calls `grace` seconds."""
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(_NOTICE_SECONDS)
        stopping = asyncio.create_task(self._server.stop(grace))
        self._streams.stop()
        await stopping
        await self._idempotency_keys.drain()
        await self._services.remote_claims.drain()
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def wait_for_termination(self) -> None:
        """Return when the server has been stopped."""
        await self._server.wait_for_termination()


def build_server(
    services: Services, options: ServerOptions, registry: CollectorRegistry | None = None
) -> Server:
    """Build the server; its metrics go into `registry`, or nowhere. Needs a running loop."""
    return Server(services, options, registry or CollectorRegistry())


def _add_reflection(chain: InterceptorChain) -> None:
    """Serve both names of reflection: the messages are the same, newer clients ask for v1."""
    servicer = ReflectionServicer((*SERVICES, HEALTH, *REFLECTION))
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for name in REFLECTION:
        methods = {"ServerReflectionInfo": handler}
        chain.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, methods),))
