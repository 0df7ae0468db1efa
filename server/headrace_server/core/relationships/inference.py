"""Finds how tables belong together: what is declared first, then what names and values tell."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from itertools import combinations

from headrace_server.core.relationships.composites import composite_references
from headrace_server.core.relationships.evidence import by_rules, relationship
from headrace_server.core.relationships.features import (
    Candidate,
    Features,
    features_of,
    names_of,
    with_values,
)
from headrace_server.core.relationships.gathering import LEAST_INCLUSION, candidates, looked_up
from headrace_server.core.relationships.graph import Column, Scored, explanation
from headrace_server.core.relationships.model import Model
from headrace_server.core.relationships.names import Names
from headrace_server.core.relationships.side_by_side import side_by_side
from headrace_server.model.relationship import (
    Decisions,
    DetectionMethod,
    Edge,
    Relationship,
    RelationshipType,
    TableFacts,
)
from headrace_server.warehouse.base import Warehouse

#: candidates of one column that are looked up with all their values, if they are likely enough
_MOST_LOOKED_UP, _LEAST_LIKELY = 3, 0.02
#: columns beside its two references that a junction has at most
_MOST_BESIDES = 4
#: between which a candidate is doubtful
_DOUBTFUL = (0.3, 0.95)

UNDECIDED = Decisions()

#: judges doubtful candidates once more; returns what is likely then
Judge = Callable[[Sequence[Scored]], Awaitable[Sequence[Scored]]]


class Inference:
    """Infers the relationships of tables whose facts were gathered."""

    def __init__(self, model: Model, judge: Judge | None = None) -> None:
        """Judge by the model; doubtful candidates by `judge` too, where there is one."""
        self._model = model
        self._judge = judge

    async def infer(
        self,
        warehouse: Warehouse,
        tables: Sequence[TableFacts],
        *,
        use_ai: bool,
        decisions: Decisions = UNDECIDED,
    ) -> list[Relationship]:
        """All relationships, however unsure, by their tables and columns.

        What was rejected is none, and another may take its place; what was accepted is one.
        """
        declared = _settled(declared_relationships(tables), tables, decisions)
        taken = {(r.from_table, r.from_columns[0]) for r in declared if len(r.from_columns) == 1}
        names = names_of(tables)
        pairs = await candidates(warehouse, tables)
        scored = await asyncio.to_thread(self._scored, pairs, tables, names, use_ai)
        scored = await self._verified(warehouse, scored, use_ai=use_ai)
        if use_ai and self._judge:
            scored = await self._judged(scored, self._judge)
        open_ = [each for each in scored if edge_of(each.candidate) not in decisions.rejected]
        chosen = [each for each in explanation(open_) if each.child not in taken]
        inferred = [relationship(each, use_ai=use_ai) for each in chosen]
        several = await composite_references(warehouse, tables, chosen, names)
        edges = {each.edge for each in declared}
        found = [*inferred, *(each for each in several if each.edge not in edges), *declared]
        joined = junctions(tables, found)
        left = {e.edge: e for e in [*joined, *found] if e.edge not in decisions.rejected}
        return [left[edge] for edge in sorted(left)]

    async def _verified(
        self, warehouse: Warehouse, scored: Sequence[Scored], *, use_ai: bool
    ) -> list[Scored]:
        """Look up all values of candidates, the likeliest of each column first, until one holds.

        Columns that have the same values, each once, are all looked up: they make a star.
        """
        groups: dict[Column, list[Scored]] = defaultdict(list)
        for each in sorted(scored, key=lambda each: -each.probability):
            groups[each.child].append(each)
        judged = self._judgement(use_ai)

        async def held(group: Sequence[Scored]) -> list[Scored]:
            return await _held(warehouse, group, judged)

        return [each for some in await side_by_side(held, groups.values()) for each in some]

    def _judgement(self, use_ai: bool) -> Callable[[Features], float]:
        return self._model.probability if use_ai else by_rules

    def _scored(
        self, pairs: Sequence[Candidate], tables: Sequence[TableFacts], names: Names, use_ai: bool
    ) -> list[Scored]:
        judged = self._judgement(use_ai)
        features = features_of(pairs, tables, names)
        return [Scored(c, f, judged(f)) for c, f in zip(pairs, features, strict=True)]

    async def _judged(self, scored: Sequence[Scored], judge: Judge) -> list[Scored]:
        low, high = _DOUBTFUL
        doubtful = [each for each in scored if low <= each.probability <= high]
        sure = [each for each in scored if not low <= each.probability <= high]
        return [*sure, *(await judge(doubtful) if doubtful else ())]


async def _held(
    warehouse: Warehouse, group: Sequence[Scored], judged: Callable[[Features], float]
) -> list[Scored]:
    """The candidates of one column that hold, the likeliest first."""
    found: list[Scored] = []
    asked, sure = 0, False
    for each in group:
        worth_it = not sure and asked < _MOST_LOOKED_UP and each.probability >= _LEAST_LIKELY
        if each.candidate.exact:
            found.append(each)
        elif each.features.mutual or worth_it:
            asked += 1
            exact = await looked_up(warehouse, each.candidate)
            if exact.inclusion >= LEAST_INCLUSION:
                features = with_values(each.features, exact)
                found.append(Scored(exact, features, judged(features)))
                sure = True
    return found


def edge_of(pair: Candidate) -> Edge:
    """The edge that a candidate is."""
    return Edge(pair.table.name, (pair.column.name,), pair.to_table.name, (pair.to_column.name,))


def _settled(
    declared: Sequence[Relationship], tables: Sequence[TableFacts], decisions: Decisions
) -> list[Relationship]:
    """The declared and the accepted, where their tables and columns are there; not the rejected."""
    columns = {(table.name, column.name) for table in tables for column in table.columns}
    settled = {each.edge: each for each in declared if each.edge not in decisions.rejected}
    known = {table.name: table for table in tables}
    for edge, type_ in decisions.accepted.items():
        ends = {(edge.from_table, c) for c in edge.from_columns if not edge.through}
        ends |= {(edge.to_table, c) for c in edge.to_columns if not edge.through}
        if ends <= columns and {edge.from_table, edge.to_table} <= known.keys():
            settled[edge] = _confirmed(edge, type_, known[edge.from_table])
    return list(settled.values())


def _confirmed(edge: Edge, type_: RelationshipType | None, table: TableFacts) -> Relationship:
    unique = not edge.through and _is_unique(table, edge.from_columns)
    told = RelationshipType.ONE_TO_ONE if unique else RelationshipType.MANY_TO_ONE
    if edge.through:
        told = RelationshipType.MANY_TO_MANY
    return Relationship(
        edge.from_table,
        edge.from_columns,
        edge.to_table,
        edge.to_columns,
        type_ or told,
        1.0,
        DetectionMethod.CONFIRMED,
        through=edge.through,
        evidence=("somebody accepted it",),
    )


def declared_relationships(tables: Sequence[TableFacts]) -> list[Relationship]:
    """The foreign keys between the tables."""
    known = {(table.schema, table.name): table for table in tables}
    return [
        Relationship(
            table.name,
            reference.columns,
            reference.to_table,
            reference.to_columns,
            RelationshipType.ONE_TO_ONE
            if _is_unique(table, reference.columns)
            else RelationshipType.MANY_TO_ONE,
            1.0,
            DetectionMethod.FOREIGN_KEY_CONSTRAINT,
            evidence=("a foreign key is declared",),
        )
        for table in tables
        for reference in table.references
        if (reference.to_schema, reference.to_table) in known
    ]


def _is_unique(table: TableFacts, columns: tuple[str, ...]) -> bool:
    """Whether columns are declared, or seen, to be unique together."""
    if set(columns) == set(table.primary_key):
        return True
    if len(columns) == 1:
        return table.column(columns[0]).unique and bool(table.rows)
    return any(set(key) == set(columns) for key in table.composite_keys)


def junctions(tables: Sequence[TableFacts], found: Sequence[Relationship]) -> list[Relationship]:
    """Tables that two others are joined through: two references, unique together, little else."""
    joined = []
    for table in tables:
        single = [
            each
            for each in found
            if each.from_table == table.name
            and len(each.from_columns) == 1
            and each.type is RelationshipType.MANY_TO_ONE
        ]
        for one, other in combinations(single, 2):
            if _joins(table, one, other):
                joined.append(_through(table, one, other))
    return joined


def _joins(table: TableFacts, one: Relationship, other: Relationship) -> bool:
    if one.to_table == other.to_table or len(table.columns) > 2 + _MOST_BESIDES:
        return False
    both = {*one.from_columns, *other.from_columns}
    return any(set(key) == both for key in (table.primary_key, *table.composite_keys))


def _through(table: TableFacts, one: Relationship, other: Relationship) -> Relationship:
    columns = f"{one.from_columns[0]} and {other.from_columns[0]}"
    return Relationship(
        one.to_table,
        one.to_columns,
        other.to_table,
        other.to_columns,
        RelationshipType.MANY_TO_MANY,
        min(one.confidence, other.confidence),
        min((one, other), key=lambda each: each.confidence).method,
        through=table.name,
        evidence=(f"{table.name} refers to both by {columns}, which are unique together",),
    )
