"""What mounts may reach: folders of this machine, and hosts of the network."""

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from headrace_server.connectors.addresses import is_public
from headrace_server.connectors.base import ConnectorError, TemporaryError

#: seconds without any progress after which a place does not answer
TIMEOUT = 30.0

_NAME = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]{0,252}[a-z0-9_])?")


@dataclass(frozen=True, slots=True)
class MountAccess:
    """What the operator lets mounts of tenants reach."""

    #: folders that LOCAL places may lie in
    file_roots: tuple[Path, ...] = ()
    #: whether private addresses may be reached, all of them
    allow_private: bool = False
    #: names, "*.suffix", addresses and networks that may be reached though private
    hosts: tuple[str, ...] = ()
    #: folder that NFS exports are mounted below, where this process may; None for nowhere
    mount_folder: Path | None = None
    #: seconds without any progress after which a place does not answer
    timeout: float = TIMEOUT

    def permits(self, host: str, address: str) -> bool:
        """Whether an address may be reached that a name, or the number itself, stands for."""
        number = ipaddress.ip_address(address.partition("%")[0])
        if self.allow_private or is_public(number):
            return True
        return any(_covers(each, host.lower().rstrip("."), number) for each in self.hosts)

    def names(self, host: str) -> bool:
        """Whether the operator names a host, by itself or by an address; blocking."""
        if self.allow_private:
            return True
        numbers = [ipaddress.ip_address(each.partition("%")[0]) for each in _resolved(host, 0)]
        return all(any(_covers(e, host.lower(), n) for e in self.hosts) for n in numbers)

    def address_of(self, host: str, port: int) -> str:
        """Resolve a host; blocking. Returns the address to connect to.

        Raises ConnectorError where any of its addresses may not be reached, and TemporaryError
        where it has none now.
        """
        return self.addresses_of(host, port)[0]

    def addresses_of(self, host: str, port: int) -> list[str]:
        """Resolve a host to all its addresses; blocking. Raises the same."""
        return self.checked(host, _resolved(host, port))

    def checked(self, host: str, addresses: Iterable[str]) -> list[str]:
        """Return the addresses of a host. Raises ConnectorError where one may not be reached."""
        found = list(dict.fromkeys(addresses))
        if not all(self.permits(host, address) for address in found):
            raise ConnectorError(
                f"{host} is a private address, which the server may not reach: have its operator"
                " name it in HEADRACE_STORAGE_HOSTS"
            )
        return found


def check_hosts(hosts: Iterable[str]) -> None:
    """Raise ValueError of the first entry that is no name, *.suffix, address or network."""
    for each in hosts:
        if _network(each) is None and not _NAME.fullmatch(each.lower()):
            raise ValueError(each)


def _resolved(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TemporaryError(f"the name {host} cannot be resolved") from error
    return [str(each[4][0]) for each in found]


def _covers(entry: str, host: str, number: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    network = _network(entry)
    if network is not None:
        return number in network
    name = entry.lower()
    return host.endswith(name[1:]) if name.startswith("*.") else host == name


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None
