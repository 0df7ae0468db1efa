"""The laws of scores."""

from dataclasses import fields, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_server.core.readiness.facts import Facts
from headrace_server.core.readiness.rule import Rule, Verdict, kept
from headrace_server.core.readiness.rule import lost as losing
from headrace_server.core.readiness.ruleset import RULES, VERSION
from headrace_server.core.readiness.samples import sample_declarations
from headrace_server.core.readiness.scoring import evaluate
from headrace_server.model.dataset import (
    BreakingChange,
    CheckKind,
    CheckOutcome,
    Declaration,
    DeclaredColumn,
    Dimension,
    Evaluation,
    Owner,
    QualityCheck,
    ReadinessStatus,
    Waiver,
)
from headrace_server.model.observation import (
    ColumnProfile,
    KeyProfile,
    Observation,
    TableProfile,
)

from .conftest import NOW, facts

NAMES = st.sampled_from(("id", "email", "legacy_code", "amount", "at"))
TEXTS = st.sampled_from(("", "x", "a sentence that is as long as it takes to tell something"))
INSTANTS = st.integers(-120, 120).map(lambda days: NOW + timedelta(days=days))
TYPES = st.sampled_from(("", "int", "varchar(3)", "thing"))
SHARES = st.floats(0, 1)
COLUMNS = st.lists(
    st.builds(DeclaredColumn, NAMES, TYPES, TEXTS, st.booleans()),
    max_size=4,
    unique_by=lambda column: column.name,
).map(tuple)
KEYS = st.lists(NAMES, max_size=2, unique=True).map(tuple)
CHECKS = st.lists(
    st.builds(QualityCheck, TEXTS, st.sampled_from(CheckKind), KEYS, st.sampled_from(CheckOutcome)),
    max_size=4,
).map(tuple)
CHANGES = st.lists(
    st.builds(BreakingChange, TEXTS, INSTANTS, st.none() | INSTANTS), max_size=3
).map(tuple)
NUMBERS = st.none() | st.integers(1, 100)
DECLARATIONS = st.builds(
    Declaration,
    st.just("a.b"),
    TEXTS,
    TEXTS,
    st.builds(Owner, TEXTS, TEXTS, TEXTS),
    TEXTS,
    TEXTS,
    st.just(()) | st.just(("tag",)),
    COLUMNS,
    KEYS,
    CHECKS,
    TEXTS,
    CHANGES,
    NUMBERS,
    st.none() | INSTANTS,
    TEXTS,
    st.just(()) | st.just(("c.d",)),
    NUMBERS,
)
PROFILES = st.builds(
    TableProfile,
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.lists(
        st.builds(ColumnProfile, NAMES, TYPES, st.booleans(), st.none() | SHARES),
        max_size=4,
        unique_by=lambda column: column.name,
    ).map(tuple),
    KEYS,
    st.booleans(),
    st.just(()) | st.just(("id -> t",)),
    st.lists(st.builds(KeyProfile, KEYS, SHARES, st.booleans()), max_size=2).map(tuple),
    st.none() | INSTANTS,
    st.integers(100, 1000),
    st.integers(0, 100),
    st.integers(0, 3),
)
SENTENCES = st.just(()) | st.just(("it changed",))
OBSERVATIONS = st.none() | st.builds(
    Observation, PROFILES, st.just(NOW), st.booleans(), SENTENCES, SENTENCES, SENTENCES
)
WAIVERS = st.lists(
    st.builds(
        Waiver,
        st.sampled_from([rule.name for rule in RULES]),
        st.just("because"),
        st.none(),
        st.just(NOW),
        INSTANTS,
    ),
    max_size=3,
)


def check_laws(evaluation: Evaluation, now: datetime) -> None:
    assert 0 <= evaluation.score <= 100
    assert evaluation.score == sum(each.score for each in evaluation.dimensions)
    assert evaluation.status is ReadinessStatus.of(evaluation.score)
    assert [each.dimension for each in evaluation.dimensions] == list(Dimension)
    for each in evaluation.dimensions:
        own = [r for r in evaluation.reasons if r.dimension is each.dimension]
        assert each.max_score - sum(reason.points for reason in own) == each.score >= 0
        assert each.not_evaluated == tuple(r.rule for r in own if r.not_evaluated)
    wins = [action.points for action in evaluation.actions]
    assert sum(wins) == 100 - evaluation.score
    assert wins == sorted(wins, reverse=True)
    assert evaluation.valid_until is None or evaluation.valid_until > now


@given(DECLARATIONS, OBSERVATIONS, WAIVERS)
def test_every_score_keeps_the_laws(
    declaration: Declaration, observation: Observation | None, waivers: list[Waiver]
) -> None:
    judged = Facts(declaration, observation, NOW)
    evaluation = evaluate(judged, waivers)
    check_laws(evaluation, NOW)
    assert evaluate(judged, waivers) == evaluation
    by_name = {rule.name: rule for rule in RULES}
    for reason in evaluation.reasons:
        assert reason.message
        if reason.not_evaluated:
            assert reason.points == by_name[reason.rule].points
        assert (reason.waived_until is not None) == (reason.points == 0)
    assert evaluation.score >= evaluate(judged).score


