"""What is known of a pair of columns of which one may refer to the other, in numbers."""

import math
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from headrace_server.core.relationships.names import Name, Names
from headrace_server.model.relationship import ColumnFacts, Kind, TableFacts

#: different values beyond which more of them prove no more
_ENOUGH = 50
#: inclusion that counts as whole among rivals
_WHOLE = 0.999


@dataclass(frozen=True, slots=True)
class Candidate:
    """A column, and a unique one that has nearly all its values."""

    table: TableFacts
    column: ColumnFacts
    to_table: TableFacts
    to_column: ColumnFacts
    #: share of the different values that are found
    inclusion: float
    #: whether all values were looked up, not some
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Features:
    """All that the model judges a candidate by. Child is the column, parent the unique one."""

    #: share of the child's different values that the parent has
    inclusion: float
    #: share of the parent's values that the child has
    coverage: float
    #: where in the parent's order the child begins and how far it reaches, 0 to 1
    begins: float
    ends: float
    #: mean distance of the child's values in the parent's order from values taken by chance
    distance: float
    #: logarithms of the different values and the rows
    child_distinct: float
    parent_rows: float
    row_ratio: float
    #: logarithm of the rows to each of the child's values
    repeats: float
    child_unique: float
    #: whether both have the same values, each once
    mutual: float
    nulls: float
    top_share: float
    is_text: float
    is_date: float
    #: difference of the texts' mean lengths, of the longer
    length_gap: float
    #: how little the inclusion can be by chance, given the gaps between the parent's numbers
    surprise: float
    #: logarithm of the parent's least number
    parent_begins: float
    parent_first: float
    #: unique columns before the parent in its table
    parent_turn: float
    child_first: float
    #: whether the child is what its own table is told apart by
    child_is_key: float
    #: logarithm of the columns of the parent's table; whether there is nothing but the key
    parent_columns: float
    register: float
    same_table: float
    #: how clearly the child's name names the parent's table, the parent, and any other table
    names_table: float
    names_column: float
    names_other: float
    #: how much more clearly than any other candidate of the child
    name_lead: float
    #: how clearly the child's name names its own table
    names_own: float
    #: whether the names are marked as those of keys, and alike
    child_marked: float
    parent_marked: float
    same_name: float
    #: whether the parent is named after its table, or has a bare mark for a name
    parent_named: float
    #: logarithm of the parents that would do as well
    rivals: float
    #: logarithm of other tables' columns of the child's name
    namesakes: float
    #: whether the child's coverage is the best of its candidates
    best_coverage: float

    def vector(self) -> list[float]:
        """The numbers in the order of `FEATURES`."""
        return [getattr(self, name) for name in FEATURES]


FEATURES = tuple(field.name for field in fields(Features))


def names_of(tables: Sequence[TableFacts]) -> Names:
    """Understand the names of tables and columns."""
    columns = {table.name: [column.name for column in table.columns] for table in tables}
    keys = [(table.name, c.name) for table in tables for c in table.columns if c.unique]
    return Names(columns, keys)


