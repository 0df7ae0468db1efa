"""Data quality: what checks and loads tell about the values."""

from headrace_server.core.readiness.facts import (
    Facts,
    failed,
    listed,
    names_of,
    percent,
    unique_keys,
)
from headrace_server.core.readiness.rule import DimensionRules, Verdict, kept, lost, not_evaluated
from headrace_server.model.dataset import CheckKind, CheckOutcome, Dimension
from headrace_server.model.observation import TableProfile
from headrace_server.model.row_counts import left_out_texts

RULES = DimensionRules(Dimension.DATA_QUALITY)

_LOOK = "Load the table with Headrace, or run a quality check for it and declare how it ended"
_OBSERVE = "Observe the dataset, or run a quality check for it and declare how it ended"
#: checks that earn all points; the first earns 2, each other 1
_ENOUGH_CHECKS = 4
#: share of nulls beyond which a column tells little
_MOSTLY_NULL = 0.5
#: shares of rejected rows beyond which 2 and 3 points go; any costs 1
_SOME_REJECTS, _MANY_REJECTS = 0.01, 0.05


@RULES.rule(5, f"Define {_ENOUGH_CHECKS} quality checks or more")
def checks_defined(facts: Facts) -> Verdict:
    enforced = _enforced(facts.seen)
    count = len(facts.declared.checks) + len(enforced)
    if not count:
        return lost("no quality check is defined")
    missing = max(0, _ENOUGH_CHECKS - count)
    if not missing:
        return kept()
    by_contract = f" ({listed(enforced)} by the contract)" if enforced else ""
    return lost(f"{count} quality checks are defined{by_contract}", missing)


def _enforced(seen: TableProfile | None) -> list[str]:
    """What the contract checks of every row."""
    if seen is None:
        return []
    return [
        what
        for what, applies in (
            ("required columns", any(not column.nullable for column in seen.columns)),
            ("primary key", bool(seen.primary_key)),
            ("references", bool(seen.references)),
        )
        if applies
    ]


@RULES.rule(5, "Mend what the failing checks found, and run them again", lowered_by="checks")
def checks_pass(facts: Facts) -> Verdict:
    run = [c for c in facts.declared.checks if c.outcome is not CheckOutcome.NOT_RUN]
    if not run:
        return not_evaluated(
            "no result of a quality check is known",
            "Run the quality checks and declare how they ended",
        )
    bad = failed(run)
    if not bad:
        return kept()
    message = f"{len(bad)} of {len(run)} quality checks failed: {names_of(bad)}"
    return lost(message, -(-5 * len(bad) // len(run)))


@RULES.rule(3, "Fill the nulls, or allow them where they belong", lowered_by="checks")
def complete(facts: Facts) -> Verdict:
    checks = facts.checks(CheckKind.NOT_NULL)
    for name in _required(facts):
        seen = facts.seen_columns.get(name)
        if seen and seen.null_rate:
            return lost(
                f"column {name} has nulls",
                declared=f"{name} is not null",
                observed=f"{percent(seen.null_rate)} nulls",
            )
    if bad := failed(checks):
        return lost(f"checks for nulls failed: {names_of(bad)}")
    rates = [c for c in facts.seen_columns.values() if c.null_rate is not None]
    if not rates and not checks:
        return not_evaluated("nobody looked for nulls", _LOOK)
    empty = [c for c in rates if c.null_rate and c.null_rate > _MOSTLY_NULL]
    if empty:
        return lost(f"{names_of(empty)}: more nulls than values", len(empty))
    return kept()


def _required(facts: Facts) -> list[str]:
    """Columns that a check declares to have no nulls."""
    checks = [c for c in facts.declared.checks if c.kind is CheckKind.NOT_NULL]
    return sorted({name for check in checks for name in check.columns or facts.seen_columns})


@RULES.rule(
    3, "Remove the duplicates, or declare the key that is one", lowered_by="checks primary_key"
)
def unique(facts: Facts) -> Verdict:
    declared = unique_keys(facts.declared)
    keys = [k for k in facts.seen.keys if k.enforced or k.columns in declared] if facts.seen else []
    for key in keys:
        if key.duplicate_rate:
            names = ", ".join(key.columns)
            return lost(
                f"{names}: not as unique as declared",
                declared=f"{names} is unique",
                observed=f"{percent(key.duplicate_rate)} duplicates",
            )
    checks = facts.checks(CheckKind.UNIQUE)
    if bad := failed(checks):
        return lost(f"checks for duplicates failed: {names_of(bad)}")
    looked_at = [k.columns for k in keys] + [c.columns for c in checks]
    if not looked_at:
        return not_evaluated("nobody looked for duplicates", _LOOK)
    # What is unique stays so with any column more.
    unknown = [k for k in sorted(declared) if not any(set(k).issuperset(one) for one in looked_at)]
    if unknown:
        return not_evaluated(f"nobody looked for duplicates of {', '.join(unknown[0])}", _OBSERVE)
    return kept()


@RULES.rule(4, "Mend the rejected rows and bring the missing parents", lowered_by="checks")
def valid(facts: Facts) -> Verdict:
    checks = facts.checks(
        CheckKind.ACCEPTED_VALUES, CheckKind.RANGE, CheckKind.FORMAT, CheckKind.REFERENCE
    )
    if bad := failed(checks):
        return lost(f"checks of values failed: {names_of(bad)}")
    seen = facts.seen
    if seen is None or not (seen.rows_read or seen.rows_parked):
        return kept() if checks else not_evaluated("nobody looked at the values", _LOOK)
    rate = seen.rows_rejected / max(1, seen.rows_read)
    points = (rate > 0) + (rate > _SOME_REJECTS) + (rate > _MANY_REJECTS) + (seen.rows_parked > 0)
    said = [f"{percent(rate)} of the latest load's rows are rejected"] if rate else []
    said += left_out_texts(0, seen.rows_parked)
    return lost(" and ".join(said), points) if points else kept()
