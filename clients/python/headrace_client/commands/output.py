"""How results are printed: tables for people, a JSON document per line for programs."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_PIPED_WIDTH = 200


def as_dict(message: Message) -> dict[str, Any]:
    """Return a message as the REST interface prints it: snake_case names, zeros included."""
    fields: dict[str, Any] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return fields


def when(message: Message, field: str) -> str:
    """Return a timestamp field in the local time zone; a dash where it is absent."""
    if not message.HasField(field):
        return "-"
    value: Timestamp = getattr(message, field)
    return value.ToDatetime(UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def size_text(size: float) -> str:
    """Return a number of bytes in the unit that fits."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004  # the step of the units
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


class Output:
    """Where results go: standard output, for people or, with `json`, for programs."""

    def __init__(self, *, json: bool) -> None:
        self.json = json
        console = Console(highlight=False)
        if not console.is_terminal:  # nobody wants a pipe's lines broken at 80
            console = Console(highlight=False, width=_PIPED_WIDTH)
        self.console = console
        #: progress bars and remarks, which are no results
        self.remarks = Console(stderr=True, highlight=False)

    def document(self, document: Message | dict[str, Any]) -> None:
        """Print one JSON document on one line."""
        fields = as_dict(document) if isinstance(document, Message) else document
        print(json.dumps(fields, ensure_ascii=False), flush=True)  # noqa: T201  # the result

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[str]], *, markup: bool = False
    ) -> None:
        """Print a table; columns named with a leading `>` are numbers. Cells may be `markup`."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            number = column.startswith(">")
            table.add_column(
                column.lstrip(">"), justify="right" if number else "left", overflow="fold"
            )
        for row in rows:
            table.add_row(*(row if markup else map(escape, row)))
        self.console.print(table)

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Print names with values, one a line; values may be markup."""
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for name, value in pairs:
            table.add_row(name, value)
        self.console.print(table)

    def say(self, text: str) -> None:
        """Print a sentence for people; nothing for programs. May be markup."""
        if not self.json:
            self.console.print(text)
