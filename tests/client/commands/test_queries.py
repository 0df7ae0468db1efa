from pathlib import Path

import grpc
import pytest
import typer

from headrace_client.commands.queries import cell, query_of, told
from headrace_client.errors import HeadraceError, InvalidRequestError


def test_a_query_is_typed_or_read(tmp_path: Path) -> None:
    file = tmp_path / "query.sql"
    file.write_text("SELECT 'é'", "utf-8")
    assert query_of("SELECT 1", None) == "SELECT 1"
    assert query_of(None, file) == "SELECT 'é'"
    with pytest.raises(typer.BadParameter, match="not both"):
        query_of("SELECT 1", file)
    file.write_text(" \n")
    with pytest.raises(typer.BadParameter, match="there is no query"):
        query_of(None, file)
    file.write_bytes(b"SELECT '\xe9'")
    with pytest.raises(typer.BadParameter, match="no text in UTF-8"):
        query_of(None, file)


def test_what_is_wrong_is_shown_without_its_field(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = InvalidRequestError(
        "query: no such column (line 2, column 3)",
        reason="INVALID_QUERY",
        metadata={"field": "query", "line": "2", "column": "3"},
    )
    assert told(wrong, "SELECT\n\t nope") == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: no such column (line 2, column 3)", "    nope", "    ^",
    ]  # fmt: skip
    other = HeadraceError("no", code=grpc.StatusCode.NOT_FOUND)
    with pytest.raises(HeadraceError, match="no"):
        told(other, "SELECT 1")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "true"),
        ([1, "é"], '[1, "é"]'),
        ("a\n b", "a b"),
        ("x" * 61, "x" * 59 + "…"),
    ],
)
def test_values_are_one_line(value: object, shown: str) -> None:
    assert cell(value) == shown
