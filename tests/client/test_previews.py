from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from headrace_client import Client, NotFoundError
from headrace_client.previews import PreviewOptions

if TYPE_CHECKING:
    from client.fake.server import FakeServer

MIB = 1 << 20


@pytest.mark.parametrize(
    ("start", "size", "sample", "sent"),
    [
        (b"", 0, None, 0),
        (b"a,b\n", 5 * MIB + 1, None, 5 * MIB + 1),
        (b"a,b\n", 40 * MIB, None, 16 * MIB),
        (b"a,b\n", 40 * MIB, 10 * MIB, 20 * MIB),
        (b"PAR1", 20 * MIB, None, 20 * MIB),
    ],
)
async def test_what_is_sent(
    server: "FakeServer", tmp_path: Path, start: bytes, size: int, sample: int | None, sent: int
) -> None:
    file = tmp_path / "data.csv"
    with file.open("wb") as written:
        written.write(start)
        written.truncate(size)
    options = PreviewOptions(sample_bytes=sample) if sample else PreviewOptions()
    async with Client(server.address) as client:
        found = await client.preview_file(file, **options)
    assert (found.file_name, found.file_size_bytes) == ("data.csv", size)
    assert found.sample_bytes == sent


async def test_a_path(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        found = await client.preview_path("/share/data.xlsx", sheet="one", limit=5)
        assert (found.sheet, found.preamble_rows) == ("one", 5)
        with pytest.raises(NotFoundError):
            await client.preview_path("/share/none.xlsx")
