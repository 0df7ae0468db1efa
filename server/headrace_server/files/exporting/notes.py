"""What a file does not hold as the warehouse does: counted by column, told in sentences."""

from collections import Counter
from enum import Enum


class Note(Enum):
    """What happened to values; the value says it."""

    LONG_NUMBER = "whole numbers of more than 15 digits are texts, because Excel would round them"
    ROUNDED = "fractions are rounded to 15 digits, because Excel holds no more"
    NOT_FINITE = "what is no number or infinite is a text: NaN, Infinity, -Infinity"
    EARLY = "dates before March 1900 are texts, because Excel has no such dates"
    SHORTENED = "texts end with … after 32767 characters, because a cell holds no more"


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
            f"{column}: {note.value} ({count} value{'' if count == 1 else 's'})"
            for (column, note), count in self._counts.items()
        )
        return (*self._said, *counted)
