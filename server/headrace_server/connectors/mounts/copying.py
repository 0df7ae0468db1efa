"""New files of this machine, that are whole or not there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def new_file(target: Path) -> Iterator[BinaryIO]:
    """Make a file to write to; nothing is left of it where that fails."""
    with target.open("xb", buffering=0) as file:
        try:
            yield file
        except BaseException:
            target.unlink(missing_ok=True)
            raise
