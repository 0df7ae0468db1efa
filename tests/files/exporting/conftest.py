"""Files written of rows, and opened again."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from headrace_server.files.exporting.messages import (
    FilePlan,
    Message,
    Rows,
    TableBegin,
    TableEnd,
)
from headrace_server.files.exporting.writing import write
from headrace_server.model.export import ExportFormat, ExportOutput, Written
from headrace_server.model.query import QueryColumn, ValueKind

MADE_AT = datetime(2024, 6, 30, 12, 0, tzinfo=UTC)
#: names of columns with their kinds
Kinds = dict[str, ValueKind]


def columns_of(kinds: Kinds) -> tuple[QueryColumn, ...]:
    return tuple(QueryColumn(name, kind.value.lower(), kind) for name, kind in kinds.items())


def table(
    kinds: Kinds, *rows: Sequence[Any], heading: str = "Data", truncated: bool = False, **begin: Any
) -> list[Message]:
    """The messages of a table."""
    return [
        TableBegin(heading, "SELECT 1", columns_of(kinds), **begin),
        *([Rows(tuple(map(tuple, rows)))] if rows else []),
        TableEnd(truncated, None if truncated else len(rows)),
    ]


class Files:
    """Writes files."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "file"

    def write(self, *messages: Message, title: str = "", **output: Any) -> Written:
        plan = FilePlan(self.path, ExportOutput(**output), title, MADE_AT)
        return write(plan, iter(messages))

    def book(self, *messages: Message, title: str = "", **output: Any) -> Any:
        """Write a workbook, and open it."""
        self.write(*messages, title=title, **output)
        with self.path.open("rb") as file:
            return openpyxl.load_workbook(file)

    def text(self, *messages: Message, **output: Any) -> str:
        """Write a CSV, and read it."""
        self.write(*messages, format=ExportFormat.CSV, **output)
        return self.path.read_bytes().decode()


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


Cell = Callable[[Any, ValueKind], Any]


@pytest.fixture
def cell(files: Files) -> Cell:
    """Writes one value into a workbook; gives its cell."""

    def written(value: Any, kind: ValueKind) -> Any:
        return files.book(*table({"a": kind}, [value]))["Data"]["A2"]

    return written
