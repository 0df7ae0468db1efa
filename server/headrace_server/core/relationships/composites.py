"""References of several columns at once, told by those of each."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import product

from headrace_server.core.relationships.gathering import LEAST_INCLUSION, columns_of
from headrace_server.core.relationships.graph import Column, Scored
from headrace_server.core.relationships.names import Names
from headrace_server.model.relationship import (
    DetectionMethod,
    Kind,
    Relationship,
    RelationshipType,
    TableFacts,
)
from headrace_server.warehouse.base import Warehouse

#: pairs of a table and another's composite key that are looked up
_MOST_LOOKED_UP = 50
#: references of one column that are as likely are taken for given
_LIKELY = 0.5


async def composite_references(
    warehouse: Warehouse, tables: Sequence[TableFacts], chosen: Sequence[Scored], names: Names
) -> list[Relationship]:
    """Columns that refer, each for itself, to what the parts of a composite key refer to.

    As sure as the least sure of them.
    """
    targets = {each.child: each for each in chosen if each.probability >= _LIKELY}
    found = []
    asked = 0
    for parent, child in product(tables, tables):
        for key in parent.composite_keys:
            columns = _matching(child, parent, key, targets, names)
            if not columns or asked == _MOST_LOOKED_UP:
                continue
            asked += 1
            relationship = await _looked_up(warehouse, child, columns, parent, key, targets)
            found += [relationship] if relationship else []
    return found


def _matching(
    child: TableFacts,
    parent: TableFacts,
    key: Sequence[str],
    targets: dict[Column, Scored],
    names: Names,
) -> list[str]:
    """The child's column for each part of the key; none where one is missing."""
    if child.name == parent.name or child.rows == 0:
        return []
    columns = [_part(child, parent, part, targets, names) for part in key]
    return [c for c in columns if c] if all(columns) and len(set(columns)) == len(key) else []


def _part(
    child: TableFacts,
    parent: TableFacts,
    part: str,
    targets: dict[Column, Scored],
    names: Names,
) -> str:
    """The only column of the child that refers where the part does, or is named as it is."""
    target = targets.get((parent.name, part))
    wanted = names.columns[parent.name, part]
    kind = parent.column(part).kind
    fitting: dict[bool, list[str]] = defaultdict(list)
    for column in child.columns:
        if column.kind is not kind or column.kind is Kind.OTHER:
            continue
        own = targets.get((child.name, column.name))
        refers = target is not None and own is not None and own.parent == target.parent
        if refers or (
            target is None and own is None and names.columns[child.name, column.name] == wanted
        ):
            fitting[refers].append(column.name)
    best = fitting[True] or fitting[False]
    return best[0] if len(best) == 1 else ""


async def _looked_up(
    warehouse: Warehouse,
    child: TableFacts,
    columns: Sequence[str],
    parent: TableFacts,
    key: Sequence[str],
    targets: dict[Column, Scored],
) -> Relationship | None:
    parts = [child.column(column) for column in columns]
    looked_up = await warehouse.inclusion(
        columns_of(child, *parts),
        (parent.schema, parent.name, tuple(key)),
        as_text=any(part.kind is not Kind.INTEGER for part in parts),
    )
    share = 1 - looked_up.missing / max(1, looked_up.distinct)
    if share < LEAST_INCLUSION:
        return None
    sure = [targets[child.name, c].probability for c in columns if (child.name, c) in targets]
    unique = looked_up.distinct == looked_up.rows
    words = f"{share:.1%} of {looked_up.distinct} different combinations are in {parent.name}"
    return Relationship(
        child.name,
        tuple(columns),
        parent.name,
        tuple(key),
        RelationshipType.ONE_TO_ONE if unique else RelationshipType.MANY_TO_ONE,
        round(min([share, *sure]), 4),
        DetectionMethod.VALUE_INCLUSION,
        evidence=(words, "the columns are unique together there"),
    )
