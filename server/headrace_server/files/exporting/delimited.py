"""CSV as RFC 4180 has it, in UTF-8: nulls are empty, empty texts are ""."""

import gzip
import re
from collections.abc import Sequence
from typing import Any, BinaryIO

from headrace_server.files.exporting.kinds import Field, fields_of
from headrace_server.files.exporting.messages import FilePlan, Row, TableBegin, TableEnd
from headrace_server.files.exporting.texts import is_formula_like, text_of
from headrace_server.model.export import Written
from headrace_server.model.row_counts import truncated_text

_TO_BE_QUOTED = re.compile('[",\r\n]|^$|^[ \t]|[ \t]$')
#: gzip's own default is three times slower for a twentieth less
_LEVEL = 5


class DelimitedFile:
    """Writes a CSV. See `FileWriter`."""

    def __init__(self, plan: FilePlan) -> None:
        self._escapes = plan.output.escape_formulas
        self._file: BinaryIO | gzip.GzipFile = (
            gzip.GzipFile(plan.path, "wb", _LEVEL, mtime=plan.made_at.timestamp())
            if plan.output.gzip
            else plan.path.open("wb")
        )
        self._begin: TableBegin | None = None
        self._fields: list[Field] = []
        self._rows = 0
        self._truncated = False
        self._warnings: list[str] = []

    def begin(self, table: TableBegin) -> None:
        """See `FileWriter`."""
        self._begin = table

    def add(self, rows: Sequence[Row]) -> None:
        """See `FileWriter`."""
        if not self._fields and self._begin is not None:
            self._fields = fields_of(self._begin.columns, rows)
            self._write([[self._text(field.name)] for field in self._fields])
        if rows:
            self._write([self._texts(values) for values in zip(*rows, strict=True)])
            self._rows += len(rows)

    def _texts(self, values: Sequence[Any]) -> list[str]:
        return [
            "" if v is None else self._text(v) if isinstance(v, str) else self._quoted(text_of(v))
            for v in values
        ]

    def _text(self, value: str) -> str:
        if self._escapes and (is_formula_like(value) or value[:1] == "\t"):
            value = f"'{value}"
        return self._quoted(value)

    def _quoted(self, text: str) -> str:
        return f'"{text.replace(chr(34), chr(34) * 2)}"' if _TO_BE_QUOTED.search(text) else text

    def _write(self, columns: Sequence[Sequence[str]]) -> None:
        lines = "".join([f"{','.join(row)}\r\n" for row in zip(*columns, strict=True)])
        self._file.write(lines.encode("utf-8", "replace"))

    def end(self, end: TableEnd) -> None:
        """See `FileWriter`."""
        self.add(())
        self._truncated = end.truncated
        if end.truncated:
            self._warnings.append(truncated_text(self._rows, end.total_rows))

    def abandon(self) -> None:
        """See `FileWriter`."""
        self._file.close()

    def close(self) -> Written:
        """See `FileWriter`."""
        self._file.close()
        return Written(self._rows, self._truncated, (), tuple(self._warnings))