@given(DECLARATIONS, OBSERVATIONS, DECLARATIONS)
def test_more_metadata_lowers_no_rule_that_does_not_say_so(
    declaration: Declaration, observation: Observation | None, more: Declaration
) -> None:
    for field in fields(Declaration):
        old, new = getattr(declaration, field.name), getattr(more, field.name)
        added = old + new if isinstance(old, tuple) else new
        if added == old or (old and not isinstance(old, tuple)) or not new:
            continue
        fuller = replace(declaration, **{field.name: added})
        before = evaluate(Facts(declaration, observation, NOW))
        after = evaluate(Facts(fuller, observation, NOW))
        losses = {reason.rule: reason.points for reason in before.reasons}
        for reason in after.reasons:
            rule = next(rule for rule in RULES if rule.name == reason.rule)
            if field.name not in rule.lowered_by:
                assert reason.points <= losses.get(reason.rule, 0), (reason, field.name)


@pytest.mark.parametrize(
    ("score", "status"),
    [
        (100, ReadinessStatus.GOLD),
        (86, ReadinessStatus.GOLD),
        (85, ReadinessStatus.GOLD),
        (84, ReadinessStatus.PRODUCTION_READY),
        (71, ReadinessStatus.PRODUCTION_READY),
        (70, ReadinessStatus.PRODUCTION_READY),
        (69, ReadinessStatus.INTERNAL),
        (51, ReadinessStatus.INTERNAL),
        (50, ReadinessStatus.INTERNAL),
        (49, ReadinessStatus.DRAFT),
        (0, ReadinessStatus.DRAFT),
    ],
)
def test_thresholds(score: int, status: ReadinessStatus) -> None:
    """Of rules that leave exactly that many points."""
    left = score
    rules = []
    for rule in RULES:
        here = min(left, rule.points)
        left -= here
        gone = rule.points - here
        rules.append(replace(rule, judge=partial(_same, losing("so", gone) if gone else kept())))
    evaluation = evaluate(facts(), rules=rules)
    check_laws(evaluation, NOW)
    assert (evaluation.score, evaluation.status) == (score, status)


def _same(verdict: Verdict, _facts: Facts) -> Verdict:
    return verdict


def test_the_samples_have_their_documented_outcomes() -> None:
    outcomes = {}
    for declaration in sample_declarations(NOW):
        evaluation = evaluate(Facts(declaration, None, NOW))
        check_laws(evaluation, NOW)
        assert evaluation.rules_version == VERSION
        outcomes[declaration.full_name] = evaluation.status.name
    assert outcomes == {
        "analytics.users": "GOLD",
        "analytics.events": "PRODUCTION_READY",
        "staging.raw_logs": "DRAFT",
        "analytics.revenue": "GOLD",
        "experiments.ab_test_results": "INTERNAL",
        "analytics.page_views": "GOLD",
        "warehouse.inventory": "PRODUCTION_READY",
        "marketing.campaigns": "DRAFT",
        "analytics.conversions": "GOLD",
        "legacy.old_transactions": "DRAFT",
    }


def waiver(rule: str, days: int = 1) -> Waiver:
    return Waiver(rule, "being hired", None, NOW, NOW + timedelta(days=days))


def test_a_waiver_excuses_a_loss_until_it_ends() -> None:
    evaluation = evaluate(facts(), [waiver("owner_named")])
    assert evaluation.score == 6
    reason = evaluation.reasons[0]
    assert (reason.rule, reason.points) == ("owner_named", 0)
    assert reason.message == "nobody is named as owner (6 points waived: being hired)"
    assert reason.waived_until == evaluation.valid_until == NOW + timedelta(days=1)
    assert "owner_named" not in {action.rule for action in evaluation.actions}
    assert evaluate(facts(), [waiver("owner_named", days=0)]).score == 0


def test_a_waiver_earns_nothing_for_what_nobody_measured() -> None:
    evaluation = evaluate(facts(), [waiver("checks_pass")])
    (reason,) = [each for each in evaluation.reasons if each.rule == "checks_pass"]
    assert (reason.points, reason.waived_until) == (5, None)
    assert reason.message.endswith("(the waiver does not help: nothing was measured)")


def test_a_score_says_when_time_alone_may_change_it() -> None:
    updated: dict[str, Any] = {"freshness_hours": 2, "last_updated_at": NOW - timedelta(hours=1)}
    assert evaluate(facts(**updated)).valid_until == NOW + timedelta(hours=1)
    planned = BreakingChange("x", NOW + timedelta(minutes=5))
    assert evaluate(facts(breaking_changes=(planned,))).valid_until == planned.effective_at
    past = BreakingChange("x", NOW - timedelta(days=80))
    until = evaluate(facts(breaking_changes=(past,))).valid_until
    assert until == NOW + timedelta(days=10)
    assert evaluate(facts()).valid_until is None


def test_a_rule_cannot_take_more_than_it_has() -> None:
    greedy = Rule("greedy", Dimension.OPERATIONS, 10, "stop", lambda facts: losing("so", 99))
    assert evaluate(facts(), rules=[greedy]).dimensions[-1].score == 0
