"""The Headrace client library and command."""

from headrace_client.client import Client
from headrace_client.errors import (
    AccessDeniedError,
    FileChangedError,
    HeadraceError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    WrongStateError,
)
from headrace_client.uploading import Upload

__all__ = [
    "AccessDeniedError",
    "Client",
    "FileChangedError",
    "HeadraceError",
    "InvalidRequestError",
    "NotFoundError",
    "UnavailableError",
    "Upload",
    "WrongStateError",
]
