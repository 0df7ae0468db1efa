from typing import TYPE_CHECKING

import pytest
from headrace.v1.export_pb2 import Export, ReportSection

from headrace_client import Client, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State


async def test_an_export_from_its_start_to_its_file(server: "FakeServer", state: "State") -> None:
    state.unavailable["ExportQuery"] = 1
    async with Client(server.address) as client:
        begun = await client.export_query("SELECT 1", format=Export.CSV, max_rows=5)
        seen = [each async for each in client.watch_export(begun.export_id)]
        assert [each.status for each in seen] == [
            Export.PENDING, Export.IN_PROGRESS, Export.COMPLETED,
        ]  # fmt: skip
        assert (seen[-1].file_name, seen[-1].truncated) == ("query.csv", True)
        assert await client.get_export(begun.export_id) == seen[-1]
        blocks = [block async for block in client.download_export(begun.export_id)]
        assert b"".join(blocks) == b"0,row\n1,row\n2,row\n3,row\n4,row\n"
        with pytest.raises(NotFoundError):
            await client.export_table("nothing")
    assert len(state.exports) == 1


async def test_what_is_exported_is_said(server: "FakeServer", state: "State") -> None:
    async with Client(server.address) as client:
        mart = await client.export_datamart("sales", schema="marts", include_charts=True)
        table = await client.export_table("orders", wait_seconds=0)
        section = ReportSection(name="All", type=ReportSection.TABLE, query="SELECT 1")
        report = await client.create_report("June", [section], template=Export.MINIMAL)
        listed = [each.export_id async for each in client.list_exports()]
        assert listed == [report.export_id, table.export_id, mart.export_id]
        assert (await client.cancel_export(table.export_id)).status == Export.CANCELLED
    requests = state.export_requests
    assert requests[mart.export_id].data_source.schema == "marts"
    assert requests[mart.export_id].output_config.include_charts
    assert requests[mart.export_id].wait_seconds == 5
    assert requests[table.export_id].data_source.name == "orders"
    assert requests[report.export_id].template == Export.MINIMAL


async def test_a_download_goes_on_where_it_was_cut(server: "FakeServer", state: "State") -> None:
    state.download_cuts = [0, 2, 3]
    async with Client(server.address) as client:
        begun = await client.export_query("SELECT 1")
        _ = [each async for each in client.watch_export(begun.export_id)]
        blocks = [block async for block in client.download_export(begun.export_id)]
    whole = bytes(state.files[begun.export_id])
    assert len(whole) > 3 << 20
    assert b"".join(blocks) == whole
    assert state.count("DownloadExport") == 4


async def test_patience_ends(server: "FakeServer", state: "State") -> None:
    async with Client(server.address, patience=0) as client:
        begun = await client.export_query("SELECT 1")
        _ = [each async for each in client.watch_export(begun.export_id)]
        state.download_cuts = [1, 1]
        with pytest.raises(UnavailableError):
            _ = [block async for block in client.download_export(begun.export_id)]
