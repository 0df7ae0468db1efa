import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace_server.files.previewing import parquet as module
from headrace_server.files.previewing.previews import preview
from headrace_server.files.previewing.request import OpenedFile, PreviewRequest
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.preview import Preview

FAR = 600_000_000_000_000_000  # microseconds: beyond the year 9999


def _shown(columns: dict[str, Any], folder: Path) -> Preview:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    size = file.tell()
    return preview(OpenedFile(file, size), PreviewRequest("x"), folder)


def test_nested_and_far_values(tmp_path: Path) -> None:
    columns = {
        "tags": pa.array([["a", None]]),
        "place": pa.array([{"x": 1, "y": None}]),
        "far": pa.array([FAR], pa.timestamp("us")),
        "zoned": pa.array([0], pa.timestamp("ms", "UTC")),
        "price": pa.array([Decimal("1.10")], pa.decimal128(10, 2)),
        "huge": pa.array([2**64 - 1], pa.uint64()),
        "none": pa.array([None], pa.null()),
        "deep": pa.array([[FAR]], pa.list_(pa.timestamp("us"))),
    }
    found = _shown(columns, tmp_path)
    types = {column.name: (column.data_type, column.sql_type) for column in found.columns}
    assert types == {
        "tags": ("array", "JSON"),
        "place": ("object", "JSON"),
        "far": ("datetime", "TIMESTAMP"),
        "zoned": ("datetime", "TIMESTAMP WITH TIME ZONE"),
        "price": ("float", "NUMERIC(10,2)"),
        "huge": ("integer", "NUMERIC"),
        "none": ("empty", "TEXT"),
        "deep": ("array", "JSON"),
    }
    tags, place, far, zoned, price, huge, none, deep = found.rows[0]
    assert (tags, place, price, none) == (["a", None], {"x": 1, "y": None}, 1.1, None)
    assert str(far).startswith("20983-")
    assert isinstance(deep, str)
    assert zoned == "1970-01-01T00:00:00+00:00"
    assert huge == str(2**64 - 1)


def test_a_group_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_GROUP_BYTES", 10)
    with pytest.raises(InvalidFieldError, match="too large"):
        _shown({"a": pa.array(range(100))}, tmp_path)
