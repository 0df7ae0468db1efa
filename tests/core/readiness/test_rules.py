"""What each rule takes, and why."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from headrace_server.core.readiness.facts import Facts, family_of, percent
from headrace_server.core.readiness.rule import DimensionRules, Rule, kept
from headrace_server.core.readiness.ruleset import RULES, RULES_BY_NAME, version_of
from headrace_server.core.readiness.scoring import evaluate
from headrace_server.model.dataset import (
    MAX_SCORES,
    BreakingChange,
    CheckKind,
    CheckOutcome,
    DeclaredColumn,
    Dimension,
    Owner,
    QualityCheck,
)
from headrace_server.model.observation import ColumnProfile, KeyProfile

from .conftest import NOW, facts, seen

PASSED, FAILED = CheckOutcome.PASSED, CheckOutcome.FAILED
A = DeclaredColumn("a", "int", "what it is")


def lost(rule: str, judged: Facts) -> int | str:
    """The points that a rule takes; "unknown" where it could not measure."""
    verdict = RULES_BY_NAME[rule].judge(judged)
    assert bool(verdict.message) == (verdict.lost != 0)
    if not verdict.evaluated:
        assert verdict.lost is None
        return "unknown"
    points = RULES_BY_NAME[rule].points
    return points if verdict.lost is None else min(verdict.lost, points)


def check(kind: CheckKind, outcome: CheckOutcome = PASSED, *columns: str) -> QualityCheck:
    return QualityCheck(f"{kind.value} {outcome.value}", kind, columns, outcome)


def change(days_ago: int, notice: int | None = None) -> BreakingChange:
    at = NOW - timedelta(days=days_ago)
    told = None if notice is None else at - timedelta(days=notice)
    return BreakingChange("a column went", at, told)


@pytest.mark.parametrize(
    ("rule", "declared", "points"),
    [
        ("owner_named", {}, 6),
        ("owner_named", {"owner": Owner("Ada")}, 0),
        ("owner_team", {"owner": Owner("Ada")}, 4),
        ("owner_contact", {"owner": Owner(contact="#ada")}, 0),
        ("steward_named", {"steward": "Bo"}, 0),
        ("described", {}, 6),
        ("described", {"description": "x" * 39}, 3),
        ("described", {"description": "x" * 40}, 0),
        ("columns_described", {}, "unknown"),
        ("columns_described", {"columns": (A, DeclaredColumn("b"))}, 4),
        ("columns_described", {"columns": (A,) * 99 + (DeclaredColumn("b"),)}, 1),
        ("documentation_linked", {"documentation_url": "https://x"}, 0),
        ("tagged", {}, 2),
        ("columns_declared", {}, 3),
        ("types_declared", {}, "unknown"),
        ("types_declared", {"columns": (A, DeclaredColumn("b"))}, 3),
        ("key_declared", {}, 4),
        ("key_declared", {"primary_key": ("a",)}, 0),
        ("no_legacy_columns", {}, "unknown"),
        ("no_legacy_columns", {"columns": (A, DeclaredColumn("Old_Name"))}, 3),
        ("no_legacy_columns", {"columns": (DeclaredColumn("b", deprecated=True),) * 2}, 5),
        ("no_legacy_columns", {"columns": (DeclaredColumn("older"), DeclaredColumn("bold"))}, 0),
        ("checks_defined", {}, 5),
        ("checks_defined", {"checks": (check(CheckKind.CUSTOM),)}, 3),
        ("checks_defined", {"checks": (check(CheckKind.CUSTOM),) * 4}, 0),
        ("checks_pass", {"checks": (check(CheckKind.CUSTOM, CheckOutcome.NOT_RUN),)}, "unknown"),
        ("checks_pass", {"checks": (check(CheckKind.CUSTOM),)}, 0),
        ("checks_pass", {"checks": (check(CheckKind.CUSTOM), check(CheckKind.RANGE, FAILED))}, 3),
        ("complete", {"checks": (check(CheckKind.NOT_NULL),)}, 0),
        ("complete", {"checks": (check(CheckKind.NOT_NULL, FAILED),)}, 3),
        ("complete", {}, "unknown"),
        ("unique", {}, "unknown"),
        ("unique", {"checks": (check(CheckKind.UNIQUE),)}, 0),
        ("unique", {"checks": (check(CheckKind.UNIQUE, FAILED),)}, 3),
        ("valid", {}, "unknown"),
        ("valid", {"checks": (check(CheckKind.RANGE),)}, 0),
        ("valid", {"checks": (check(CheckKind.REFERENCE, FAILED),)}, 4),
        ("versioned", {"version": "1"}, 0),
        ("versioned", {}, 4),
        ("no_breaking_changes", {}, "unknown"),
        ("no_breaking_changes", {"version": "1"}, 0),
        ("no_breaking_changes", {"breaking_changes": (change(1),)}, 4),
        ("no_breaking_changes", {"breaking_changes": (change(1), change(89), change(2))}, 8),
        ("no_breaking_changes", {"breaking_changes": (change(90), change(-1))}, 0),
        ("changes_announced", {}, "unknown"),
        ("changes_announced", {"breaking_changes": (change(1, 14),)}, 0),
        ("changes_announced", {"breaking_changes": (change(1, 13),)}, 3),
        ("changes_announced", {"breaking_changes": (change(1),)}, 3),
        ("schema_stable", {}, "unknown"),
        ("schema_stable", {"checks": (check(CheckKind.SCHEMA),)}, 0),
        ("distribution_stable", {"checks": (check(CheckKind.DISTRIBUTION, FAILED),)}, 2),
        ("fresh", {}, "unknown"),
        ("fresh", {"freshness_hours": 1}, "unknown"),
        ("fresh", {"freshness_hours": 1, "last_updated_at": NOW - timedelta(minutes=59)}, 0),
        ("fresh", {"freshness_hours": 1, "last_updated_at": NOW - timedelta(minutes=60)}, 4),
        ("scheduled", {"update_schedule": "hourly"}, 0),
        ("lineage_declared", {"upstreams": ("a.b",)}, 0),
        ("retention_declared", {}, 2),
        ("retention_declared", {"retention_days": 1}, 0),
    ],
)
def test_what_is_declared(rule: str, declared: dict[str, Any], points: int | str) -> None:
    assert lost(rule, facts(**declared)) == points


@pytest.mark.parametrize(
    ("rule", "observed", "points"),
    [
        ("columns_declared", {}, 0),
        ("types_declared", {}, 0),
        ("key_declared", {}, 0),
        ("checks_defined", {}, 2),
        ("checks_defined", {"references": ("a -> b",)}, 1),
        ("complete", {}, 0),
        ("complete", {"columns": (ColumnProfile("a", "", True, 0.6),)}, 1),
        ("complete", {"columns": (ColumnProfile("a", "", True, None),)}, "unknown"),
        ("unique", {}, 0),
        ("unique", {"keys": (KeyProfile(("email",), 0.5),)}, "unknown"),
        ("valid", {}, 0),
        ("valid", {"rows_read": 0}, "unknown"),
        ("valid", {"rows_parked": 7}, 1),
        ("valid", {"rows_read": 1000, "rows_rejected": 10}, 1),
        ("valid", {"rows_read": 1000, "rows_rejected": 11}, 2),
        ("valid", {"rows_rejected": 6, "rows_parked": 1}, 4),
        ("versioned", {}, 0),
        ("versioned", {"contracted": False}, 4),
        ("schema_stable", {}, "unknown"),
    ],
)
def test_what_is_seen(rule: str, observed: dict[str, Any], points: int | str) -> None:
    assert lost(rule, facts(seen(**observed))) == points


def test_what_is_seen_again() -> None:
    again = replace(seen(), compared=True)
    assert lost("schema_stable", facts(again)) == 0
    assert lost("schema_stable", facts(replace(again, schema_breaks=("a is gone",)))) == 3
    assert lost("distribution_stable", facts(replace(again, distribution_shifts=("a",)))) == 2


@pytest.mark.parametrize(
    ("rule", "declared", "observed", "words"),
    [
        (
            "unique",
            {"checks": (check(CheckKind.UNIQUE, PASSED, "email"),)},
            {"keys": (KeyProfile(("email",), 0.03),)},
            ("email is unique", "3.0 % duplicates"),
        ),
        (
            "complete",
            {"checks": (check(CheckKind.NOT_NULL, PASSED, "email"),)},
            {"columns": (ColumnProfile("email", "STRING(320)", True, 0.25),)},
            ("email is not null", "25.0 % nulls"),
        ),
        (
            "columns_declared",
            {"columns": (DeclaredColumn("id"), DeclaredColumn("name"))},
            {},
            ("2 columns", "2 columns"),
        ),
        (
            "types_declared",
            {"columns": (DeclaredColumn("email", "int"),)},
            {},
            ("int", "STRING(320)"),
        ),
        ("key_declared", {"primary_key": ("email",)}, {}, ("email", "id")),
        (
            "fresh",
            {"freshness_hours": 1, "last_updated_at": NOW},
            {"updated_at": NOW - timedelta(hours=2)},
            ("at most 1 hours old", "last updated 2026-03-28 23:30 UTC"),
        ),
    ],
)
def test_where_the_two_disagree(
    rule: str, declared: dict[str, Any], observed: dict[str, Any], words: tuple[str, str]
) -> None:
    verdict = RULES_BY_NAME[rule].judge(facts(seen(**observed), **declared))
    assert verdict.lost is None
    assert (verdict.declared, verdict.observed) == words


@pytest.mark.parametrize(
    ("declared", "points"),
    [
        ({"primary_key": ("email",)}, "unknown"),
        ({"checks": (check(CheckKind.UNIQUE, CheckOutcome.NOT_RUN, "email"),)}, "unknown"),
        ({"checks": (check(CheckKind.UNIQUE, PASSED, "email"),)}, 0),
        ({"primary_key": ("email", "id")}, 0),
        ({}, 0),
    ],
)
def test_a_key_that_nobody_looked_at_earns_nothing(
    declared: dict[str, Any], points: int | str
) -> None:
    """Beside the one that the database enforces."""
    assert lost("unique", facts(seen(), **declared)) == points


def test_a_check_of_the_whole_table_is_one_of_each_column() -> None:
    email = ColumnProfile("email", "STRING(320)", nullable=True, null_rate=0.01)
    judged = facts(seen(columns=(email,)), checks=(check(CheckKind.NOT_NULL),))
    verdict = RULES_BY_NAME["complete"].judge(judged)
    assert (verdict.declared, verdict.observed) == ("email is not null", "1.0 % nulls")


def test_rows_that_wait_count_after_a_load_of_none() -> None:
    judged = facts(seen(rows_read=0, rows_parked=5), checks=(check(CheckKind.RANGE),))
    assert lost("valid", judged) == 1


def test_blanks_declare_nothing() -> None:
    blank: dict[str, Any] = {
        "owner": Owner(" ", "\t", "\u00a0"),
        "steward": " ",
        "documentation_url": " ",
        "tags": (" ",),
        "description": " ",
        "version": " ",
        "update_schedule": " ",
        "upstreams": (" ",),
    }
    assert evaluate(facts(**blank)) == evaluate(facts())


def test_types_are_compared_by_what_they_hold() -> None:
    assert lost("types_declared", facts(seen(), columns=(DeclaredColumn("id", "varchar"),))) == 0
    assert lost("types_declared", facts(seen(), columns=(DeclaredColumn("id", "thing"),))) == 0
    assert [family_of(name) for name in ("TIMESTAMP", "interval", "JSONB", "bool", "?")] == [
        "time",
        "time",
        "json",
        "boolean",
        None,
    ]


def test_shares_are_never_rounded_to_none_or_all() -> None:
    shares = (0, 0.0004, 0.03, 0.9999, 1)
    assert [percent(share) for share in shares] == [
        "0.0 %",
        "less than 0.1 %",
        "3.0 %",
        "99.9 %",
        "100.0 %",
    ]


def test_the_rules_have_the_documented_points_and_names_of_their_own() -> None:
    assert sum(MAX_SCORES.values()) == 100
    for dimension, most in MAX_SCORES.items():
        assert sum(rule.points for rule in RULES if rule.dimension is dimension) == most
    assert len(RULES_BY_NAME) == len(RULES)
    assert all(rule.action for rule in RULES)


def test_rules_that_miss_their_points_are_refused() -> None:
    rules = DimensionRules(Dimension.OPERATIONS)
    rules.rule(9, "do it")(lambda facts: kept())
    with pytest.raises(ValueError, match="have 9 points, not 10"):
        rules.complete()


def test_the_version_tells_rules_apart() -> None:
    rule = Rule("a", Dimension.STABILITY, 3, "", lambda facts: kept())
    versions = {
        version_of([]),
        version_of([rule]),
        version_of([replace(rule, points=2)]),
        version_of([replace(rule, version=2)]),
    }
    assert len(versions) == 4
