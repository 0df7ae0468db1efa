"""Operational metadata: when data comes, where from, and for how long it stays."""

from datetime import datetime, timedelta

from headrace_server.core.readiness.facts import Facts, told
from headrace_server.core.readiness.rule import DimensionRules, Verdict, kept, lost, not_evaluated
from headrace_server.model.dataset import Dimension

RULES = DimensionRules(Dimension.OPERATIONS)


@RULES.rule(4, "Declare how old the newest data may be, and keep to it")
def fresh(facts: Facts) -> Verdict:
    hours = facts.declared.freshness_hours
    if hours is None:
        return not_evaluated("nobody said how fresh it must be")
    updated_at = _updated_at(facts)
    if updated_at is None:
        return not_evaluated("nobody knows when it was last updated")
    left = timedelta(hours=hours) - max(facts.now - updated_at, timedelta(0))
    if left > timedelta(0):
        return kept(facts.now + left)
    return lost(
        "its newest data is older than declared",
        declared=f"at most {hours} hours old",
        observed=f"last updated {updated_at:%Y-%m-%d %H:%M} UTC",
    )


def _updated_at(facts: Facts) -> datetime | None:
    """What was observed counts for more than what is declared."""
    seen = facts.seen
    return (seen.updated_at if seen else None) or facts.declared.last_updated_at


@RULES.rule(2, "Declare when new data comes")
def scheduled(facts: Facts) -> Verdict:
    return (
        kept() if told(facts.declared.update_schedule) else lost("nobody said when new data comes")
    )


@RULES.rule(2, "Declare what it is made from")
def lineage_declared(facts: Facts) -> Verdict:
    return kept() if told(*facts.declared.upstreams) else lost("nobody said what it is made from")


@RULES.rule(2, "Declare for how many days its rows are kept")
def retention_declared(facts: Facts) -> Verdict:
    known = facts.declared.retention_days is not None
    return kept() if known else lost("nobody said for how long its rows are kept")
