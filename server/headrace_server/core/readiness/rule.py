"""What a rule is, and how one is added: a function in the module of its dimension."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from headrace_server.core.readiness.facts import Facts
from headrace_server.model.dataset import MAX_SCORES, Dimension


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule makes of the facts."""

    #: points taken away; None for all that the rule has
    lost: int | None = 0
    #: why; empty where nothing is lost
    message: str = ""
    #: False where nothing could be measured: then all points are lost
    evaluated: bool = True
    #: what is declared, where what was observed contradicts it
    declared: str | None = None
    observed: str | None = None
    #: what wins the points back, where it is not what the rule says
    action: str | None = None
    #: when time alone may change the verdict; None for never
    until: datetime | None = None


Judge = Callable[[Facts], Verdict]


def kept(until: datetime | None = None) -> Verdict:
    """Nothing is lost."""
    return Verdict(until=until)


def lost(
    message: str,
    points: int | None = None,
    *,
    declared: str | None = None,
    observed: str | None = None,
    until: datetime | None = None,
) -> Verdict:
    """Points are lost, all of the rule's if no number is given."""
    return Verdict(points, message, declared=declared, observed=observed, until=until)


def not_evaluated(message: str, action: str | None = None) -> Verdict:
    """Nothing could be measured; `action` says how it can be, where the rule's own does not."""
    return Verdict(None, message, evaluated=False, action=action)


@dataclass(frozen=True, slots=True)
class Rule:
    """One criterion of a dimension."""

    #: unique among all rules; waivers name it
    name: str
    dimension: Dimension
    #: the most that it gives, and takes
    points: int
    #: what wins its points back
    action: str
    judge: Judge
    #: fields of the declaration that may cost points when more is declared
    lowered_by: frozenset[str] = frozenset()
    #: raised when it judges otherwise than before
    version: int = 1


class DimensionRules:
    """The rules of one dimension; together they have exactly its points."""

    def __init__(self, dimension: Dimension) -> None:
        self.dimension = dimension
        self._rules: list[Rule] = []

    def rule(
        self, points: int, action: str, *, lowered_by: str = "", version: int = 1
    ) -> Callable[[Judge], Judge]:
        """Make a function a rule of its name; `lowered_by` names fields, parted by blanks."""

        def add(judge: Judge) -> Judge:
            fields = frozenset(lowered_by.split())
            name = judge.__name__
            self._rules.append(Rule(name, self.dimension, points, action, judge, fields, version))
            return judge

        return add

    def complete(self) -> tuple[Rule, ...]:
        """Return the rules. Raises ValueError where their points are not the dimension's."""
        points = sum(rule.points for rule in self._rules)
        if points != MAX_SCORES[self.dimension]:
            raise ValueError(
                f"the rules of {self.dimension.name} have {points} points, "
                f"not {MAX_SCORES[self.dimension]}"
            )
        return tuple(self._rules)
