"""The form of delimited text as a plan describes it, as regular expressions over bytes.

A quoted field that does not end before a delimiter or the end of a line is not quoted: a stray
quote spoils its own field only, as in `sniffing.records`. Nothing is tried twice, so that the time
stays linear.
"""

import re
from functools import lru_cache

from headrace_server.files.importing.plan import FilePlan

LINE_END = rb"(?:\r\n|\n|\r)"
"""What ends a line. A text of lines that "\r" ends is made plain with "\n" instead."""

RECORD_END = "\x1e"
"""Ends records, and parts fields, that are read together; those that hold it are read alone."""

_LINE_ENDS = re.compile(rb"\r\n|\n|\r")


def count_lines(data: bytes) -> int:
    """Count the ends of lines in bytes that do not begin or end within one."""
    if b"\r" not in data:
        return data.count(b"\n")
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


def end_of_lines(data: bytes, lines: int) -> tuple[int, int]:
    """Return the byte after so many lines, or after the last, and how many these are."""
    end = found = 0
    for match in _LINE_ENDS.finditer(data):
        if found == lines:
            break
        end, found = match.end(), found + 1
    return end, found


class DelimitedForm:
    """The expressions of one plan."""

    def __init__(self, plan: FilePlan) -> None:
        #: bytes between two fields; empty where a record is one field
        self.delimiter = (plan.delimiter or "").encode()
        #: bytes around quoted fields; empty where none are quoted
        self.quote = (plan.quote or "").encode()
        #: what lines begin with that are no records; empty where there are none
        self.comment = (plan.comment or "").encode()
        #: what makes a quote behind it a part of a quoted field; empty where only a quote does
        self.escape = (plan.escape or "").encode() if plan.escape != plan.quote else b""
        self._ends = rb"[\r\n]" + (rb"|" + re.escape(self.delimiter) if self.delimiter else b"")

    def whole_records(self, *, at_end: bool) -> re.Pattern[bytes]:
        """Matches records from the beginning of one, as many as are there whole.

        Unless the text is at its end, a record that may go on is not whole.
        """
        end = LINE_END if at_end else rb"(?:\r\n|\n|\r(?!\Z))"
        return re.compile(rb"(?:" + self._record(at_end=at_end) + end + rb")*+", re.DOTALL)

    def one_record(self, *, at_end: bool) -> re.Pattern[bytes]:
        """Matches one record with its line end; at the end of the text also one without."""
        end = rb"(?:" + LINE_END + rb"|\Z)" if at_end else rb"(?:\r\n|\n|\r(?!\Z))"
        return re.compile(self._record(at_end=at_end) + end, re.DOTALL)

    def each_record(self) -> re.Pattern[bytes]:
        """Finds each record with its line end, in bytes that hold whole ones only."""
        record = self._record(at_end=True)
        return re.compile(record + LINE_END + rb"|(?!\Z)" + record + rb"\Z", re.DOTALL)

    def field(self) -> re.Pattern[bytes]:
        """Finds each field of one record: its `inside` if quoted, else its `plain` bytes."""
        quoted = self._quoted(rb"(?P<inside>", rb")", at_end=True)
        plain = rb"(?P<plain>" + self._plain() + rb")"
        return re.compile(rb"(?>" + quoted + rb"|" + plain + rb")", re.DOTALL)

    def unquoted(self, inside: str) -> str:
        """Return the text that stands between the quotes, as it is meant."""
        quote, escape = self.quote.decode(), self.escape.decode()
        if escape and escape in inside:
            marked = f"[{re.escape(quote)}{re.escape(escape)}]"
            inside = re.sub(rf"{re.escape(escape)}({marked})", r"\1", inside)
        return inside.replace(quote * 2, quote)

    def regular_records(self, width: int) -> re.Pattern[str]:
        """Finds each record that RECORD_END ends: a group a field, with the quotes around it.

        One more group holds the whole record where it is not regular: of more or fewer fields, with
        spaces around quotes, or with a field that begins with a stray one.
        """
        end = RECORD_END.encode()
        quote, spaces = re.escape(self.quote), self._spaces()
        plain = self._plain(but=end)
        field = rb"(" + plain + rb")"
        if self.quote:
            quoted = quote + self._inside(but=end) + quote
            field = rb"(" + quoted + rb"|(?!" + spaces + quote + rb")" + plain + rb")"
        regular = re.escape(self.delimiter).join([field] * width)
        form = rb"(?:" + regular + rb"|([^" + end + rb"]++))" + end
        return re.compile(form.decode(), re.DOTALL)

    def _record(self, *, at_end: bool) -> bytes:
        field = self._field(at_end=at_end)
        delimiter = re.escape(self.delimiter)
        record = field + (rb"(?:" + delimiter + field + rb")*+" if delimiter else b"")
        if not self.comment:
            return record
        return rb"(?>" + re.escape(self.comment) + rb"[^\r\n]*+|" + record + rb")"

    def _field(self, *, at_end: bool) -> bytes:
        if not self.quote:
            return self._plain()
        open_to_end = b"" if at_end else rb"(?!" + self._open() + rb")"
        quoted = self._quoted(b"", b"", at_end=at_end)
        return rb"(?>" + quoted + rb"|" + open_to_end + self._plain() + rb")"

    def _plain(self, but: bytes = b"") -> bytes:
        ends = but + rb"\r\n"
        if len(self.delimiter) > 1:  # a character of several bytes
            return rb"(?:(?!" + re.escape(self.delimiter) + rb")[^" + ends + rb"])*+"
        return rb"[^" + re.escape(self.delimiter) + ends + rb"]*+"

    def _quoted(self, before: bytes, after: bytes, *, at_end: bool) -> bytes:
        if not self.quote:
            return rb"(?!)" + before + after
        quote = re.escape(self.quote)
        end = self._ends + (rb"|\Z" if at_end else b"")
        inside = before + self._inside() + after
        spaces = self._spaces()
        return spaces + quote + inside + quote + spaces + rb"(?=" + end + rb")"

    def _open(self) -> bytes:
        """A quoted field of which the text does not show the end."""
        quote, spaces = re.escape(self.quote), self._spaces()
        cut = rb"(?:" + re.escape(self.escape) + rb")?+" if self.escape else b""
        inside = spaces + quote + self._inside()
        return inside + rb"(?:" + cut + rb"|" + quote + spaces + rb")\Z"

    def _inside(self, but: bytes = b"") -> bytes:
        quote = re.escape(self.quote)
        doubled = quote + quote
        if not self.escape:
            other = rb"[^" + quote + but + rb"]*+"
            return other + rb"(?:" + doubled + other + rb")*+"
        escape = re.escape(self.escape)
        other = rb"[^" + quote + escape + but + rb"]*+"
        escaped = escape + (rb"[^" + but + rb"]" if but else rb".")
        return other + rb"(?:(?:" + escaped + rb"|" + doubled + rb")" + other + rb")*+"

    def _takes_spaces(self) -> bool:
        return self.delimiter not in {b" ", b"\t"}

    def _spaces(self) -> bytes:
        return rb"[ \t]*+" if self._takes_spaces() else b""


@lru_cache(maxsize=64)
def form_of(plan: FilePlan) -> DelimitedForm:
    """Return the form of a plan's text."""
    return DelimitedForm(plan)
