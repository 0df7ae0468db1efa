"""Connections over HTTP to addresses that mounts may reach, for libraries that use aiohttp."""

import socket
from typing import Any

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from headrace_server.connectors.mounts.access import MountAccess
from headrace_server.connectors.threads import start

_MOST_REMEMBERED = 1000


class CheckedResolver(AbstractResolver):
    """Resolves names to addresses that may be reached, and makes sockets for no others.

    The second matters for addresses that no resolver is asked for: those that a URL or a redirect
    has as numbers.
    """

    def __init__(self, access: MountAccess) -> None:
        self._access = access
        #: addresses of names that may be reached though they are private
        self._checked: set[str] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve a name. Raises ConnectorError where any of its addresses may not be reached."""
        # Not in the loop's own threads: the process waits for those at its end.
        found = await start(lambda: self._access.addresses_of(host, port), lambda: None)
        if len(self._checked) > _MOST_REMEMBERED:
            self._checked.clear()
        self._checked.update(found)
        return [_result(host, address, port) for address in found]

    async def check(self, url: str) -> None:
        """Raise ConnectorError where the host of a URL may not be reached."""
        place = URL(url)
        await self.resolve(place.host or "", place.port or 0)

    def socket_for(self, info: Any) -> socket.socket:
        """Make a socket for an address of getaddrinfo. Raises ConnectorError."""
        family, kind, protocol, _, (address, *_) = info
        if address not in self._checked:
            self._access.checked(address, [address])
        return socket.socket(family, kind, protocol)

    async def close(self) -> None:
        """Nothing is kept open."""

    def connector(self) -> TCPConnector:
        """Return a pool of such connections, for the loop that runs."""
        return TCPConnector(resolver=self, socket_factory=self.socket_for)


def _result(host: str, address: str, port: int) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=socket.IPPROTO_TCP,
        flags=socket.AI_NUMERICHOST,
    )
