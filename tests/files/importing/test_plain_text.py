"""Text of any encoding as UTF-8."""

import codecs
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imported_files import csv_plan, read_file

from headrace_server.files.importing.plain_text import texts_of, write_utf8
from headrace_server.model.file_import import ImportOptions


def plain(data: bytes, encoding: str, line_end: str = "\n") -> bytes:
    target = io.BytesIO()
    write_utf8(io.BytesIO(data), target, csv_plan("TEXT", encoding=encoding, line_end=line_end))
    return target.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
@settings(deadline=None)
@given(st.text())
def test_text_comes_back_without_its_mark(encoding: str, text: str) -> None:
    text = text.lstrip("\ufeff")
    mark = "\ufeff" if encoding in {"utf-8", "utf-16-le"} else ""
    assert plain((mark + text).encode(encoding), encoding) == text.encode()


def test_lines_that_cr_alone_ends_end_in_lf() -> None:
    assert plain(b"a\r1\r", "utf-8", "\r") == b"a\n1\n"
    assert plain(b"a\r\n1\r", "utf-8") == b"a\r\n1\r"


@pytest.mark.parametrize(
    ("encoding", "data", "marked"),
    [
        ("utf-8", b"a\xe4b", b"a\xff\xe4b"),
        ("utf-8", b"a\xe4", b"a\xff\xe4"),
        ("ascii", b"\xe4\n", b"\xff\xe4\n"),
        ("cp1252", b"a\x81", b"a\xff\x81"),
        ("utf-16-le", b"a\0\n\xdcb\0", b"a\xff\xff\xdcb"),
        ("utf-16-le", b"a\0b", b"a\xff"),
        ("unicode_escape", b"\\ud800", b"\xff"),
    ],
)
def test_bytes_that_are_not_of_the_encoding_stay_and_are_no_utf8(
    encoding: str, data: bytes, marked: bytes
) -> None:
    assert plain(data, encoding) == marked


def test_characters_may_be_cut_anywhere() -> None:
    data = ("ä" * (1 << 20)).encode()
    pieces = list(texts_of(io.BytesIO(b"x" + data), "utf-8"))
    assert "".join(pieces) == "x" + "ä" * (1 << 20)
    assert len(pieces) > 2


def test_only_what_is_no_text_is_marked() -> None:
    mark = codecs.lookup_error("headrace_undecodable")
    with pytest.raises(UnicodeTranslateError):
        mark(UnicodeTranslateError("x", 0, 1, "of another kind"))


def test_only_the_records_with_such_bytes_are_rejects(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes("name,n\ncafé,1\n".encode("cp1252") + b"x\x81y,2\nz,3\n")
    found = read_file(path, ImportOptions(encoding="cp1252"))
    assert found.rows == [("café", 1), ("z", 3)]
    assert found.reasons == [(3, None, "INVALID_UTF8")]
    assert found.rejects[0].raw == "x\\xff\\x81y,2"
