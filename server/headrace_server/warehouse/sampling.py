"""Parts of tables that stand for the whole."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """A part of a table, spread over it; or all of it."""

    #: what stands behind FROM, under the alias `s`
    relation: str
    #: whether it is the whole table
    whole: bool = True
    #: expression of the place that a row lies in
    place: str = "NULL"
    #: places in the table; those of the part are counted
    places: int = 0
    #: rows of the table, where they were counted
    rows: int | None = None

    def rows_of(self, sampled: int, places: int) -> int:
        """About how many rows the table has, when the part has so many, in so many places."""
        if self.whole or self.rows is not None:
            return self.rows or sampled
        return round(sampled * self.places / max(1, places))
