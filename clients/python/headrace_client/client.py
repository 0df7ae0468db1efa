"""The client."""

from headrace_client.datamarts import DatamartCalls
from headrace_client.exports import ExportCalls
from headrace_client.ingestions import IngestionCalls
from headrace_client.pipelines import PipelineCalls
from headrace_client.previews import PreviewCalls
from headrace_client.queries import QueryCalls
from headrace_client.readiness import ReadinessCalls
from headrace_client.relationships import RelationshipCalls
from headrace_client.remote_jobs import RemoteJobCalls
from headrace_client.runs import RunCalls
from headrace_client.statuses import StatusCalls
from headrace_client.storage import StorageCalls
from headrace_client.tenants import TenantCalls
from headrace_client.triggers import TriggerCalls
from headrace_client.warehouses import WarehouseCalls


class Client(
    IngestionCalls,
    StatusCalls,
    ReadinessCalls,
    RemoteJobCalls,
    TenantCalls,
    WarehouseCalls,
    QueryCalls,
    PreviewCalls,
    RelationshipCalls,
    StorageCalls,
    DatamartCalls,
    ExportCalls,
    PipelineCalls,
    TriggerCalls,
    RunCalls,
):
    """An async client of one Headrace server, over one channel.

        async with Client("127.0.0.1:50051") as client:
            upload = await client.upload("orders_2011-01.ndjson")
            async for ingestion in client.watch(upload.request_id):
                print(ingestion.progress)

    `address` is `host:port` or `http(s)://host:port`; https, `tls` or any file of `tls_ca` and
    `tls_cert` with `tls_key` (PEM) means TLS. `tenant_id` lets an admin key act for a tenant.
    `timeout` is the deadline of a unary call in seconds; `patience` is for how many seconds
    without progress an upload or a watch waits for a server that is away.

    Every method raises HeadraceError when the call fails; the constructor raises ValueError for a
    wrong address and OSError for an unreadable certificate.
    """
