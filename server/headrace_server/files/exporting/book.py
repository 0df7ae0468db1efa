"""A workbook that is being written, and what all of its sheets have in common."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Any
from zipfile import ZipFile

from xlsxwriter import Workbook
from xlsxwriter import workbook as workbooks
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.worksheet import Worksheet

from headrace_server.files.exporting.cells import escaped_for_cell
from headrace_server.files.exporting.looks import Styles
from headrace_server.files.exporting.messages import FilePlan
from headrace_server.files.exporting.names import sheet_name
from headrace_server.files.exporting.notes import Notes
from headrace_server.model.export import Scalar

_A4 = 9
#: of zlib
_LEVEL = 3
#: characters of a printed head at most, of which some are marks
_LONGEST_HEAD = 200


@contextmanager
def _packing_lightly() -> Iterator[None]:
    """Have XlsxWriter pack faster than it does by itself: the file grows by a tenth."""
    before = workbooks.ZipFile
    workbooks.ZipFile = partial(ZipFile, compresslevel=_LEVEL)
    try:
        yield
    finally:
        workbooks.ZipFile = before


class Book:
    """A workbook in constant memory: of each sheet, rows come from above to below."""

    def __init__(self, plan: FilePlan) -> None:
        self.workbook = Workbook(
            str(plan.path),
            {
                "constant_memory": True,
                "tmpdir": str(plan.path.parent),
                "strings_to_formulas": False,
                "strings_to_urls": False,
            },
        )
        self.plan = plan
        self.styles = Styles(self.workbook, plan.output.template, plan.output.currency)
        self.notes = Notes()
        #: names of the sheets, in order
        self.sheets: list[str] = []
        made_at = plan.made_at.replace(tzinfo=None)
        self.workbook.set_properties({"title": plan.title, "created": made_at})

    def add_sheet(
        self, heading: str, *, number: int = 1, kind: type[Worksheet] | None = None
    ) -> Any:
        """Add a sheet that is called as near to the heading as may be; ready to be printed."""
        name = sheet_name(heading, self.sheets, number)
        self.sheets.append(name)
        sheet = self.workbook.add_worksheet(name, worksheet_class=kind)
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.8, bottom=0.8)
        head = (self.plan.title or heading)[:_LONGEST_HEAD].replace("&", "&&")
        sheet.set_header(f"&L{head}")
        sheet.set_footer("&L&A&RPage &P of &N")
        return sheet

    def write(self, sheet: Any, row: int, column: int, value: Scalar | datetime) -> None:
        """Write a value that is no part of a table."""
        styles = self.styles
        if isinstance(value, bool):
            sheet.write_boolean(row, column, value, styles.format(align="right"))
        elif isinstance(value, int | float):
            whole = value == int(value)
            number = styles.format(num_format="#,##0" if whole else "#,##0.00####")
            sheet.write_number(row, column, value, number)
        elif value is not None:
            text = escaped_for_cell(str(value))
            sheet.write_string(row, column, text, styles.format(valign="top"))

    def close(self) -> None:
        """Write the file. Raises OSError where the disk refuses it."""
        try:
            with _packing_lightly():
                self.workbook.close()
        except FileCreateError as error:
            raise error.args[0] from error

    def abandon(self) -> None:
        """Close what is open, and write nothing more."""
        for sheet in self.workbook.worksheets():
            # What it has not yet written has no place on a full disk.
            with suppress(OSError):
                sheet.row_data_fh.close()
