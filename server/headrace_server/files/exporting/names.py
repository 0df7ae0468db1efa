"""Names of files and sheets: what people call them, less what systems refuse."""

import re
from collections.abc import Iterable

from headrace_server.model.export import ExportOutput

#: characters of a file's name without extension, and UTF-16 units of a sheet's
_LONGEST_FILE, LONGEST_SHEET = 120, 31
_REFUSED_IN_FILES = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]+')
_REFUSED_IN_SHEETS = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]+")
#: what Windows takes for devices, whatever the extension
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?$", re.IGNORECASE)
#: what Excel keeps for itself
_RESERVED = "history"


def file_name(wanted: str, output: ExportOutput) -> str:
    """The name of a file with its extension; one that was given with it has it once."""
    extension = f".{output.format.value}{'.gz' if output.gzip else ''}"
    stem = _REFUSED_IN_FILES.sub("_", wanted.encode(errors="replace").decode()).strip(" .")
    if stem.lower().endswith(extension):
        stem = stem[: -len(extension)].rstrip(" .")
    if _DEVICES.match(stem):
        stem = f"_{stem}"
    return f"{stem[:_LONGEST_FILE].rstrip(' .') or 'export'}{extension}"


def content_type(output: ExportOutput) -> str:
    """The media type of a file."""
    if output.gzip:
        return "application/gzip"
    return {
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "csv": "text/csv; charset=utf-8",
        "parquet": "application/vnd.apache.parquet",
    }[output.format.value]


def sheet_name(wanted: str, taken: Iterable[str], number: int = 1) -> str:
    """A name for another sheet of a workbook; from the second of a name on each has a number."""
    base = _REFUSED_IN_SHEETS.sub(" ", wanted).strip().strip("'").strip() or "Sheet"
    if base.lower() == _RESERVED:
        base += "_"
    others = {name.lower() for name in taken}
    while True:
        mark = f" ({number})" if number > 1 else ""
        name = f"{_shortened(base, LONGEST_SHEET - len(mark))}{mark}"
        if name.lower() not in others:
            return name
        number += 1


def _shortened(text: str, most: int) -> str:
    """The beginning of a text, of so many UTF-16 units at most."""
    while len(text.encode("utf-16-le")) // 2 > most:
        text = text[:-1]
    return text.strip().strip("'").strip()
