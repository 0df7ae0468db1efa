"""Lines that are no records: those that a mark at their beginning says are for people."""

import re

MARKS = ("#", "//", "%", "--")

_FEWEST_RECORDS = 2


def sniff_comment(text: str) -> str | None:
    """Return the mark with which some lines begin and others do not, None where there is none."""
    lines = [line for line in re.split(r"\r\n|\n|\r", text[: 64 << 10]) if line.strip()]
    for mark in MARKS:
        marked = sum(line.startswith(mark) for line in lines)
        if marked and len(lines) - marked >= _FEWEST_RECORDS:
            return mark
    return None


def blank_comments(text: str, mark: str | None) -> str:
    """Empty the lines that begin with the mark; the others keep their numbers."""
    if mark is None:
        return text
    return re.sub(rf"(?:^|(?<=[\r\n])){re.escape(mark)}[^\r\n]*", "", text)
