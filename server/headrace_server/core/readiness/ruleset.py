"""All rules, and the version that names them."""

import hashlib
from collections.abc import Iterable

from headrace_server.core.readiness.rule import Rule
from headrace_server.core.readiness.rules import (
    documentation,
    operations,
    ownership,
    quality,
    schema,
    stability,
)


def version_of(rules: Iterable[Rule]) -> str:
    """A name for rules that changes with each that comes, goes or judges otherwise."""
    parts = (f"{rule.name} {rule.points} {rule.version}" for rule in rules)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


RULES: tuple[Rule, ...] = tuple(
    rule
    for module in (ownership, documentation, schema, quality, stability, operations)
    for rule in module.RULES.complete()
)
RULES_BY_NAME = {rule.name: rule for rule in RULES}
VERSION = version_of(RULES)
