"""Files out of a multipart/form-data body (RFC 7578), as they stream by."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from headrace_server.model.errors import InvalidFieldError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FORM = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class PartBegin:
    """A part begins; file_name is None for a plain form field."""

    name: str
    file_name: str | None


@dataclass(frozen=True, slots=True)
class PartData:
    """Bytes of the part that began last."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnd:
    """The part that began last is whole."""


PartEvent = PartBegin | PartData | PartEnd


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary of a multipart/form-data content type, None for any other type.

    Raises InvalidFieldError for a form without a boundary.
    """
    kind, options = parse_options_header(content_type)
    if kind != FORM.encode():
        return None
    boundary = options.get(b"boundary")
    if not boundary:
        raise InvalidFieldError.of("content-type", "multipart/form-data needs its boundary")
    return boundary


@dataclass(slots=True)
class _Events:
    """Collects what the parser's callbacks say between two reads."""

    pending: list[PartEvent] = field(default_factory=list)
    header_name: bytearray = field(default_factory=bytearray)
    header_value: bytearray = field(default_factory=bytearray)
    disposition: dict[bytes, bytes] = field(default_factory=dict)
    ended: bool = False

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self.disposition.clear,
            "on_header_field": self.on_header_field,
            "on_header_value": self.on_header_value,
            "on_header_end": self.on_header_end,
            "on_headers_finished": self.on_headers_finished,
            "on_part_data": self.on_part_data,
            "on_part_end": self.on_part_end,
            "on_end": self.on_end,
        }

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self.header_name += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self.header_value += data[start:end]

    def on_header_end(self) -> None:
        if bytes(self.header_name).lower() == b"content-disposition":
            _, self.disposition = parse_options_header(bytes(self.header_value))
        self.header_name.clear()
        self.header_value.clear()

    def on_headers_finished(self) -> None:
        name = self.disposition.get(b"name", b"").decode("utf-8", "replace")
        file_name = self.disposition.get(b"filename")
        self.pending.append(
            PartBegin(name, None if file_name is None else file_name.decode("utf-8", "replace"))
        )

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self.pending.append(PartData(data[start:end]))

    def on_part_end(self) -> None:
        self.pending.append(PartEnd())

    def on_end(self) -> None:
        self.ended = True

    def take(self) -> list[PartEvent]:
        taken, self.pending = self.pending, []
        return taken


async def parts(body: AsyncIterator[bytes], boundary: bytes) -> AsyncIterator[PartEvent]:
    """Yield what a form consists of, in order. Raises InvalidFieldError where it is broken."""
    events = _Events()
    parser = MultipartParser(boundary, events.callbacks())
    try:
        async for data in body:
            parser.write(data)
            for event in events.take():
                yield event
    except MultipartParseError as error:
        raise InvalidFieldError.of("body", f"not a multipart/form-data body: {error}") from error
    if not events.ended:
        raise InvalidFieldError.of("body", "the form ends before its closing boundary")
