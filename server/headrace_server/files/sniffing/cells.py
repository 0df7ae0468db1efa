"""What single values look like."""

import re
from collections.abc import Iterable, Sequence
from functools import cache

from headrace_server.files.sniffing.findings import ColumnType

_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
_MONTH = r"(?:0?[1-9]|1[0-2])"
_MONTH_NAME = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_YEAR = r"(?:1[5-9]|2[01])[0-9]{2}"
_SHORT_YEAR = r"[0-9]{2}"
_HOURS = r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]"
_CLOCK = rf"{_HOURS}(?::[0-5][0-9](?:\.[0-9]{{1,9}})?)?"
_OFFSET = r"(?:Z|z| ?[+-](?:0[0-9]|1[0-4]):?[0-5][0-9]| UTC)?"

INTEGER = r"[+-]?(?:0|[1-9][0-9]*)"
FLOAT = r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
DECIMAL_COMMA = r"[+-]?(?:0|[1-9][0-9]*)(?:,[0-9]+)?"
ISO_DATE = rf"{_YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
ISO_DATETIME = rf"{ISO_DATE}[Tt ]{_CLOCK}{_OFFSET}"
TIME = rf"{_CLOCK}{_OFFSET}"
UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
BOOLEAN = r"(?i:true|false)"

#: types whose values have one form, the strictest first
STRICT_FORMS: tuple[tuple[ColumnType, str], ...] = (
    (ColumnType.BOOLEAN, BOOLEAN),
    (ColumnType.INTEGER, INTEGER),
    (ColumnType.FLOAT, FLOAT),
    (ColumnType.DATE, ISO_DATE),
    (ColumnType.DATETIME, ISO_DATETIME),
    (ColumnType.TIME, TIME),
    (ColumnType.UUID, UUID),
)

#: forms of a day, each with strptime's directives; where two fit, the first is the likelier
DAY_FORMS: tuple[tuple[str, str], ...] = tuple(
    (form, directives)
    for mark in ("/", "-", ".")
    for form, directives in (
        (rf"{_DAY}{re.escape(mark)}{_MONTH}{re.escape(mark)}{_YEAR}", f"%d{mark}%m{mark}%Y"),
        (rf"{_MONTH}{re.escape(mark)}{_DAY}{re.escape(mark)}{_YEAR}", f"%m{mark}%d{mark}%Y"),
        (rf"{_YEAR}{re.escape(mark)}{_MONTH}{re.escape(mark)}{_DAY}", f"%Y{mark}%m{mark}%d"),
        (rf"{_DAY}{re.escape(mark)}{_MONTH}{re.escape(mark)}{_SHORT_YEAR}", f"%d{mark}%m{mark}%y"),
        (rf"{_MONTH}{re.escape(mark)}{_DAY}{re.escape(mark)}{_SHORT_YEAR}", f"%m{mark}%d{mark}%y"),
    )
) + tuple(
    (form, directives)
    for mark in (" ", "-")
    for form, directives in (
        (rf"(?i:{_DAY}{mark}{_MONTH_NAME}{mark}{_YEAR})", f"%d{mark}%b{mark}%Y"),
        (rf"(?i:{_DAY}{mark}{_MONTH_NAME}{mark}{_SHORT_YEAR})", f"%d{mark}%b{mark}%y"),
    )
)
#: characters beyond which a value has no shape
_LONGEST = 1000
_ANY_DAY = "|".join(form for form, _ in DAY_FORMS)

#: What a field that was cut out rightly may look like, beside words. Words hold none of the
#: marks that part fields.
_KNOWN = (
    r"(?:(?P<blank>)"
    rf"|(?P<number>{FLOAT}|{DECIMAL_COMMA}|[+-]?[0-9]{{1,3}}(?:[,. ][0-9]{{3}})+(?:[.,][0-9]+)?"
    r"|[0-9]+(?:[.,][0-9]+)?)"
    r"|(?P<amount>[-+(]?(?:[$€£¥]|USD|EUR) ?-?[0-9][0-9.,]*\)?|[-+]?[0-9][0-9.,]* ?[%€£$])"
    rf"|(?P<moment>{ISO_DATE}|{ISO_DATETIME}|{TIME}|(?:{_ANY_DAY})(?:[ T]{_CLOCK}{_OFFSET})?)"
    rf"|(?P<uuid>{UUID})"
    r"|(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<url>(?:https?|ftp|file|mailto):[^\s,;|\"]+|www\.[^\s,;|\"]+)"
    r"|(?P<address>[0-9]{1,3}(?:\.[0-9]{1,3}){3})"
    r"|(?P<missing>(?i:n/?a|nan|null|none|inf)|-|\\N|\?)"
    r"|(?P<json>\{.*\}|\[.*\])"
    r"|(?P<word>[\w&/(\u2019.+*!?%°@-][\w&/()'\u2019.+*!?%°@-]*(?: [\w&/()'\u2019.+*!?%°@-]+)*)"
    r")"
)


def shape_of(value: str) -> str | None:
    """Name what a stripped value looks like, None where it looks like nothing known."""
    if len(value) > _LONGEST:
        return None
    found = _known().fullmatch(value)
    return found.lastgroup if found else None


@cache
def _known() -> re.Pattern[str]:
    return re.compile(_KNOWN, re.DOTALL)


#: stands between joined values; a value that holds it matches no form
_END = "\x1e"


@cache
def _of_all(form: str) -> re.Pattern[str]:
    # Compiled when first asked for: to compile all of them would take each start 60 ms.
    return re.compile(rf"(?>(?:{form}){_END})*+")


_CLOCKS = (
    (_HOURS, "%H:%M"),
    (rf"{_HOURS}:[0-5][0-9]", "%H:%M:%S"),
    (rf"{_HOURS}:[0-5][0-9]\.[0-9]{{1,6}}", "%H:%M:%S.%f"),
)
_MOMENTS = tuple(
    (f"{form} {clock}", f"{directives} {time}")
    for form, directives in DAY_FORMS
    for clock, time in _CLOCKS
)


def strict_type(values: Iterable[str]) -> ColumnType | None:
    """Return the type of which all values are, None where there is none; of no values EMPTY.

    Numbers with leading zeros are no numbers.
    """
    joined = _joined(values)
    if not joined:
        return ColumnType.EMPTY
    return next((type_ for type_, form in STRICT_FORMS if _fit(form, joined)), None)


def day_formats(values: Sequence[str]) -> list[str]:
    """Return the formats, in strptime's directives, in which all values are days, likeliest first.

    More than one are returned where the days of a month leave it open.
    """
    joined = _joined(values)
    return [directives for form, directives in DAY_FORMS if _fit(form, joined)]


def moment_formats(values: Sequence[str]) -> list[str]:
    """Like `day_formats`, of days with a time of day."""
    joined = _joined(values)
    return [directives for form, directives in _MOMENTS if _fit(form, joined)]


def are_decimal_commas(values: Sequence[str]) -> bool:
    """Tell whether all values are decimals with a comma, and some have one."""
    joined = _joined(values)
    return "," in joined and _fit(DECIMAL_COMMA, joined)


def _fit(form: str, joined: str) -> bool:
    return _of_all(form).fullmatch(joined) is not None


def _joined(values: Iterable[str]) -> str:
    return _END.join((*values, ""))
