"""Queries that have passed the guard."""

import bisect
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GuardedQuery:
    """One query that only reads."""

    #: as it runs: the words that were read, without comments; on SQLite `schema.table` is one name
    sql: str
    #: "postgresql" or "sqlite"
    dialect: str
    #: tables it reads as (schema, name), in order; "public" where no schema is given. Names are as
    #: PostgreSQL keeps them; SQLite's as they are written, in whatever case
    tables: tuple[tuple[str, str], ...]
    #: functions it calls, in small letters unless quoted, in order
    functions: tuple[str, ...]
    #: where the words begin in `sql`, with their lines and columns as they came
    _places: tuple[tuple[int, int, int], ...] = field(repr=False, default=())

    def place(self, offset: int) -> tuple[int | None, int | None]:
        """Line and column, both from 1 and as they came, of an offset in `sql`, from 0.

        None where that is not known.
        """
        number = bisect.bisect_right(self._places, (offset, 1 << 62, 0)) - 1
        _, line, column = self._places[number] if number >= 0 else (0, None, None)
        return line, column
