"""The roots that an operator allows in fsspec's stores, and the addresses that lie below them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import fsspec
from fsspec.archive import AbstractArchiveFileSystem
from fsspec.implementations.local import LocalFileSystem

from headrace_server.connectors.base import ConnectorError

#: schemes that no root can have: each has a connector of its own, or reaches beyond any root
_OWN = frozenset({"file", "local", "http", "https", "table", "data"})

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<path>.*)", re.DOTALL)
#: what some store reads as an escape, a pattern, a query, a password or a store within another
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\%?#*\[\]@]|::")


def known_schemes() -> frozenset[str]:
    """Return the schemes of which a root can be allowed."""
    return frozenset(fsspec.available_protocols()) - _OWN


@dataclass(frozen=True, slots=True)
class StorePath:
    """Where something lies in a store of some scheme."""

    scheme: str
    #: host or bucket, and what lies in it; parted by single slashes
    path: str

    @property
    def url(self) -> str:
        """The address, with its scheme in lower case."""
        return f"{self.scheme}://{self.path}"

    def is_below(self, root: "StorePath") -> bool:
        """Whether it lies in a folder, at any depth."""
        inside = f"{root.path}/" if root.path else ""
        return self.scheme == root.scheme and self.path.startswith(inside)


def store_path(address: str) -> StorePath:
    """Read an address. Raises ConnectorError for one that could be read in two ways."""
    found = _URL.fullmatch(address)
    if found is None:
        raise ConnectorError("a store is addressed as scheme://place/folder/name.json")
    path = found["path"]
    if _FORBIDDEN.search(path):
        raise ConnectorError(
            "the address must hold no password, no ::, no control character and none of \\%?#*[]@"
        )
    if path and any(part in {"", ".", ".."} for part in path.split("/")):
        raise ConnectorError("the address must hold no empty part, no . and no .. between slashes")
    return StorePath(found["scheme"].lower(), path)


@dataclass(frozen=True, slots=True)
class Root:
    """A folder of a store, or all of it, that mappings may read and write."""

    place: StorePath
    #: what its file system is opened with, credentials among it
    options: Mapping[str, Any] = field(repr=False)
    #: whether it is an archive, which is only read
    archive: bool

    def open(self) -> fsspec.AbstractFileSystem:
        """Open its file system; blocking, and raises what the store raises."""
        options = {**self.options, "skip_instance_cache": True}
        system, _ = fsspec.core.url_to_fs(self.place.url, **options)
        return system


def root_of(url: str, options: Mapping[str, Any]) -> Root:
    """Return the root of a URL. Raises ConnectorError that says what is wrong with it."""
    scheme, parted, path = url.partition("://")
    place = store_path(f"{scheme}{parted}{path.rstrip('/')}")
    if place.scheme not in known_schemes():
        known = ", ".join(sorted(known_schemes()))
        raise ConnectorError(f"{place.scheme}: can have no root; use one of {known}")
    try:
        kind = fsspec.get_filesystem_class(place.scheme)
    except (ImportError, ValueError) as error:
        raise ConnectorError(f"{place.scheme}: {error}") from error
    if issubclass(kind, LocalFileSystem):
        raise ConnectorError("a folder of this machine is allowed by its path")
    return Root(place, dict(options), issubclass(kind, AbstractArchiveFileSystem))
