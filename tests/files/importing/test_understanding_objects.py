"""Objects understood by a sample."""

from pathlib import Path
from typing import Any

import pytest
from imported_files import Read, read_file

from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.file_import import ImportOptions


def read(tmp_path: Path, data: str | bytes, name: str = "file.ndjson", **options: Any) -> Read:
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_file(path, ImportOptions(**options))


def test_keys_are_columns_in_the_order_in_which_they_come(tmp_path: Path) -> None:
    found = read(tmp_path, '{"b": 1}\n{"a": "x", "b": 2.50}\n{"c": null, "a": {"d": []}}\n')
    assert found.plan.sql_types() == {"b": "NUMERIC", "a": "JSON", "c": "VARCHAR(255)"}
    assert found.rows == [("1", None, None), ("2.50", '"x"', None), (None, '{"d": []}', None)]


def test_texts_are_days_where_all_are_and_digits_stay_text(tmp_path: Path) -> None:
    found = read(tmp_path, '{"d": "2024-01-31", "n": "12", "x": "2023-02-29"}\n')
    assert found.plan.sql_types() == {"d": "DATE", "n": "VARCHAR(255)", "x": "TEXT"}


def test_null_values_say_nothing_of_types(tmp_path: Path) -> None:
    data = '{"a": 1, "b": " NA "}\n{"a": "NA", "b": true}\n'
    found = read(tmp_path, data, null_values=("NA",))
    assert found.plan.sql_types() == {"a": "BIGINT", "b": "BOOLEAN"}
    assert found.rows == [(1, None), (None, True)]


def test_lines_that_cannot_be_read_do_not_count(tmp_path: Path) -> None:
    found = read(tmp_path, '{"a": 1}\n[2]\n{"a" 3}\n{"a": 4}\n', format="ndjson")
    assert found.rows == [(1,), (4,)]
    assert [each[0] for each in found.reasons] == [2, 3]


def test_a_sample_may_end_within_a_line_or_a_value(tmp_path: Path) -> None:
    rows = [f'{{"a": {n}, "b": "{"x" * 50}"}}' for n in range(100)]
    assert len(read(tmp_path, "\n".join(rows), sample_bytes=500).rows) == 100
    document = f"[{', '.join(rows)}]"
    assert len(read(tmp_path, document, "file.json", sample_bytes=500).rows) == 100


def test_a_first_value_longer_than_the_sample_is_read(tmp_path: Path) -> None:
    data = f'{{"a": "{"x" * 5000}"}}'
    for name in ("file.json", "file.ndjson"):
        found = read(tmp_path, f"{data}\n", name, sample_bytes=1000, format=name[5:])
        assert found.plan.sql_types() == {"a": "TEXT"}
        assert len(found.rows) == 1


def test_other_encodings_and_line_ends_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, '{"a": "ä"}\r{"a": "ö"}\r', format="ndjson")
    assert (found.rows, found.lines) == ([("ä",), ("ö",)], [1, 2])
    found = read(tmp_path, '{"a": "ä"}\n'.encode("cp1252"), encoding="cp1252", format="ndjson")
    assert found.rows == [("ä",)]


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        ("[1]\n", {"format": "ndjson"}, "holds no ndjson that can be read"),
        ('{"a" 1}', {"format": "json"}, "holds no json that can be read"),
        ("{}\n{}\n", {"format": "ndjson"}, "holds no table: it has no columns"),
    ],
)
def test_what_holds_no_objects_is_told(
    tmp_path: Path, data: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidFieldError, match=words):
        read(tmp_path, data, **options)


@pytest.mark.parametrize("name", ["file.ndjson", "file.json"])
def test_what_is_nested_too_deeply_is_rejected_and_does_not_count(
    tmp_path: Path, name: str
) -> None:
    deep = f'{{"a": {"[" * 500}{"]" * 500}}}'
    rows = ('{"a": [1]}', deep, '{"a": [2]}')
    data = f"[{','.join(rows)}]" if name == "file.json" else "\n".join(rows)
    found = read(tmp_path, data, name)
    assert found.plan.sql_types() == {"a": "JSON"}
    assert found.rows == [("[1]",), ("[2]",)]
    assert [each[0] for each in found.reasons] == [2]