def with_values(features: Features, exact: Candidate) -> Features:
    """The features of a candidate once all its values were looked up."""
    return replace(
        features,
        inclusion=exact.inclusion,
        coverage=_coverage(exact),
        mutual=float(exact.column.unique and _coverage(exact) >= _WHOLE),
        child_distinct=math.log1p(exact.column.distinct),
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """What the candidates of one column have in common, and the best of them."""

    #: how clearly the column's name names each table
    pointing: Mapping[str, float]
    #: the clearest name and the next, the best coverage
    clearest: float
    next_clearest: float
    coverage: float
    #: candidates with all values
    whole: int


def features_of(
    candidates: Sequence[Candidate], tables: Sequence[TableFacts], names: Names
) -> list[Features]:
    """Describe candidates, each beside the others of its column; the tables are all there are."""
    by_child: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for each in candidates:
        by_child[each.table.name, each.column.name].append(each)
    groups = {child: _group(some, names) for child, some in by_child.items()}
    namesakes = Counter(c.name.lower() for table in tables for c in table.columns)
    return [
        _features(each, groups[each.table.name, each.column.name], names, namesakes)
        for each in candidates
    ]


def _group(candidates: Sequence[Candidate], names: Names) -> _Group:
    first = candidates[0]
    pointing = {
        table: names.pointing(first.table.name, first.column.name, table) for table in names.tables
    }
    clear = sorted((_clear(names, each, pointing) for each in candidates), reverse=True)
    return _Group(
        pointing,
        clear[0],
        clear[1] if len(clear) > 1 else 0.0,
        max(map(_coverage, candidates)),
        sum(each.inclusion >= _WHOLE for each in candidates),
    )


def _features(each: Candidate, group: _Group, names: Names, namesakes: Counter[str]) -> Features:
    table, child, to_table, parent = each.table, each.column, each.to_table, each.to_column
    present = max(1, table.rows - child.nulls)
    begins, ends, distance = placed(child, parent)
    coverage = _coverage(each)
    clear = _clear(names, each, group.pointing)
    unique_before = [c for c in to_table.columns[: parent.position] if c.unique]
    name, parent_name = names.columns[table.name, child.name], _name(names, each)
    own = [c for c in table.columns if c.unique][:1]
    return Features(
        inclusion=each.inclusion,
        coverage=coverage,
        begins=begins,
        ends=ends,
        distance=distance,
        child_distinct=math.log1p(child.distinct),
        parent_rows=math.log1p(to_table.rows),
        row_ratio=math.log((table.rows + 1) / (to_table.rows + 1)),
        repeats=math.log(present / max(1, child.distinct)),
        child_unique=float(child.unique),
        mutual=float(child.unique and coverage >= _WHOLE),
        nulls=child.nulls / max(1, table.rows),
        top_share=child.top_share,
        is_text=float(child.kind is Kind.TEXT),
        is_date=float(child.kind is Kind.DATE),
        length_gap=abs(child.mean_length - parent.mean_length)
        / max(child.mean_length, parent.mean_length, 1.0),
        surprise=_surprise(child, parent),
        parent_begins=math.log1p(max(0, parent.minimum or 0)),
        parent_first=float(parent.position == 0),
        parent_turn=float(len(unique_before)),
        child_first=float(child.position == 0),
        child_is_key=float(child in own),
        parent_columns=math.log(len(to_table.columns)),
        register=float(len(to_table.columns) == 1),
        same_table=float(table.name == to_table.name),
        names_table=group.pointing[to_table.name],
        names_column=names.pointing_at_column(table.name, child.name, to_table.name, parent.name),
        names_other=_names_other(each, group.pointing),
        name_lead=clear - (group.next_clearest if clear == group.clearest else group.clearest),
        names_own=group.pointing[table.name],
        child_marked=float(bool(name.marks)),
        parent_marked=float(bool(parent_name.marks)),
        same_name=float(bool(name.words) and name == parent_name),
        parent_named=max(
            float(not parent_name.words),
            names.pointing(to_table.name, parent.name, to_table.name),
        ),
        rivals=math.log1p(group.whole - (each.inclusion >= _WHOLE)),
        namesakes=math.log(namesakes[child.name.lower()]),
        best_coverage=float(coverage >= group.coverage),
    )


def _name(names: Names, each: Candidate) -> Name:
    return names.columns[each.to_table.name, each.to_column.name]


def _clear(names: Names, each: Candidate, pointing: Mapping[str, float]) -> float:
    """How clearly a child's name names its parent, by the table or by the column."""
    ends = each.table.name, each.column.name, each.to_table.name
    return max(pointing[each.to_table.name], names.pointing_at_column(*ends, each.to_column.name))


def _names_other(each: Candidate, pointing: Mapping[str, float]) -> float:
    """How clearly the child's name names a table that is neither its own nor the parent's."""
    own = {each.table.name, each.to_table.name}
    return max((clear for table, clear in pointing.items() if table not in own), default=0.0)


def _coverage(each: Candidate) -> float:
    found = each.column.distinct * each.inclusion
    return min(1.0, found / max(1, each.to_column.distinct))


def placed(child: ColumnFacts, parent: ColumnFacts) -> tuple[float, float, float]:
    """Where the child's values lie in the parent's order: from, to, and how far from chance.

    All 0 to 1. What refers to a table mostly refers to any of its rows, so that its values lie as
    if drawn by lot; a number that merely happens to be small enough lies at the beginning.
    """
    places = [_place(value, parent.sample) for value in child.sample]
    if not places:
        return 0.0, 0.0, 1.0
    steps = len(places)
    distance = sum(abs(p - (n + 0.5) / steps) for n, p in enumerate(places)) / steps
    return places[0], places[-1], 2 * distance


def _place(value: Any, known: Sequence[Any]) -> float:
    below, through = bisect_left(known, value), bisect_right(known, value)
    return (below + through) / 2 / max(1, len(known))


def _surprise(child: ColumnFacts, parent: ColumnFacts) -> float:
    values = min(child.distinct, _ENOUGH)
    if parent.minimum is None or parent.maximum is None:
        return math.log1p(values)
    density = parent.distinct / (parent.maximum - parent.minimum + 1)
    return math.log1p(values * -math.log(min(1.0, density)))
