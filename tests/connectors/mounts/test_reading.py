import io

from headrace_server.connectors.mounts.reading import opened_file

CONTENT = bytes(range(256)) * 20_000


def read(start: int, length: int) -> bytes:
    """Return less than is asked for, as stores do."""
    return CONTENT[start : start + min(length, 100_000)]


def test_a_file_is_read_here_and_there() -> None:
    with opened_file(len(CONTENT), read) as file:
        assert file.readable()
        assert file.seekable()
        assert file.read(3) == CONTENT[:3]
        assert file.seek(-10, io.SEEK_END) == len(CONTENT) - 10
        assert file.read(7) == CONTENT[-10:-3]
        assert file.seek(-2, io.SEEK_CUR) == len(CONTENT) - 5
        assert file.read() == CONTENT[-5:]
        assert file.read() == b""
        assert file.seek(len(CONTENT) + 10) == len(CONTENT) + 10
        assert file.read(1) == b""
        file.seek(0)
        assert file.read() == CONTENT
