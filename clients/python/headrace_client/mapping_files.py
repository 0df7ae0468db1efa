"""Mappings read from a file: the documented request, a list, or one mapping a line."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from headrace.v1.mapping_pb2 import Mapping
from headrace.v1.priority_pb2 import Priority


class MappingFileError(ValueError):
    """A file that holds no mappings, with where and why."""


@dataclass(frozen=True, slots=True)
class MappingRequest:
    """What a file asks for."""

    #: the mappings, in their order
    mappings: list[Mapping]
    #: the priority that the file names; unspecified where it names none
    priority: Priority = Priority.PRIORITY_UNSPECIFIED


def read_mappings(text: str) -> MappingRequest:
    """Read `{"mappings": [...], "priority": ...}`, `[...]`, or a mapping a line.

    Raises MappingFileError.
    """
    if not text.strip():
        raise MappingFileError("the file is empty")
    try:
        document = json.loads(text)
    except ValueError as error:
        if text.lstrip()[0] != "{" or "\n" not in text.strip():
            raise MappingFileError(f"not JSON: {error}") from None
        return MappingRequest(_mappings(_lines(text), "line"))
    return _request(document)


def _request(document: object) -> MappingRequest:
    if isinstance(document, list):
        return MappingRequest(_mappings(enumerate(document, 1), "mapping"))
    if not isinstance(document, dict):
        raise MappingFileError("neither an object nor a list")
    if "mappings" not in document:
        return MappingRequest(_mappings([(1, document)], "mapping"))
    unknown = document.keys() - {"mappings", "priority"}
    if unknown:
        raise MappingFileError(f"unknown field {min(unknown)!r}: mappings and priority are known")
    listed = document["mappings"]
    if not isinstance(listed, list):
        raise MappingFileError("mappings is not a list")
    priority = _priority(document.get("priority"))
    return MappingRequest(_mappings(enumerate(listed, 1), "mapping"), priority)


def _priority(name: object) -> Priority:
    if name is None:
        return Priority.PRIORITY_UNSPECIFIED
    for priority in (Priority.HIGH, Priority.MEDIUM, Priority.LOW):
        if isinstance(name, str) and name.upper() == Priority.Name(priority):
            return priority
    raise MappingFileError(f"priority {name!r} is none of HIGH, MEDIUM and LOW")


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise MappingFileError(f"line {number}: not JSON: {error}") from None


def _mappings(numbered: Iterable[tuple[int, Any]], unit: str) -> list[Mapping]:
    """Return mappings. Raises MappingFileError for what is none, and for an id that comes twice."""
    mappings: list[Mapping] = []
    places: dict[str, int] = {}
    for number, fields in numbered:
        try:
            mapping = ParseDict(fields, Mapping())
        except (ParseError, AttributeError, TypeError) as error:
            raise MappingFileError(f"{unit} {number}: not a mapping: {error}") from None
        missing = [name for name in ("id", "source", "target") if not getattr(mapping, name)]
        if missing:
            raise MappingFileError(f"{unit} {number}: {' and '.join(missing)} missing")
        if mapping.id in places:
            first = places[mapping.id]
            raise MappingFileError(f"{unit} {number}: id {mapping.id!r} is that of {unit} {first}")
        places[mapping.id] = number
        mappings.append(mapping)
    if not mappings:
        raise MappingFileError("there is no mapping in it")
    return mappings
