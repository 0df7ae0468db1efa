import struct

import pytest

from headrace_server.connectors.mounts.smb_entries import Entry, entries_in

SYMLINK, DEDUPLICATED = 0xA000000C, 0x80000013


def entry(name: str, *, attributes: int = 0x20, tag: int = 0, following: int = 0) -> bytes:
    """FILE_FULL_DIR_INFORMATION, padded to where the next one begins."""
    text = name.encode("utf-16-le", "surrogatepass")
    head = (following, 0, 1, 2, 3, 4, 5, 4096, attributes, len(text), tag)
    return (struct.pack("<II6qIII", *head) + text).ljust(following, b"\0")


def test_entries_are_read() -> None:
    answer = entry("ü.csv", following=96) + entry("in", attributes=0x10)
    assert list(entries_in(answer)) == [
        Entry("ü.csv", 5, 3, 4, is_folder=False),
        Entry("in", 5, 3, 4, is_folder=True),
    ]


@pytest.mark.parametrize(
    ("name", "attributes", "tag", "is_link"),
    [
        ("a.csv", 0x420, SYMLINK, True),
        ("a.csv", 0x420, DEDUPLICATED, False),
        ("a.csv", 0x20, SYMLINK, False),
        (".", 0x10, 0, True),
        ("..", 0x10, 0, True),
        ("../../etc", 0x10, 0, True),
        ("..\\a.csv", 0x20, 0, True),
        ("", 0x20, 0, True),
        ("\udc80.csv", 0x20, 0, False),
    ],
)
def test_what_leads_elsewhere_is_told(name: str, attributes: int, tag: int, is_link: bool) -> None:
    (found,) = entries_in(entry(name, attributes=attributes, tag=tag))
    assert found.is_link is is_link
    assert found.name.encode("utf-8").decode("utf-8") == found.name


@pytest.mark.parametrize("answer", [b"", b"\0" * 67, entry("a.csv", following=96)])
def test_a_cut_entry_is_an_error(answer: bytes) -> None:
    with pytest.raises(ValueError, match="is cut"):
        list(entries_in(answer))
