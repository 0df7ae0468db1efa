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
        help="What kind of file it is; by the name of FILE, xlsx if that does not tell.",
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


def export_options(
    target: Path | None, file_format: FormatName | None, **given: Any
) -> ExportOptions:
    """Return what the options say of a file; what was not given is left out.

    The format follows from the name of the file where none is given. Raises typer.BadParameter.
    """
    options = {name: value for name, value in given.items() if value}
    if "template" in options:
        options["template"] = _TEMPLATES[options["template"]]
    if target is not None and str(target) != "-":
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
    if told is not None and given not in {None, told}:
        raise typer.BadParameter(f"{target} is not named as {given.value}", param_hint="--format")
    if packed and (given or told) != FormatName.CSV:
        raise typer.BadParameter("only a csv can be packed with gzip", param_hint="--output")
    return given or told, packed
