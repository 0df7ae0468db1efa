"""The process that writes, here a thread: what it answers, and when it gives up."""

import resource
import threading
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from pathlib import Path
from typing import Any

import pytest

from headrace_server.files.exporting import writing
from headrace_server.files.exporting.messages import FilePlan, Finish
from headrace_server.files.exporting.writing import serve
from headrace_server.model.errors import StorageUnavailableError, TooLargeError
from headrace_server.model.export import ExportFormat, ExportOutput, Written
from headrace_server.model.query import ValueKind

from .conftest import MADE_AT, table

Ask = Callable[..., Any]
MESSAGES = [*table({"a": ValueKind.INTEGER}, [1], [2]), Finish()]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """Sends messages to a writer; gives its answer."""
    ours, theirs = Pipe()

    def answer(*messages: Any, path: Path = tmp_path / "file", **output: Any) -> Any:
        plan = FilePlan(path, ExportOutput(**output), "", MADE_AT)
        thread = threading.Thread(target=serve, args=(plan, theirs))
        thread.start()
        for message in messages:
            ours.send(message)
        found = ours.recv() if messages and isinstance(messages[-1], Finish) else None
        if found is None:
            ours.close()
        thread.join()
        return found

    yield answer
    theirs.close()
    ours.close()


@pytest.mark.parametrize("fmt", ExportFormat)
def test_it_answers_what_it_wrote(ask: Ask, fmt: ExportFormat, tmp_path: Path) -> None:
    sheets = ("Data",) if fmt is ExportFormat.XLSX else ()
    assert ask(*MESSAGES, format=fmt) == Written(2, truncated=False, sheets=sheets, warnings=())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("fmt", ExportFormat)
def test_a_disk_that_refuses_is_told(ask: Ask, fmt: ExportFormat, tmp_path: Path) -> None:
    error = ask(*MESSAGES, path=tmp_path / "no folder" / "file", format=fmt)
    assert isinstance(error, StorageUnavailableError)
    assert "writing the export" in error.message


@pytest.mark.parametrize("fmt", ExportFormat)
def test_a_full_disk_is_told(ask: Ask, fmt: ExportFormat) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        error = ask(*MESSAGES, format=fmt)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(error, StorageUnavailableError)


def test_a_file_that_grows_too_large_is_refused(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MOST_FILE_BYTES", 1)
    error = ask(*MESSAGES, format=ExportFormat.CSV)
    assert isinstance(error, TooLargeError)
    assert error.metadata == {"limit": "1"}


def test_it_ends_with_whoever_asked(ask: Ask) -> None:
    assert ask(*MESSAGES[:1]) is None
