"""The scoring engine: facts in, a score with all that explains it out. Pure."""

from collections.abc import Iterable, Sequence

from headrace_server.core.readiness.facts import Facts
from headrace_server.core.readiness.rule import Rule, Verdict
from headrace_server.core.readiness.ruleset import RULES, VERSION
from headrace_server.model.dataset import (
    MAX_SCORES,
    Action,
    Dimension,
    DimensionScore,
    Evaluation,
    ReadinessStatus,
    Reason,
    Waiver,
)


def evaluate(
    facts: Facts,
    waivers: Iterable[Waiver] = (),
    rules: Sequence[Rule] = RULES,
    version: str = VERSION,
) -> Evaluation:
    """Score a dataset; a dimension's score is its most points less those of its reasons."""
    valid = {waiver.rule: waiver for waiver in waivers if waiver.expires_at > facts.now}
    judged = [(rule, rule.judge(facts)) for rule in rules]
    losses = [(rule, verdict) for rule, verdict in judged if verdict.lost != 0]
    reasons = tuple(_reason(rule, verdict, valid.get(rule.name)) for rule, verdict in losses)
    dimensions = tuple(_dimension_score(dimension, reasons) for dimension in Dimension)
    score = sum(dimension.score for dimension in dimensions)
    moments = [verdict.until for _, verdict in judged if verdict.until is not None]
    moments += [waiver.expires_at for waiver in valid.values()]
    return Evaluation(
        score=score,
        status=ReadinessStatus.of(score),
        dimensions=dimensions,
        reasons=reasons,
        actions=_actions(losses, reasons),
        rules_version=version,
        valid_until=min(moments, default=None),
    )


def _reason(rule: Rule, verdict: Verdict, waiver: Waiver | None) -> Reason:
    points = rule.points if verdict.lost is None else min(verdict.lost, rule.points)
    message = verdict.message
    # What nobody measured earns nothing, whoever excuses it.
    excused = waiver is not None and verdict.evaluated
    if waiver is not None:
        message += (
            f" ({points} points waived: {waiver.justification})"
            if excused
            else " (the waiver does not help: nothing was measured)"
        )
    return Reason(
        dimension=rule.dimension,
        rule=rule.name,
        points=0 if excused else points,
        message=message,
        not_evaluated=not verdict.evaluated,
        declared=verdict.declared,
        observed=verdict.observed,
        waived_until=waiver.expires_at if waiver and excused else None,
    )


def _dimension_score(dimension: Dimension, reasons: Iterable[Reason]) -> DimensionScore:
    own = [reason for reason in reasons if reason.dimension is dimension]
    most = MAX_SCORES[dimension]
    return DimensionScore(
        dimension,
        most - sum(reason.points for reason in own),
        most,
        tuple(reason.rule for reason in own if reason.not_evaluated),
    )


def _actions(
    losses: Iterable[tuple[Rule, Verdict]], reasons: Iterable[Reason]
) -> tuple[Action, ...]:
    """What wins the points back that were lost, most first."""
    actions = [
        Action(reason.dimension, reason.rule, reason.points, verdict.action or rule.action)
        for (rule, verdict), reason in zip(losses, reasons, strict=True)
        if reason.points
    ]
    return tuple(sorted(actions, key=lambda action: -action.points))
