"""Which dialect a text is in: the one whose records are regular and whose fields make sense.

The measure is that of van den Burg, Nazabal and Sutton, "Wrangling messy CSV files by detecting row
and type patterns" (2019): regularity of the number of fields, times the share of fields that look
like something. Ours differs in that regularity falls gently with each record that strays.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

from headrace_server.files.sniffing.cells import shape_of
from headrace_server.files.sniffing.findings import Dialect, Finding
from headrace_server.files.sniffing.records import Record, records

#: what delimits fields, likeliest first; where two explain a text equally, the first does
DELIMITERS = (",", ";", "\t", "|", "\x1f", "\x01", "^", "~", "#", "&", "§", "!", "*", ":", " ")
QUOTES = ('"', "'")
BACKSLASH = "\\"

#: a space after what looks like a delimiter rather belongs to a sentence
_AFTER_SPACE = 0.75
#: records and characters that are judged
_MOST_RECORDS = 200
_MOST_CHARACTERS = 64 << 10
#: the regularity of a text whose lines are one field
_ONE_COLUMN = 0.1
#: how likely a delimiter is before the text is seen, where that is less than the likeliest
_PRIOR = {"|": 0.9, "~": 0.8, "^": 0.8, "#": 0.7, "&": 0.6, "!": 0.6, "*": 0.6, " ": 0.6, ":": 0.5}


def sniff_dialect(
    text: str,
    *,
    delimiter: str | None = None,
    quote: str | None = None,
    escape: str | None = None,
    whole: bool = True,
) -> Finding[Dialect]:
    """Find the dialect; what is given is taken as it is. A text that is not whole ends cut."""
    judged, whole = _judged(text, whole=whole)
    candidates = list(_candidates(judged, delimiter, quote, escape))
    scored = _scored(candidates, judged, whole=whole)
    best, score = max(scored, key=lambda each: each[1])
    rivals = [each for dialect, each in scored if dialect.delimiter != best.delimiter]
    confidence = score / (score + max(rivals, default=0.0)) if score else 0.0
    if delimiter is not None or (len(candidates) == 1 and judged.strip()):
        confidence = 1.0
    return Finding(_without_idle_quote(best, judged), round(confidence, 2))


def _judged(text: str, *, whole: bool) -> tuple[str, bool]:
    if len(text) <= _MOST_CHARACTERS:
        return text, whole
    return text[:_MOST_CHARACTERS], False


def _candidates(
    text: str, delimiter: str | None, quote: str | None, escape: str | None
) -> Iterator[Dialect]:
    present = frozenset(text)
    delimiters = [delimiter] if delimiter else [None, *(d for d in DELIMITERS if d in present)]
    quotes = [quote] if quote else [None, *(q for q in QUOTES if q in present)]
    for each in delimiters:
        for mark in quotes:
            if mark and quote is None and not _opens_fields(text, each, mark):
                continue
            yield Dialect(each, mark, escape if mark else None)
            if mark and escape is None and f"{BACKSLASH}{mark}" in text:
                yield Dialect(each, mark, BACKSLASH)


def _opens_fields(text: str, delimiter: str | None, quote: str) -> bool:
    """Whether some field begins with the quote: else it is a character like any other."""
    before = rf"(?:^|[\r\n]|{re.escape(delimiter)})" if delimiter else r"(?:^|[\r\n])"
    return re.search(rf"{before}[ \t]*{quote}", text) is not None


def _scored(candidates: list[Dialect], text: str, *, whole: bool) -> list[tuple[Dialect, float]]:
    """Score the candidates, the most regular first, leaving out what cannot win any more."""
    shape = cache(shape_of)
    parsed = []
    for dialect in candidates:
        rows = _full_records(text, dialect, whole=whole)
        parsed.append((dialect, rows, _regularity(rows, dialect)))
    parsed.sort(key=lambda each: -each[2])
    scored: list[tuple[Dialect, float]] = []
    best = 0.0
    for dialect, rows, regularity in parsed:
        if regularity < best / 2:
            continue
        score = regularity * _sense(rows, dialect, shape)
        best = max(best, score)
        scored.append((dialect, score))
    return scored


def _full_records(text: str, dialect: Dialect, *, whole: bool) -> list[Record]:
    found = records(text, dialect, most=_MOST_RECORDS)
    if not whole and len(found) < _MOST_RECORDS and len(found) > 1:
        found.pop()
    return [record for record in found if len(record) > 1 or record[0].strip()]


def _regularity(rows: list[Record], dialect: Dialect) -> float:
    """How regular the numbers of fields are, 0 to 1: likelier with more fields.

    About the probability that two records have equally many; the fewer the records, the more the
    prior counts.
    """
    if not rows:
        return 0.0
    total = len(rows)
    regular = 0.0
    for width, count in Counter(map(len, rows)).items():
        alike = count / total * (count - 0.5) / (total - 0.5)
        regular += alike * max(_ONE_COLUMN, (width - 1) / width)
    prior = _PRIOR.get(dialect.delimiter or "", 1.0)
    return regular * math.pow(prior, 1 + 1 / total)


def _sense(rows: list[Record], dialect: Dialect, shape: Callable[[str], str | None]) -> float:
    """Share of the fields that look like something; quotes left over look like nothing."""
    fields = sensible = 0.0
    for record in rows:
        fields += len(record)
        sensible -= record.stray
        for place, field in enumerate(record):
            sensible += 1 if place in record.quoted else _likeness(field, dialect, shape)
    return max(sensible, 0.0) / fields if fields else 0.0


def _likeness(field: str, dialect: Dialect, shape: Callable[[str], str | None]) -> float:
    """How much an unquoted field looks like one, 0 to 1; a line that is one may be anything."""
    if dialect.delimiter is None:
        return 0.0 if field[:1] in QUOTES and field[:1] == field[-1:] else 1.0
    if not field and dialect.delimiter == " ":
        return 0.0  # spaces that align
    if shape(field.strip()) is None:
        return 0.0
    return _AFTER_SPACE if field[:1] == " " else 1.0


def _without_idle_quote(dialect: Dialect, text: str) -> Dialect:
    """Leave out an escape or a quote that nothing in the text needs."""
    if dialect.quote is None:
        return dialect
    rows = records(text, dialect, most=_MOST_RECORDS)
    if not any(record.quoted for record in rows):
        return replace(dialect, quote=None, escape=None)
    return dialect
