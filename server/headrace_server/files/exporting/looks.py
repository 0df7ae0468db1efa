"""How workbooks look: fonts, colours and the formats of values."""

from dataclasses import dataclass
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format

from headrace_server.files.exporting.kinds import MOMENTS, NUMBERS, Field
from headrace_server.model.export import Template
from headrace_server.model.query import ValueKind

INTEGER, NUMBER, PLAIN = "#,##0", "#,##0.00####", "0"
TRUTH = '"TRUE";"TRUE";"FALSE"'
DATE, MOMENT, TIME = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss"
#: signs of currencies that have one of their own
_SIGNS = {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥", "INR": "₹"}


@dataclass(frozen=True, slots=True)
class Look:
    """What a template is."""

    font: str
    size: int
    #: of headers
    header: dict[str, Any]
    #: of titles and the lines of charts, #RRGGBB
    colour: str
    #: of the further lines of charts
    colours: tuple[str, ...]
    #: whether reports begin with a cover
    has_cover: bool = False


_BLUES = ("#1F3864", "#2E75B6", "#C55A11", "#7F7F7F", "#548235", "#BF9000", "#7030A0", "#A5A5A5")
LOOKS = {
    Template.DEFAULT: Look(
        "Calibri", 11, {"bg_color": "#E7E6E6", "bottom": 1}, "#1F4E79", ("#2E75B6", *_BLUES[2:])
    ),
    Template.CORPORATE: Look(
        "Arial", 10, {"bg_color": "#1F3864", "font_color": "#FFFFFF"}, "#1F3864", _BLUES,
        has_cover=True,
    ),
    Template.MINIMAL: Look(
        "Calibri", 10, {"bottom": 2}, "#404040", ("#404040", "#7F7F7F", "#A6A6A6", "#262626")
    ),
}  # fmt: skip


class Styles:
    """The formats of one workbook. Attributes are the numbers that cells name them by."""

    def __init__(self, workbook: Workbook, template: Template, currency: str) -> None:
        self._workbook = workbook
        self._currency = currency
        self._made: dict[tuple[tuple[str, Any], ...], Format] = {}
        self.look = LOOKS[template]
        # A little away from the numbers on their left.
        self.text = self.index(align="left", indent=1)
        self.quoted = self.index(align="left", indent=1, quote_prefix=True)
        # LibreOffice shows 0 and 1 for truth values that have the style of the texts beside them.
        self.truth = self.index(align="center", num_format=TRUTH)
        self.date = self.index(align="center", num_format=DATE)
        self.moment = self.index(align="center", num_format=MOMENT)
        self.time = self.index(align="center", num_format=TIME)

    def number_of(self, field: Field) -> int:
        """The format of a column's numbers."""
        return self.index(num_format=self.number_format(field))

    def number_format(self, field: Field) -> str:
        """How the numbers of a column are written."""
        if field.is_mark:
            return PLAIN if field.kind is ValueKind.INTEGER else "General"
        if field.is_amount:
            return self.amount_format
        return INTEGER if field.kind is ValueKind.INTEGER else NUMBER

    @property
    def amount_format(self) -> str:
        """How sums of money are written."""
        sign = _SIGNS.get(self._currency, self._currency)
        before = f'"{sign}{" " if sign.isascii() and sign.isalpha() else ""}"' if sign else ""
        return f"{before}#,##0.00;[Red]-{before}#,##0.00"

    def format(self, **properties: Any) -> Format:
        """A format of this look; the same for the same properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            font = {"font_name": self.look.font, "font_size": self.look.size}
            self._made[key] = self._workbook.add_format({**font, **properties})
        return self._made[key]

    def index(self, **properties: Any) -> int:
        """The number that a cell names a format by."""
        number: int = self.format(**properties)._get_xf_index()  # noqa: SLF001  # for our own cells
        return number

    @property
    def header(self) -> Format:
        """The format of headers above texts."""
        return self.format(bold=True, valign="vcenter", align="left", indent=1, **self.look.header)

    @property
    def number_header(self) -> Format:
        """The format of headers above numbers."""
        return self.format(bold=True, valign="vcenter", align="right", **self.look.header)

    def header_of(self, field: Field) -> Format:
        """The format of a column's header, which stands as its values do."""
        if field.kind in NUMBERS:
            return self.number_header
        if field.kind in MOMENTS | {ValueKind.TIME, ValueKind.BOOLEAN}:
            return self.format(bold=True, valign="vcenter", align="center", **self.look.header)
        return self.header

    @property
    def title(self) -> Format:
        """The format of headings above what is no table."""
        return self.format(bold=True, font_size=self.look.size + 5, font_color=self.look.colour)
