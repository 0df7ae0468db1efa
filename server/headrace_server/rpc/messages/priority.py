"""Priorities."""

from typing import Protocol

from headrace.v1 import priority_pb2

from headrace_server.model.job import Priority


class Prioritised(Protocol):
    """A request that may name a priority."""

    priority: priority_pb2.Priority


def priority_of(request: Prioritised) -> Priority:
    """Read the priority; MEDIUM where none is named."""
    if request.priority == priority_pb2.PRIORITY_UNSPECIFIED:
        return Priority.MEDIUM
    return Priority[priority_pb2.Priority.Name(request.priority)]
