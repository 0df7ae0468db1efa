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
_RESERVED = re.compile(rf"{RESCUE_COLUMN}|headrace.*|cmax|cmin|ctid|tableoid|xmax|xmin")


def table_names(sources: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Name columns as tables do: in snake case, at most 63 bytes, each once and none reserved.

    The sources are the names in the file, none empty; taken are those of other columns.
    """
    names = list(map(_snake_case, sources))
    unique = _unique(names, _MOST_BYTES, taken)
    if max((len(name.encode()) for name in unique), default=0) <= _MOST_BYTES:
        return unique
    return _unique(names, _MOST_BYTES - _NUMBER_BYTES, taken)


def _unique(names: Sequence[str], most: int, taken: Sequence[str]) -> list[str]:
    # Of equal names the first stays as it is.
    every = [*taken, *(_cut(name, most) for name in names)]
    return unique_names(every, len(every))[len(taken) :]


def _snake_case(source: str) -> str:
    name = _NO_WORD.sub("_", _EDGES.sub("", source.lower())) or "_"
    if name[0].isdigit():
        return f"_{name}"
    return f"_{name}" if _RESERVED.fullmatch(name) else name


def _cut(name: str, most: int) -> str:
    return name.encode()[:most].decode(errors="ignore")
