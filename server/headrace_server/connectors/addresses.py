"""Which network addresses mappings may reach, and connections to nothing but those."""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

import httpcore

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: NAT64: the last four bytes are an IPv4 address
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


class PrivateAddressError(httpcore.ConnectError):
    """A name or number stands for an address that is not for the public."""


def is_public(address: _Address) -> bool:
    """Whether anybody on the internet has this address, whichever way it is spelt."""
    if isinstance(address, ipaddress.IPv6Address):
        if any(address in network for network in _NAT64):
            return is_public(ipaddress.IPv4Address(address.packed[-4:]))
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address.packed[:12] == bytes(12):
            return False
    return address.is_global and not address.is_multicast


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Resolves each name once, checks what it stands for and connects to just that."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the interface's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect. Raises PrivateAddressError where any address of the host is not public."""
        address = await self._resolve(host, port)
        return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)

    async def _resolve(self, host: str, port: int) -> str:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"the name {host} cannot be resolved") from error
        addresses = [str(each[4][0]) for each in found]
        if not self._allow_private:
            for address in addresses:
                if not is_public(ipaddress.ip_address(address.partition("%")[0])):
                    raise PrivateAddressError(
                        f"{host} is a private address, which is refused"
                        " (HEADRACE_ALLOW_PRIVATE_TARGETS)"
                    )
        return addresses[0]

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  # the interface's
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no address of a mapping is one."""
        raise PrivateAddressError("sockets of this machine are refused")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
