import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.ingestion_pb2 import Ingestion
from rich.console import Console

from headrace_client import Client
from headrace_client.progress import IngestionProgress, follow, rows_text, size_text

if TYPE_CHECKING:
    from client.fake.server import FakeServer


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, force_terminal=terminal, width=160, color_system=None), file


async def test_a_terminal_shows_the_way_to_the_end(server: "FakeServer", tmp_path: Path) -> None:
    path = tmp_path / "orders[1].ndjson"
    path.write_text("{}\nno\n")
    shown, file = console(terminal=True)
    with IngestionProgress(shown) as progress:
        row = progress.add(path.name, 6)
        async with Client(server.address) as client:
            upload = await client.upload(path, on_progress=row.uploading)
            last = await follow(client, upload.request_id or "", row)
    assert last.terminal
    assert row.done == 1
    text = file.getvalue()
    assert "orders[1].ndjson" in text
    assert "COMPLETED_WITH_ERRORS" in text
    assert "1 row 1 rejected" in text
    assert "total" in text


def test_a_pipe_shows_nothing() -> None:
    shown, file = console(terminal=False)
    with IngestionProgress(shown) as progress:
        row = progress.add("x", 10)
        row.uploading(5, 10)
        row.waiting("for orders")
        assert row.done == 0.5
        row.failed()
    assert file.getvalue().strip() == ""


def test_half_of_the_way_is_the_upload() -> None:
    shown, _ = console(terminal=False)
    with IngestionProgress(shown, total=False) as progress:
        row = progress.add("x", 100)
        row.uploading(50, 100)
        assert row.done == 0.25
        row.loading(Ingestion(bytes_total=100, bytes_processed=50))
        assert row.done == 0.75


def test_a_failed_file_stays_where_it_stood() -> None:
    shown, file = console(terminal=True)
    with IngestionProgress(shown, total=False) as progress:
        row = progress.add("x", 100)
        row.failed()
    assert row.done == 0
    assert "100%" not in file.getvalue()


def test_a_narrow_terminal_keeps_every_bar_on_its_line() -> None:
    file = io.StringIO()
    shown = Console(file=file, force_terminal=True, width=80, color_system=None)
    request_id = "0" * 36
    with IngestionProgress(shown, total=False) as progress:
        progress.add("a_name_that_is_longer_than_any_narrow_terminal.ndjson", 1)
        ended = Ingestion(status=Ingestion.COMPLETED_WITH_ERRORS, terminal=True)
        progress.add(request_id, 1).loading(ended)
    last = next(line for line in reversed(file.getvalue().splitlines()) if request_id in line)
    assert "100%" in last
    assert "COMPLETED_WITH_ERRORS" in last
    assert "a_name_that_is_longer" in file.getvalue()


def test_rows_that_were_kept_aside_are_named() -> None:
    text = rows_text(Ingestion(rows_loaded=1200, rows_rejected=2, rows_parked=3))
    assert text == "1,200 rows [red]2 rejected[/] [yellow]3 parked[/]"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_500_000, "2.5 MB"), (3e9, "3.0 GB"),
     (4e12, "4.0 TB")],
)  # fmt: skip
def test_sizes(size: float, text: str) -> None:
    assert size_text(size) == text
