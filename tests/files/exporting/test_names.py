"""Names of files and sheets."""

import pytest

from headrace_server.files.exporting.names import content_type, file_name, sheet_name
from headrace_server.model.export import ExportFormat, ExportOutput

XLSX, CSV = ExportOutput(), ExportOutput(format=ExportFormat.CSV)


@pytest.mark.parametrize(
    ("wanted", "output", "name"),
    [
        ("customers", XLSX, "customers.xlsx"),
        ("customers.XLSX", XLSX, "customers.xlsx"),
        ("customers.csv", XLSX, "customers.csv.xlsx"),
        ("sales", ExportOutput(format=ExportFormat.CSV, gzip=True), "sales.csv.gz"),
        ("../../etc/passwd", CSV, "_.._etc_passwd.csv"),
        ('a<b>:"c|d?*', CSV, "a_b_c_d_.csv"),
        ("line\nbreak\u202egnp", CSV, "line_break_gnp.csv"),
        ("con", CSV, "_con.csv"),
        ("  . ", CSV, "export.csv"),
        ("", CSV, "export.csv"),
        ("é" * 300, CSV, f"{'é' * 120}.csv"),
        ("a\udcff", CSV, "a_.csv"),
    ],
)
def test_files_have_names_that_every_system_takes(
    wanted: str, output: ExportOutput, name: str
) -> None:
    assert file_name(wanted, output) == name


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("Customer Data", "Customer Data"),
        ("a[b]:c*d?e/f\\g", "a b c d e f g"),
        ("'quoted'", "quoted"),
        ("History", "History_"),
        ("", "Sheet"),
        ("::", "Sheet"),
        ("x" * 40, "x" * 31),
        ("\U0001f680" * 20, "\U0001f680" * 15),
    ],
)
def test_sheets_have_names_that_excel_takes(wanted: str, name: str) -> None:
    assert sheet_name(wanted, []) == name


def test_sheets_of_one_name_have_numbers() -> None:
    taken = ["DATA", "data (2)"]
    assert sheet_name("Data", taken) == "Data (3)"
    assert sheet_name("y" * 31, ["y" * 31]) == f"{'y' * 27} (2)"
    assert sheet_name("Data", ["Data"], 3) == "Data (3)"


def test_each_format_has_its_media_type() -> None:
    assert content_type(CSV) == "text/csv; charset=utf-8"
    assert content_type(ExportOutput(format=ExportFormat.CSV, gzip=True)) == "application/gzip"
    assert content_type(XLSX).endswith("spreadsheetml.sheet")
