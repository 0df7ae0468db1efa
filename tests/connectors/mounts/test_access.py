import pytest

from headrace_server.connectors.base import ConnectorError, TemporaryError
from headrace_server.connectors.mounts.access import MountAccess, check_hosts


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.7",
        "169.254.169.254",
        "::1",
        "fe80::1%eth0",
        "::ffff:10.0.0.7",
        "0.0.0.0",  # noqa: S104  # to be refused
    ],
)
def test_private_addresses_are_refused(address: str) -> None:
    assert not MountAccess().permits(address, address)
    assert MountAccess(allow_private=True).permits(address, address)


@pytest.mark.parametrize(
    ("entry", "host", "address", "permitted"),
    [
        ("files.lan", "files.lan", "10.0.0.7", True),
        ("files.lan", "FILES.lan.", "10.0.0.7", True),
        ("Files.LAN", "files.lan", "10.0.0.7", True),
        ("files.lan", "other.lan", "10.0.0.7", False),
        ("files.lan", "evil-files.lan", "10.0.0.7", False),
        ("*.lan", "files.lan", "10.0.0.7", True),
        ("*.lan", "a.files.lan", "10.0.0.7", True),
        ("*.lan", "lan", "10.0.0.7", False),
        ("*.lan", "fileslan", "10.0.0.7", False),
        ("10.0.0.7", "any", "10.0.0.7", True),
        ("10.0.0.7", "any", "10.0.0.8", False),
        ("10.0.0.0/8", "any", "10.200.0.1", True),
        ("10.0.0.0/8", "any", "11.0.0.1", True),
        ("10.0.0.0/8", "any", "192.168.0.1", False),
        ("10.1.2.3/16", "any", "10.1.9.9", True),
        ("fd00::/8", "any", "fd00::7", True),
        ("fd00::/8", "any", "fe80::7", False),
    ],
)
def test_hosts_that_are_named_may_be_reached(
    entry: str, host: str, address: str, permitted: bool
) -> None:
    assert MountAccess(hosts=(entry,)).permits(host, address) is permitted


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1"])
def test_every_spelling_is_resolved_before_it_is_checked(host: str) -> None:
    with pytest.raises(
        ConnectorError, match=f"{host} is a private address.*STORAGE_HOSTS"
    ) as caught:
        MountAccess().address_of(host, 445)
    assert not isinstance(caught.value, TemporaryError)


def test_one_private_address_of_many_is_enough_to_refuse() -> None:
    with pytest.raises(ConnectorError, match="files is a private address"):
        MountAccess().checked("files", ["93.184.216.34", "10.0.0.7"])
    assert MountAccess().checked("files", ["93.184.216.34"] * 2) == ["93.184.216.34"]


def test_the_address_that_was_checked_is_told() -> None:
    assert MountAccess(hosts=("127.0.0.0/8",)).address_of("127.0.0.1", 445) == "127.0.0.1"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".lan"])
def test_a_name_that_stands_for_nothing_may_do_so_later(host: str) -> None:
    with pytest.raises(TemporaryError, match="cannot be resolved"):
        MountAccess().address_of(host, 445)


def test_entries_are_checked() -> None:
    check_hosts(["files", "*.lan", "a-b.c_d", "10.0.0.1", "10.0.0.0/8", "fd00::/8", "FILES"])
    for wrong in ("", "*", "lan.*", "a b", "http://files", "10.0.0/8", "files:445", "-a", "*lan"):
        with pytest.raises(ValueError, match=r".*") as caught:
            check_hosts(["files", wrong])
        assert str(caught.value) == wrong
