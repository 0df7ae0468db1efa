"""What servers of SMB tell of files and folders, in full precision."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from smbprotocol.file_info import FileAttributes

from headrace_server.connectors.mounts.moments import moment_of
from headrace_server.model.storage import FileInfo

#: 100 ns, from 1601 to 1970
_EPOCH = 116_444_736_000_000_000
#: FILE_FULL_DIR_INFORMATION without the name: next entry, index, created, read, written, changed,
#: size, allocated, attributes, length of the name, tag of a reparse point
_ENTRY = struct.Struct("<II6qIII")
#: the beginning of an answer that opened something: size of it, level, flags, what was done,
#: created, read, written, changed, allocated, size, attributes
_OPENED = struct.Struct("<HBBI6qI")
#: what leads out of a folder in the name that a server gives
_SEPARATORS = frozenset("/\\\0")
#: bit of the tags of reparse points that stand for another name, such as symbolic links
_SURROGATE = 0x20000000


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder has under a name."""

    name: str
    size: int
    #: 100 ns since 1601: when it was written, and when anything about it was changed
    written: int
    changed: int
    is_folder: bool
    #: neither a file nor a folder of its own, such as a symbolic link or ".."
    is_link: bool = False

    def info(self, path: str) -> FileInfo:
        """Describe it as the file at a path."""
        return FileInfo(
            path=path,
            size=self.size,
            modified_at=moment_of((self.written - _EPOCH) * 100),
            fingerprint=f"{self.size}-{self.written}-{self.changed}",
        )


def entry_of(answer: bytes) -> Entry:
    """Read what was opened, in full precision; smbprotocol rounds its times."""
    _, _, _, _, _, _, written, changed, _, size, attributes = _OPENED.unpack_from(answer)
    is_folder = bool(attributes & FileAttributes.FILE_ATTRIBUTE_DIRECTORY)
    return Entry("", size, written, changed, is_folder)


def entries_in(answer: bytes) -> Iterator[Entry]:
    """Read FILE_FULL_DIR_INFORMATION, entry by entry. Raises ValueError where it is none."""
    start = 0
    while True:
        if start + _ENTRY.size > len(answer):
            raise ValueError("an entry of a folder is cut")
        head = _ENTRY.unpack_from(answer, start)
        following, _, _, _, written, changed, size, _, attributes, length, tag = head
        name = answer[start + _ENTRY.size : start + _ENTRY.size + length]
        text = name.decode("utf-16-le", errors="replace")
        is_reparsed = bool(attributes & FileAttributes.FILE_ATTRIBUTE_REPARSE_POINT)
        yield Entry(
            name=text,
            size=size,
            written=written,
            changed=changed,
            is_folder=bool(attributes & FileAttributes.FILE_ATTRIBUTE_DIRECTORY),
            is_link=text in {"", ".", ".."}
            or bool(_SEPARATORS & set(text))
            or (is_reparsed and bool(tag & _SURROGATE)),
        )
        if not following:
            return
        start += following
