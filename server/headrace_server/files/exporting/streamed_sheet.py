"""A sheet of many rows, written as they come."""

from collections.abc import Sequence

from xlsxwriter.worksheet import Worksheet

from headrace_server.model.errors import TooLargeError

#: rows of one sheet, the header among them
MOST_ROWS = 1_048_576
#: bytes of a sheet before it is packed; Excel reads no larger ones without loss
MOST_BYTES = 4_000_000_000
_GIGABYTE = 10**9


class StreamedSheet(Worksheet):  # type: ignore[misc]  # it has no types
    """A worksheet of XlsxWriter in constant memory that takes rows of cells that are XML already.

    What goes through XlsxWriter itself, the header, must come before.
    """

    def append_rows(self, columns: Sequence[Sequence[str]]) -> None:
        """Add rows; `columns` has the cells of each column in turn, for the rows `next_rows`."""
        numbers = self.next_rows(len(columns[0]))
        # What XlsxWriter has not yet written down, which is the row before the first.
        self._write_single_row(numbers.stop)
        rows = zip(numbers, zip(*columns, strict=True), strict=True)
        self.row_data_fh.write("".join([f'<row r="{n}">{"".join(row)}</row>' for n, row in rows]))
        self.dim_rowmax = numbers.stop - 2
        if self.row_data_fh.buffer.tell() > MOST_BYTES:
            raise TooLargeError(
                f"a sheet exceeds {MOST_BYTES // _GIGABYTE} GB before it is packed: ask for fewer"
                " rows or columns, or for CSV or Parquet",
                limit=str(MOST_BYTES),
            )

    def next_rows(self, count: int) -> range:
        """The numbers, from 1, of the next rows."""
        start = self.dim_rowmax + 2
        return range(start, start + count)

    @property
    def room(self) -> int:
        """How many more rows it takes."""
        return MOST_ROWS - (self.dim_rowmax + 1)
