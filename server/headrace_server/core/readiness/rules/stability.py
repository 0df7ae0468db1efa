"""Stability: whether what readers rely on stays as it is, and changes are managed."""

from datetime import datetime, timedelta

from headrace_server.core.readiness.facts import Facts, failed, listed, names_of, told
from headrace_server.core.readiness.rule import DimensionRules, Verdict, kept, lost, not_evaluated
from headrace_server.model.dataset import BreakingChange, CheckKind, Dimension

RULES = DimensionRules(Dimension.STABILITY)

_TRACK = "Declare the version of the schema, and each breaking change"
_COMPARE = "Load the table once more, or run a quality check for it and declare how it ended"
#: how long readers suffer from a breaking change
_RECENT = timedelta(days=90)
#: how long before they must be told
_NOTICE = timedelta(days=14)


@RULES.rule(4, "Declare the version of the schema that readers rely on")
def versioned(facts: Facts) -> Verdict:
    if told(facts.declared.version) or _is_managed(facts):
        return kept()
    return lost("its schema has no version")


@RULES.rule(8, "Let 90 days pass without a breaking change", lowered_by="breaking_changes")
def no_breaking_changes(facts: Facts) -> Verdict:
    if not _changes_are_known(facts):
        return not_evaluated("nobody keeps track of its changes", _TRACK)
    recent, until = _recent_changes(facts)
    if not recent:
        return kept(until)
    said = listed([change.description for change in recent])
    return lost(f"{len(recent)} breaking changes in 90 days: {said}", 4 * len(recent), until=until)


@RULES.rule(3, "Announce breaking changes 14 days before", lowered_by="breaking_changes")
def changes_announced(facts: Facts) -> Verdict:
    if not _changes_are_known(facts):
        return not_evaluated("nobody keeps track of its changes", _TRACK)
    recent, until = _recent_changes(facts)
    sudden = [change.description for change in recent if not _was_announced(change)]
    if not sudden:
        return kept(until)
    return lost(f"not announced 14 days before: {listed(sudden)}", until=until)


@RULES.rule(3, "Bring back what readers rely on, or declare the change", lowered_by="checks")
def schema_stable(facts: Facts) -> Verdict:
    return _stable(
        facts,
        CheckKind.SCHEMA,
        facts.observation.schema_breaks if facts.observation else (),
        "nobody compared the schema of two loads",
    )


@RULES.rule(2, "Find out why the values look otherwise than before", lowered_by="checks")
def distribution_stable(facts: Facts) -> Verdict:
    return _stable(
        facts,
        CheckKind.DISTRIBUTION,
        facts.observation.distribution_shifts if facts.observation else (),
        "nobody compared the values of two loads",
    )


def _stable(facts: Facts, kind: CheckKind, seen: tuple[str, ...], unknown: str) -> Verdict:
    if seen:
        return lost(f"since the load before: {listed(seen)}")
    checks = facts.checks(kind)
    if bad := failed(checks):
        return lost(f"failed: {names_of(bad)}")
    compared = facts.observation is not None and facts.observation.compared
    return kept() if compared or checks else not_evaluated(unknown, _COMPARE)


def _is_managed(facts: Facts) -> bool:
    """Whether a contract declares the table: then its schema has versions."""
    return facts.seen is not None and facts.seen.contracted


def _changes_are_known(facts: Facts) -> bool:
    declared = facts.declared
    return told(declared.version) or bool(declared.breaking_changes) or _is_managed(facts)


def _recent_changes(facts: Facts) -> tuple[list[BreakingChange], datetime | None]:
    """The changes that readers still suffer from, and when their number changes next."""
    changes = facts.declared.breaking_changes
    recent = [c for c in changes if facts.now - _RECENT < c.effective_at <= facts.now]
    moments = [c.effective_at for c in changes if c.effective_at > facts.now]
    moments += [c.effective_at + _RECENT for c in recent]
    return recent, min(moments, default=None)


def _was_announced(change: BreakingChange) -> bool:
    told = change.announced_at
    return told is not None and change.effective_at - told >= _NOTICE
