"""How results are printed: tables for people, a JSON document per line for programs."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC
from typing import Any, Literal

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.markup import escape
from rich.table import Table

# Wider than any line; rich measures within a width.
_WIDEST = 1_000_000


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


class Output:
    """Where results go: standard output, for people or, with `json`, for programs."""

    def __init__(self, *, json: bool, typed: str = "") -> None:
        self.json = json
        self._typed = typed
        console = Console(highlight=False)
        if not console.is_terminal:  # a pipe's lines are as long as they come
            console = Console(highlight=False, width=_WIDEST)
        self.console = console
        #: whether results go to a terminal, as text
        self.for_people = console.is_terminal and not json
        #: progress bars and remarks, which are no results
        self.remarks = Console(stderr=True, highlight=False)

    def command(self, words: str) -> str:
        """Return a command for the next step, with the connection options of this one."""
        return f"headrace {words}{self._typed}"

    def document(self, document: Message | dict[str, Any], *, indent: int | None = None) -> None:
        """Print one JSON document, on one line if not indented."""
        fields = as_dict(document) if isinstance(document, Message) else document
        text = json.dumps(fields, ensure_ascii=False, indent=indent)
        print(text, flush=True)  # noqa: T201  # the result

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        markup: bool = False,
        spare: Sequence[str] = (),
    ) -> None:
        """Print a table; columns named with a leading `>` are numbers. Cells may be `markup`.

        On a narrow terminal the `spare` columns go, the first of them first, and then the table
        becomes a block a row: no cell is cut or wrapped.
        """
        cells = [tuple(row if markup else map(escape, row)) for row in rows]
        shown = list(columns)
        gone = iter(spare)
        while (width := self._width(table := _table(columns, shown, cells))) > self.console.width:
            unneeded = next(gone, None)
            if unneeded is None:
                for row in cells:
                    self.facts(zip((name.lstrip(">") for name in columns), row, strict=True))
                    self.line("")
                return
            shown.remove(unneeded)
        self.console.print(table, width=width)

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Print names with values, one a line; values may be markup."""
        listed = list(pairs)
        widest = max(len(name) for name, _ in listed)
        for name, value in listed:
            self.line(f"[bold]{escape(name.ljust(widest))}[/] {value}")

    def line(self, text: str) -> None:
        """Print a line, however long it is. May be markup."""
        self.console.print(text, soft_wrap=True)

    def say(self, text: str) -> None:
        """Print a sentence for people; nothing for programs. May be markup."""
        if not self.json:
            self.line(text)

    def _width(self, table: Table) -> int:
        unbounded = self.console.options.update(max_width=_WIDEST)
        return table.__rich_measure__(self.console, unbounded).maximum


def _table(columns: Sequence[str], shown: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in shown:
        justify: Literal["left", "right"] = "right" if column.startswith(">") else "left"
        table.add_column(column.lstrip(">"), justify=justify, no_wrap=True)
    kept = [columns.index(column) for column in shown]
    for row in rows:
        table.add_row(*(row[place] for place in kept))
    return table
