"""What the columns of a file are called in a table."""

import re
from collections.abc import Sequence

from headrace_server.files.sniffing.columns import unique_names
from headrace_server.model.file_import import RESCUE_COLUMN

_MOST_BYTES = 63
#: of a number that tells names apart
_NUMBER_BYTES = 8
_NO_WORD = re.compile(r"\W+")
_EDGES = re.compile(r"^\W+|\W+$")
#: names that the service and PostgreSQL keep for themselves
_RESERVED = re.compile(rf"{RESCUE_COLUMN}|headrace|cmax|cmin|ctid|tableoid|xmax|xmin")


def table_names(sources: Sequence[str]) -> list[str]:
    """Name columns as tables do: in snake case, at most 63 bytes, each once and none reserved.

    The sources are the names in the file, none empty.
    """
    names = list(map(_snake_case, sources))
    unique = unique_names([_cut(name, _MOST_BYTES) for name in names], len(names))
    if max((len(name.encode()) for name in unique), default=0) <= _MOST_BYTES:
        return unique
    return unique_names([_cut(name, _MOST_BYTES - _NUMBER_BYTES) for name in names], len(names))


def _snake_case(source: str) -> str:
    name = _NO_WORD.sub("_", _EDGES.sub("", source.lower())) or "_"
    if name[0].isdigit():
        return f"_{name}"
    return f"{name}_" if _RESERVED.fullmatch(name) else name


def _cut(name: str, most: int) -> str:
    return name.encode()[:most].decode(errors="ignore")
