"""Which connector an address is for."""

import re
from collections.abc import Collection, Mapping

from headrace_server.connectors.base import Connector, ConnectorError

#: the scheme of bare names
BARE = ""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


def scheme_of(address: str) -> str:
    """Return the scheme of an address in lower case; empty for a bare name."""
    found = _SCHEME.match(address)
    return found[1].lower() if found else BARE


class Connectors:
    """The connectors by scheme."""

    def __init__(
        self, by_scheme: Mapping[str, Connector], *, without_root: Collection[str] = frozenset()
    ) -> None:
        """Know also the schemes that would be read and written if only a root were allowed."""
        self._by_scheme = dict(by_scheme)
        self._without_root = without_root

    @property
    def schemes(self) -> list[str]:
        """The known schemes, but for that of bare names."""
        return sorted(scheme for scheme in self._by_scheme if scheme)

    def of(self, address: str) -> Connector:
        """Return the connector of an address. Raises ConnectorError for an unknown scheme."""
        scheme = scheme_of(address)
        connector = self._by_scheme.get(scheme)
        if connector is None:
            known = ", ".join(f"{each}:" for each in self.schemes)
            if scheme in self._without_root:
                raise ConnectorError(
                    f"{scheme}: addresses are below no root that the server allows; its operator "
                    f"allows one with HEADRACE_ALLOWED_ROOTS={scheme}://...; else use {known} or a "
                    "bare name"
                )
            raise ConnectorError(f"{scheme}: is no known scheme; use {known} or a bare name")
        return connector

    def check(self, address: str, *, written: bool) -> None:
        """Raise ConnectorError for an address that can never be read, or `written`."""
        self.of(address).check(address, written=written)
