"""kill -9 amid exports: the next attempt finishes, and leaves one file."""

from contextlib import suppress

import psutil
from headrace.v1.export_pb2 import Export, ExportOutput, ExportSource
from headrace.v1.export_service_pb2 import (
    DownloadExportRequest,
    ExportQueryRequest,
    GetExportRequest,
)
from headrace.v1.export_service_pb2_grpc import ExportServiceStub

from headrace_client import Client

from .fleet import Fleet, MakeFleet, eventually
from .loads import start_all

ROWS = 60_000
NUMBERS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
    " SELECT i, 'text ' || i AS words FROM n"
)


async def begin(client: Client) -> Export:
    """Ask for a workbook of many rows."""
    source = ExportSource(query=NUMBERS.format(rows=ROWS))
    output = ExportOutput(include_summary=True, include_charts=True)
    request = ExportQueryRequest(data_source=source, output_config=output, wait_seconds=0)
    export: Export = await ExportServiceStub(client.channel).ExportQuery(request)
    return export


async def found(client: Client, export_id: str) -> Export:
    export: Export = await ExportServiceStub(client.channel).GetExport(
        GetExportRequest(export_id=export_id)
    )
    return export


async def completed(client: Client, export_id: str) -> Export:
    async def is_over() -> bool:
        return (await found(client, export_id)).terminal

    await eventually(is_over, "the end of the export")
    return await found(client, export_id)


async def check(fleet: Fleet, client: Client, export_id: str) -> None:
    """The file is whole, and the only one."""
    export = await completed(client, export_id)
    assert (export.status, export.rows_exported) == (Export.COMPLETED, ROWS), export
    stub = ExportServiceStub(client.channel)
    pieces = stub.DownloadExport(DownloadExportRequest(export_id=export_id))
    data = b"".join([piece.data async for piece in pieces])
    assert (len(data), data[:2]) == (export.file_size_bytes, b"PK")
    folder = fleet.data_dir / "spool" / "exports" / export_id
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["file"]


def writers(fleet: Fleet, export_id: str) -> list[psutil.Process]:
    """The processes that have a file of the export open."""
    found = []
    for process in fleet.server.children():
        with suppress(psutil.Error):
            if any(export_id in file.path for file in process.open_files()):
                found.append(process)
    return found


async def test_the_server_is_killed_amid_an_export(
    postgres_url: str, make_fleet: MakeFleet
) -> None:
    fleet = make_fleet(postgres_url, lease_seconds=1)
    await start_all([fleet.server])
    async with fleet.client() as client:
        export = await begin(client)
        await eventually(lambda: bool(writers(fleet, export.export_id)), "the writer")
        fleet.server.kill()
        await start_all([fleet.server])
        await check(fleet, client, export.export_id)


async def test_the_writer_is_killed_amid_an_export(sqlite_url: str, make_fleet: MakeFleet) -> None:
    fleet = make_fleet(sqlite_url, lease_seconds=1)
    await start_all([fleet.server])
    async with fleet.client() as client:
        export = await begin(client)
        await eventually(lambda: bool(writers(fleet, export.export_id)), "the writer")
        for process in writers(fleet, export.export_id):
            process.kill()
        await check(fleet, client, export.export_id)
