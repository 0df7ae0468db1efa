"""What other processes do for imports."""

import tempfile
from pathlib import Path
from typing import Any

import pytest

from headrace_server.core.imports import tasks
from headrace_server.files.importing.understanding import understand


def test_a_few_rows_are_understood_and_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    types: list[str] = []

    def note(*given: Any, **named: Any) -> Any:
        plan = understand(*given, **named)
        types.extend(plan.sql_types().values())
        return plan

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(tasks, understand.__name__, note)
    tasks.understand_few_rows()
    assert len(types) == len(set(types)) == 7
    assert list(tmp_path.iterdir()) == []


def test_where_no_file_can_be_written_none_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nothing"))
    tasks.understand_few_rows()
