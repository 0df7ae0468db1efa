"""Delimited text understood: encoding, dialect, header and columns of one sample."""

import re
from dataclasses import dataclass

from headrace_server.files.sniffing.columns import check_columns, sniff_columns, unique_names
from headrace_server.files.sniffing.comments import blank_comments, sniff_comment
from headrace_server.files.sniffing.dialects import sniff_dialect
from headrace_server.files.sniffing.encodings import decode, sniff_encoding
from headrace_server.files.sniffing.findings import Dialect, Finding, Table, given
from headrace_server.files.sniffing.headers import Layout, sniff_layout, usual_width
from headrace_server.files.sniffing.records import Record, line_terminator, records

#: records may have so many times the fields of the header, with delimiters at their ends
_ABOUT = 1.5


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody knows about delimited text; None is found out."""

    #: Python codec
    encoding: str | None = None
    #: one character each
    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    has_header: bool | None = None
    #: physical lines before the header or the data
    skip_lines: int | None = None
    #: what lines that are no records begin with; empty where there are none
    comment: str | None = None


NOTHING = Given()


def sniff_table(sample: bytes, known: Given = NOTHING, *, whole: bool = True) -> Table:
    """Understand delimited text by a sample that begins it; `whole` if it is all of it.

    Raises TooLargeError for more columns than are taken.
    """
    encoding = given(known.encoding) if known.encoding else sniff_encoding(sample)
    text = decode(sample, encoding.value)
    comment = sniff_comment(text) if known.comment is None else known.comment or None
    plain = blank_comments(text, comment)
    dialect = sniff_dialect(
        plain, delimiter=known.delimiter, quote=known.quote, escape=known.escape, whole=whole
    )
    if comment and _comment_is_header(text, comment, plain, dialect.value):
        text = plain = _uncommented(text, plain)
        comment = None
    found = _records(plain, dialect.value, whole=whole)
    start = None
    if known.skip_lines is not None:
        start = next((n for n, each in enumerate(found) if each.first_line >= known.skip_lines), 0)
    layout = sniff_layout(found, has_header=known.has_header, start=start)
    return _table(text, encoding, dialect, comment, found, layout)


def _records(text: str, dialect: Dialect, *, whole: bool) -> list[Record]:
    found = records(text, dialect)
    if not whole and len(found) > 1:
        found.pop()  # cut somewhere
    return [record for record in found if len(record) > 1 or record[0].strip()]


def _comment_is_header(text: str, mark: str, plain: str, dialect: Dialect) -> bool:
    """Whether the names of the columns stand behind a mark of comments, right above the data."""
    if dialect.delimiter is None:
        return False
    first, *rest = (record for record in records(text, dialect, most=100) if any(record))
    if not rest or not first[0].startswith(mark) or rest[0][0].startswith(mark):
        return False
    body = [record for record in records(plain, dialect, most=100) if len(record) > 1]
    return bool(body) and 1 < len(first) <= usual_width(body) <= len(first) * _ABOUT


def _uncommented(text: str, plain: str) -> str:
    end = re.compile(r"\r\n|\n|\r").search(text)
    return text[: end.start()] + plain[_first_end(plain) :] if end else text


def _first_end(plain: str) -> int:
    end = re.compile(r"\r\n|\n|\r").search(plain)
    return end.start() if end else len(plain)


def _table(
    text: str,
    encoding: Finding[str],
    dialect: Finding[Dialect],
    comment: str | None,
    found: list[Record],
    layout: Layout,
) -> Table:
    rows = found[layout.body :]
    width = _width(layout, found, rows)
    check_columns(width)
    names = unique_names(layout.names, width)
    return Table(
        encoding=encoding,
        dialect=dialect,
        has_header=layout.has_header,
        line_terminator=line_terminator(text),
        preamble_rows=found[layout.start].first_line if found else 0,
        comment=comment,
        columns=sniff_columns(names, rows),
        rows=list(rows),
    )


def _width(layout: Layout, found: list[Record], rows: list[Record]) -> int:
    """The number of columns: those with a name, and of those after them the ones that are used."""
    if not layout.has_header.value:
        return usual_width(found) if found else 0
    named = len(layout.names)
    usual = usual_width(rows) if rows else 0
    used = (n for row in rows for n in range(named, min(len(row), usual)) if row[n].strip())
    return max(used, default=named - 1) + 1
