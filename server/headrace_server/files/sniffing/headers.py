"""Where a table begins in its records, and whether its first record names the columns."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from headrace_server.files.sniffing.cells import shape_of
from headrace_server.files.sniffing.findings import Finding
from headrace_server.files.sniffing.records import Record

#: records that are judged, and how many may stand before a table
_MOST_RECORDS = 100
_MOST_PREAMBLE = 50
#: share of a column's values that must be alike
_ALIKE = 0.8
#: share of the usual fill below which a record is a title or a group of names
_SPARSE = 0.6
#: share of the usual width from which on a record belongs to the table
_WIDE = 0.75
#: names of columns are short
_LONGEST_NAME = 60
_MOST_WORDS = 6
_YEARS = range(1500, 2200)

_TEXT = {None, "word", "json", "missing", "blank"}
_NAME = re.compile(r"[^\W\d][\w .,:;/\\&()\[\]%#$€£°*?'\u2019+<>=@-]*|[\W_]{1,2}[^\W\d].*")
#: what columns are named after in many tables
_USUAL = re.compile(
    r"(?i)(?:^|[\W_])(?:id|ids|key|name|names|date|time|year|month|day|type|code|value|values|number"
    r"|no|num|count|qty|quantity|price|amount|total|sum|status|state|city|country|region|address"
    r"|phone|email|e-mail|mail|url|link|title|description|desc|comment|comments|category|class"
    r"|group|level|rank|score|rate|unit|units|size|weight|height|length|width|age|sex|gender"
    r"|first|last|start|end|begin|min|max|mean|avg|lat|lon|latitude|longitude|company|author"
    r"|user|userid|customer|product|order|item|label|labels|text|note|notes|source|target|details)"
    r"(?:$|[\W_])|[a-z](?:Id|ID|Name|Date|Type|Code|Number)$"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which records of a text are what."""

    #: place of the record that names the columns, or of the first with data
    start: int
    has_header: Finding[bool]
    #: the names; empty without a header
    names: list[str]
    #: place of the first record with data
    body: int


def sniff_layout(
    found: Sequence[Record], *, has_header: bool | None = None, start: int | None = None
) -> Layout:
    """Find the table in records of which none is blank. What is given is taken as it is."""
    if not found:
        return Layout(0, Finding(bool(has_header), 0.0), [], 0)
    width = usual_width(found)
    first = _start(found, width) if start is None else start
    body = found[first + 1 : first + 1 + _MOST_RECORDS]
    header = _is_header(found[first], body) if has_header is None else Finding(has_header, 1.0)
    if not header.value:
        return Layout(first, header, [], first)
    data = first + 1
    while data < min(first + 3, len(found) - 1) and _explains(found[data], found[data + 1 :]):
        data += 1
    return Layout(first, header, _names(found, first), data)


def usual_width(found: Sequence[Record]) -> int:
    """Return the number of fields that most records have, of equally common ones the most."""
    widths = Counter(map(len, found))
    return max(widths, key=lambda width: (widths[width], width))


