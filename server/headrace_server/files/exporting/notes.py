"""What a file does not hold as the warehouse does: counted by column, told in sentences."""

from collections import Counter
from enum import Enum


class Note(Enum):
    """What happened to values; the value says it."""

    LONG_NUMBER = "of more than 15 digits are texts, because Excel would round them"
    NOT_FINITE = "that are no number or infinite are texts: NaN, Infinity, -Infinity"
    EARLY = "before March 1900 are texts, because Excel has no such dates"
    SHORTENED = "of more than 32767 characters, which a cell does not hold, end early with …"


class Notes:
    """Counts what happened."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Note]] = Counter()
        self._said: list[str] = []

    def count(self, column: str, note: Note) -> None:
        """Count one value of a column."""
        self._counts[column, note] += 1

    def say(self, sentence: str) -> None:
        """Tell something else."""
        self._said.append(sentence)

    @property
    def sentences(self) -> tuple[str, ...]:
        """All that there is to tell."""
        counted = (
            f"{column}: {count} value{'' if count == 1 else 's'} {note.value}"
            for (column, note), count in self._counts.items()
        )
        return (*self._said, *counted)
