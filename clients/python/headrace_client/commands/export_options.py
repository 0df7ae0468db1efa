"""The options of commands that export."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from headrace.v1.export_pb2 import Export

from headrace_client.exports import ExportOptions


class FormatName(Enum):
    """The names of the formats, as typed."""

    XLSX = "xlsx"
    CSV = "csv"
    PARQUET = "parquet"


class TemplateName(Enum):
    """The names of the templates, as typed."""

    DEFAULT = "default"
    CORPORATE = "corporate"
    MINIMAL = "minimal"


#: the file that stands for standard output
STANDARD_OUTPUT = Path("-")

_FORMATS: dict[FormatName, Export.Format] = {
    FormatName.XLSX: Export.XLSX,
    FormatName.CSV: Export.CSV,
    FormatName.PARQUET: Export.PARQUET,
}
_TEMPLATES: dict[TemplateName, Export.Template] = {
    TemplateName.DEFAULT: Export.DEFAULT,
    TemplateName.CORPORATE: Export.CORPORATE,
    TemplateName.MINIMAL: Export.MINIMAL,
}

TargetOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE",
        help="Where the file goes, - for standard output; here, under the name that the server "
        "gives it, if not given.",
    ),
]  # fmt: skip
FormatOption = Annotated[
    FormatName | None,
    typer.Option(
        "--format", case_sensitive=False,
        help="What kind of file it is; by the name of FILE. If that has no ending xlsx, and csv "
        "for standard output, unless something of a workbook is asked for.",
    ),
]  # fmt: skip
ChartsOption = Annotated[
    bool, typer.Option("--charts", help="Add a sheet of charts to a workbook.")
]
SummaryOption = Annotated[
    bool, typer.Option("--summary", help="Add a sheet of figures on each column.")
]
MaxRowsOption = Annotated[
    int | None, typer.Option(min=1, max=10_000_000, help="The most rows; 1,000,000.")
]
SectionRowsOption = Annotated[
    int | None, typer.Option(min=1, max=10_000_000, help="The most rows of a section; 100,000.")
]
TemplateOption = Annotated[
    TemplateName | None, typer.Option(case_sensitive=False, help="How a workbook looks.")
]
CurrencyOption = Annotated[
    str, typer.Option(help="The currency of amounts in a workbook, such as EUR.")
]
SheetNameOption = Annotated[str, typer.Option(help="What the sheet of the rows is called.")]
EscapeOption = Annotated[
    bool,
    typer.Option("--escape-formulas", help="Put ' before texts of a CSV that look like formulas."),
]
KeepHoursOption = Annotated[
    int | None, typer.Option(min=1, max=168, help="Hours that the server keeps the file; 24.")
]

#: options that only a workbook has a place for
_OF_WORKBOOKS = {"include_charts", "include_summary", "template", "currency", "sheet_name"}


def export_options(
    target: Path | None,
    file_format: FormatName | None,
    *,
    piped: FormatName = FormatName.CSV,
    **given: Any,
) -> ExportOptions:
    """Return what the options say of a file; what was not given is left out.

    The format follows from the name of the file where none is given; on standard output it is
    `piped`. Raises typer.BadParameter.
    """
    options = {name: value for name, value in given.items() if value}
    if "template" in options:
        options["template"] = _TEMPLATES[options["template"]]
    if target == STANDARD_OUTPUT:
        file_format = file_format or (FormatName.XLSX if _OF_WORKBOOKS & options.keys() else piped)
    elif target is not None:
        file_format, packed = _format_of(target, file_format)
        options["file_name"] = target.name.partition(".")[0] or target.name
        if packed:
            options["compression"] = Export.GZIP
    if file_format is not None:
        options["format"] = _FORMATS[file_format]
    return cast("ExportOptions", options)


def checked(target: Path | None) -> None:
    """Raise typer.BadParameter for a file that cannot be written where it should go."""
    if target is not None and not target.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {target.parent}", param_hint="--output")
    if target is not None and target.is_dir():
        raise typer.BadParameter(f"{target} is a folder", param_hint="--output")


def _format_of(target: Path, given: FormatName | None) -> tuple[FormatName | None, bool]:
    """Return the format of a file to be written, and whether it is packed."""
    checked(target)
    packed = target.suffix == ".gz"
    extension = (target.with_suffix("") if packed else target).suffix.lstrip(".").lower()
    told = next((each for each in FormatName if each.value == extension), None)
    if extension and told is None and given is None:
        known = "xlsx, csv, csv.gz and parquet"
        raise typer.BadParameter(
            f"{target}: files are {known}, not {extension}", param_hint="--output"
        )
    if told is not None and given not in {None, told}:
        raise typer.BadParameter(f"{target} is not named as {given.value}", param_hint="--format")
    if packed and (given or told) != FormatName.CSV:
        raise typer.BadParameter("only a csv can be packed with gzip", param_hint="--output")
    return given or told, packed
