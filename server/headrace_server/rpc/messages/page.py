"""Pages."""

from typing import Protocol

from headrace_server.model.page import PageRequest


class Paged(Protocol):
    """A request for a page."""

    page_size: int
    page_token: str


def page_request(request: Paged) -> PageRequest:
    """Read which page is asked for."""
    return PageRequest(size=request.page_size, token=request.page_token)
