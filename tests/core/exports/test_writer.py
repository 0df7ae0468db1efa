"""The process that writes: killed, refused, left."""

from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from headrace_server.core.exports.writer import Writer, writing
from headrace_server.files.exporting.messages import FilePlan, Rows, TableBegin, TableEnd
from headrace_server.model.errors import InvalidFieldError, StorageUnavailableError
from headrace_server.model.export import ExportFormat, ExportOutput
from headrace_server.model.query import QueryColumn, ValueKind

BEGIN = TableBegin("Data", "SELECT", (QueryColumn("a", "bigint", ValueKind.INTEGER),))


def plan(folder: Path, fmt: ExportFormat = ExportFormat.CSV) -> FilePlan:
    return FilePlan(folder / "file", ExportOutput(format=fmt), "", datetime.now(UTC))


async def test_a_file_is_written(tmp_path: Path) -> None:
    async with writing(plan(tmp_path)) as writer:
        process = psutil.Process(writer._process.pid)
        for message in (BEGIN, Rows(((1,), (2,))), TableEnd(truncated=False, total_rows=2)):
            await writer.send(message)
        assert (await writer.finish()).rows == 2
    assert (tmp_path / "file").read_bytes() == b"a\r\n1\r\n2\r\n"
    assert not process.is_running()


async def _send_on(writer: Writer, rows: Rows) -> None:
    while True:
        await writer.send(rows)


async def test_a_process_that_is_killed_is_told(tmp_path: Path) -> None:
    async with writing(plan(tmp_path)) as writer:
        await writer.send(BEGIN)
        writer._process.kill()
        with pytest.raises(StorageUnavailableError, match="has died"):
            await _send_on(writer, Rows(((1,),) * 1000))


async def test_what_is_refused_meanwhile_is_told(tmp_path: Path) -> None:
    async with writing(plan(tmp_path, ExportFormat.PARQUET)) as writer:
        await writer.send(BEGIN)
        with pytest.raises(InvalidFieldError, match="column 'a'"):
            await _send_on(writer, Rows(((2**70,),) * 50_000))


async def test_a_process_ends_with_its_block(tmp_path: Path) -> None:
    async with writing(plan(tmp_path)) as writer:
        process = psutil.Process(writer._process.pid)
    assert not process.is_running()
