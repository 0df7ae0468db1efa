"""Errors as the server words them."""

from typing import NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

Context = grpc.ServicerContext


def fail(
    context: Context, code: grpc.StatusCode, reason: str, message: str, **metadata: str
) -> NoReturn:
    detail = AnyMessage()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="headrace", metadata=metadata))
    details = [detail]
    if reason == "INVALID_FIELD":
        bad = error_details_pb2.BadRequest()
        bad.field_violations.add(field=metadata["field"], description=message)
        detail = AnyMessage()
        detail.Pack(bad)
        details.append(detail)
    status = Status(code=code.value[0], message=message, details=details)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)
    raise AssertionError


def not_found(context: Context, kind: str, name: str) -> NoReturn:
    message = f"{kind} {name!r} not found"
    fail(context, grpc.StatusCode.NOT_FOUND, "NOT_FOUND", message, resource_type=kind)
