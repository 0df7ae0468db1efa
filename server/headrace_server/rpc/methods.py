"""What the protos say about each method: who may call it and how it behaves."""

from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import Message

from headrace_server.model.tenant import Scope

#: services that answer without a key
OPEN_SERVICES = frozenset(
    {
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
)
#: methods of other services that answer without a key
OPEN_METHODS = frozenset(
    {
        "headrace.v1.StatusService/GetHealth",
        # Whoever calls it proves to know the trigger's secret.
        "headrace.v1.TriggerService/FireWebhook",
    }
)
#: methods that make something but let the caller do no more than reading does
READING_METHODS = frozenset({"headrace.v1.StatusService/CreateWatchToken"})
#: services of which every method needs ADMIN
ADMIN_SERVICES = frozenset({"headrace.v1.TenantService"})
#: methods of other services that need ADMIN
ADMIN_METHODS = frozenset(
    f"headrace.v1.ReadinessService/{name}" for name in ("GrantWaiver", "RevokeWaiver")
)
#: methods that workers elsewhere call
WORKER_METHODS = frozenset(
    f"headrace.v1.RemoteJobService/{name}"
    for name in (
        "PollJobs",
        "HeartbeatJob",
        "ReleaseJob",
        "SubmitResult",
        "SubmitResults",
        "DownloadSource",
    )
)
#: methods that a worker may call too, as nothing but a worker: for the results of its jobs
RESULT_METHODS = frozenset(
    f"headrace.v1.IngestionService/{name}"
    for name in (
        "CreateUploadSession",
        "GetUploadSession",
        "AppendUpload",
        "CompleteUpload",
        "ResumeUpload",
        "AbortUpload",
    )
)


@dataclass(frozen=True, slots=True)
class Method:
    """One method, as its descriptor describes it."""

    #: full name of the service, such as "headrace.v1.StatusService"
    service: str
    #: name within the service
    name: str
    #: scope that a caller needs; None for methods open to everybody
    scope: Scope | None
    #: whether it changes nothing
    read_only: bool
    client_streaming: bool
    server_streaming: bool
    #: class of the request messages; None for a service without a descriptor
    request_class: type[Message] | None
    #: class of the response messages, likewise
    response_class: type[Message] | None
    #: whether a worker may call it too, as nothing but a worker
    for_workers: bool = False

    @property
    def full_name(self) -> str:
        """Service and name, as in the path of a call without its first slash."""
        return f"{self.service}/{self.name}"

    @property
    def streaming(self) -> bool:
        """Whether either side sends a stream."""
        return self.client_streaming or self.server_streaming

    @property
    def kind(self) -> str:
        """One of unary, client_stream, server_stream, bidi_stream."""
        if self.client_streaming and self.server_streaming:
            return "bidi_stream"
        if self.client_streaming:
            return "client_stream"
        return "server_stream" if self.server_streaming else "unary"


def method_of(path: str, *, client_streaming: bool, server_streaming: bool) -> Method:
    """Describe the method of a call's path, such as "/headrace.v1.StatusService/GetStatus".

    A method that has no descriptor and is not open needs ADMIN.
    """
    service, _, name = path.removeprefix("/").rpartition("/")
    descriptor = _descriptor_of(service, name)
    read_only = descriptor is not None and _is_read_only(descriptor)
    return Method(
        service=service,
        name=name,
        scope=_scope_of(service, name, read_only=read_only, described=descriptor is not None),
        read_only=read_only,
        client_streaming=client_streaming,
        server_streaming=server_streaming,
        request_class=_class_of(descriptor.input_type) if descriptor else None,
        response_class=_class_of(descriptor.output_type) if descriptor else None,
        for_workers=f"{service}/{name}" in RESULT_METHODS,
    )


def _descriptor_of(service: str, name: str) -> MethodDescriptor | None:
    pool: Any = descriptor_pool.Default()
    try:
        found: MethodDescriptor = pool.FindMethodByName(f"{service}.{name}")
    except KeyError:
        return None
    return found


def _class_of(descriptor: Descriptor) -> type[Message]:
    return message_factory.GetMessageClass(descriptor)


def _is_read_only(descriptor: MethodDescriptor) -> bool:
    level: int = descriptor.GetOptions().idempotency_level
    return level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS


def _scope_of(service: str, name: str, *, read_only: bool, described: bool) -> Scope | None:
    if service in OPEN_SERVICES or f"{service}/{name}" in OPEN_METHODS:
        return None
    if service in ADMIN_SERVICES or f"{service}/{name}" in ADMIN_METHODS or not described:
        return Scope.ADMIN
    if f"{service}/{name}" in WORKER_METHODS:
        return Scope.WORKER
    reads = read_only or f"{service}/{name}" in READING_METHODS
    return Scope.READ if reads else Scope.WRITE