def _start(found: Sequence[Record], width: int) -> int:
    """The first record that is as wide and about as full as the others."""
    if width == 1:
        return 0
    fills = sorted(_filled(record) for record in found[:_MOST_RECORDS] if len(record) == width)
    usual = fills[len(fills) // 2]
    used = max(map(_used, found[-_MOST_RECORDS:]))
    for place, record in enumerate(found[:_MOST_PREAMBLE]):
        wide = len(record) >= max(2, min(width, used) * _WIDE)
        sparse = _filled(record) <= width / 2 and _filled(record) < usual * _SPARSE
        if wide and not sparse and not _is_above(record, found[place + 1 :], width):
            return place
    return 0


def _is_above(record: Record, rest: Sequence[Record], width: int) -> bool:
    """Whether a record of another width stands right above the names of the columns."""
    if len(record) == width or not rest or len(rest[0]) != width:
        return False
    below = _is_header(rest[0], rest[1 : 1 + _MOST_RECORDS])
    return below.value and below.confidence > 0.5  # noqa: PLR2004  # 0.5 is a guess


def _used(record: Record) -> int:
    """How many fields there are before those that are empty to the end."""
    return max((place + 1 for place, field in enumerate(record) if field.strip()), default=0)


def _filled(record: Record) -> int:
    return sum(1 for field in record if field.strip())


def _is_header(first: Record, body: Sequence[Record]) -> Finding[bool]:
    if _are_years(first):
        return Finding(True, 0.8)
    votes = [
        vote
        for place, field in enumerate(first)
        if (vote := _vote(field.strip(), _column(body, place))) != 0
    ]
    if votes and sum(votes) != 0:
        agreement = abs(sum(votes)) / sum(map(abs, votes))
        return Finding(sum(votes) > 0, round(0.5 + agreement / 2, 2))
    return Finding(_all_names(first), 0.5)


def _column(body: Sequence[Record], place: int) -> list[str]:
    values = (record[place].strip() for record in body if place < len(record))
    return [value for value in values if value]


def _vote(name: str, values: Sequence[str]) -> float:
    """How much a field speaks for being the name of its column, against it below 0."""
    if not name:
        return -0.2
    shape = shape_of(name)
    if not values:
        return 0.5 if _like_name(name) else -0.5 if shape not in _TEXT else 0.0
    common, count = Counter(map(shape_of, values)).most_common(1)[0]
    alike = count / len(values) >= _ALIKE
    if alike and common not in _TEXT:
        return 1.0 if shape in _TEXT else -1.0 if shape == common else -0.3
    if shape not in _TEXT:
        return 0.5 if alike and len(set(values)) < len(values) else -0.5
    return _vote_on_words(name, values)


def _vote_on_words(name: str, values: Sequence[str]) -> float:
    """The same of a column of words."""
    if name in values:
        return -1.0 if len(set(values)) < len(values) * _ALIKE else -0.3
    vote = 0.5 if _USUAL.search(name) and _like_name(name) else 0.0
    lengths = {len(value) for value in values}
    if len(values) > 2 and len(lengths) == 1:  # noqa: PLR2004  # two may be alike by chance
        vote += -0.7 if len(name) in lengths else 0.5
    elif not _like_name(name):
        vote -= 0.5
    elif sum(map(_like_name, values)) < len(values) / 2:
        vote += 0.3
    return vote


def _like_name(text: str) -> bool:
    short = len(text) <= _LONGEST_NAME and len(text.split()) <= _MOST_WORDS
    return short and _NAME.fullmatch(text) is not None and text[-1:] not in ".!"


def _all_names(record: Record) -> bool:
    fields = [field.strip() for field in record]
    filled = [field for field in fields if field]
    return len(set(filled)) == len(filled) > 0 and all(map(_like_name, filled))


def _are_years(record: Record) -> bool:
    """Whether the numbers among the fields are years that follow each other."""
    numbers = [int(field) for field in record if field.strip().isdecimal() and len(field) < 6]  # noqa: PLR2004  # years have four
    if len(numbers) < 3 or not all(number in _YEARS for number in numbers):  # noqa: PLR2004  # two may be chance
        return False
    return {after - before for before, after in pairwise(numbers)} in ({1}, {-1})


def _explains(record: Record, body: Sequence[Record]) -> bool:
    """Whether a record below the names goes on about them, with units or second names.

    It has words where all that comes after it has none.
    """
    typed = words = 0
    for place, field in enumerate(record):
        values = _column(body[:_MOST_RECORDS], place)
        known = sum(shape_of(value) not in _TEXT for value in values)
        if not values or known < len(values) * _ALIKE:
            continue
        typed += 1
        text = field.strip()
        if text and shape_of(text) != "word":
            return False
        words += bool(text)
    return words > 0 and words * 2 >= typed


def _names(found: Sequence[Record], start: int) -> list[str]:
    """The names, with those of their groups in the record above where they would repeat."""
    names = [field.strip() for field in found[start]]
    above = found[start - 1] if start else None
    filled = [name for name in names if name]
    if above is None or len(above) != len(names) or len(set(filled)) == len(filled):
        return names
    groups = []
    group = ""
    for field in above:
        group = field.strip() or group
        groups.append(group)
    if len({*groups}) < 2:  # noqa: PLR2004  # one is a title
        return names
    return [f"{group} {name}".strip() for group, name in zip(groups, names, strict=True)]
