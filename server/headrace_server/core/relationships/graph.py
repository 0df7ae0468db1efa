"""Which candidates hold together: one parent to a column, one hub to columns that are alike."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from headrace_server.core.relationships.features import Candidate, Features

#: tables whose keys are the same are taken for a star from so many on
_LEAST_ALIKE = 3
#: by how much the odds of a candidate rise when it is chosen, as databases show that were left out
_CHOSEN_ODDS = 2.0
#: how sure it is that equal keys refer to the one table that holds nothing else
_REGISTER = 0.85

Column = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with how likely it is, 0 to 1, and what that was told by."""

    candidate: Candidate
    features: Features
    probability: float
    #: what a model elsewhere said; None where it was not asked, or did not answer
    said_elsewhere: float | None = None

    @property
    def child(self) -> Column:
        """Table and column that refer."""
        return (self.candidate.table.name, self.candidate.column.name)

    @property
    def parent(self) -> Column:
        """Table and column that are referred to."""
        return (self.candidate.to_table.name, self.candidate.to_column.name)


def explanation(scored: Sequence[Scored]) -> list[Scored]:
    """The candidates that hold together, the likeliest of each column; by table and column."""
    stars = _stars(scored)
    judged = [_in_star(each, stars) for each in scored]
    judged.sort(key=lambda each: (-each.probability, each.child, each.parent))
    chosen: dict[Column, Scored] = {}
    for each in judged:
        if each.child not in chosen and not _closes_circle(each, chosen):
            chosen[each.child] = each
    return sorted(map(_left, chosen.values()), key=lambda each: (each.child, each.parent))


def _left(each: Scored) -> Scored:
    """With its rivals out of the way, the one that is left is likelier than it was among them."""
    odds = _CHOSEN_ODDS * each.probability / max(1e-9, 1 - each.probability)
    return replace(each, probability=odds / (1 + odds))


def _closes_circle(each: Scored, chosen: Mapping[Column, Scored]) -> bool:
    """Whether the parent column refers to the child column by now, by however many steps."""
    at: Column = each.parent
    while at in chosen:
        at = chosen[at].parent
        if at == each.child:
            return True
    return False


def _stars(scored: Sequence[Scored]) -> dict[Column, Column]:
    """The hub of each column that has the same values, each once, as columns of other tables."""
    alike: dict[Column, set[Column]] = defaultdict(set)
    columns: dict[Column, Scored] = {}
    for each in scored:
        if each.features.mutual:
            alike[each.child].add(each.parent)
            columns[each.parent] = each
    hubs: dict[Column, Column] = {}
    for child, parents in alike.items():
        registers = [p for p in {*parents, child} if p in columns and _is_register(columns[p])]
        if len(parents) + 1 >= _LEAST_ALIKE and len(registers) == 1:
            hubs[child] = registers[0]
    return hubs


def _is_register(each: Scored) -> bool:
    return bool(each.features.register)


def _in_star(each: Scored, stars: Mapping[Column, Column]) -> Scored:
    """In a star all refer to the hub, and the hub to none of them."""
    hub = stars.get(each.child)
    if hub is None or not each.features.mutual:
        return each
    if hub == each.parent:
        return replace(each, probability=max(each.probability, _REGISTER))
    return replace(each, probability=min(each.probability, 1 - _REGISTER))
