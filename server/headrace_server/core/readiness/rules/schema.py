"""Schema hygiene: columns, types and keys that mean what they say."""

import re

from headrace_server.core.readiness.facts import Facts, family_of, listed, names_of, told
from headrace_server.core.readiness.rule import DimensionRules, Verdict, kept, lost, not_evaluated
from headrace_server.model.dataset import DeclaredColumn, Dimension

RULES = DimensionRules(Dimension.SCHEMA_HYGIENE)

_LEGACY = re.compile(
    r"(legacy|old|deprecated|obsolete|tmp|temp|bak)_.+|.+_(legacy|old|deprecated|bak)"
)


@RULES.rule(3, "Declare the columns that the table has", lowered_by="columns")
def columns_declared(facts: Facts) -> Verdict:
    if not facts.columns:
        return lost("no column is declared")
    declared = [column.name for column in facts.declared.columns]
    seen = list(facts.seen_columns)
    if not declared or not seen or set(declared) == set(seen):
        return kept()
    missing = [name for name in declared if name not in facts.seen_columns]
    extra = [name for name in seen if name not in declared]
    said = [f"the table lacks {listed(missing)}"] if missing else []
    said += [f"nobody declared {listed(extra)}"] if extra else []
    return lost(
        " and ".join(said),
        declared=f"{len(declared)} columns",
        observed=f"{len(seen)} columns",
    )


@RULES.rule(3, "Declare the type of each column, as the table has it", lowered_by="columns")
def types_declared(facts: Facts) -> Verdict:
    if not facts.columns:
        return not_evaluated("no column is known", "Declare the columns")
    for column in facts.declared.columns:
        seen = facts.seen_columns.get(column.name)
        families = family_of(column.type), family_of(seen.type) if seen else None
        if seen and all(families) and len(set(families)) > 1:
            message = f"column {column.name} is not of the type that is declared"
            return lost(message, declared=column.type, observed=seen.type)
    untyped = [column for column in facts.columns if not told(column.type)]
    return lost(f"{names_of(untyped)} have no type") if untyped else kept()


@RULES.rule(4, "Declare the primary key, as the table has it", lowered_by="primary_key")
def key_declared(facts: Facts) -> Verdict:
    declared = facts.declared.primary_key
    seen = facts.seen.primary_key if facts.seen else ()
    if declared and seen and set(declared) != set(seen):
        return lost(
            "the table has another primary key than is declared",
            declared=", ".join(declared),
            observed=", ".join(seen),
        )
    return kept() if declared or seen else lost("no primary key is declared")


@RULES.rule(5, "Retire the legacy columns, or rename those that are none", lowered_by="columns")
def no_legacy_columns(facts: Facts) -> Verdict:
    if not facts.columns:
        return not_evaluated("no column is known", "Declare the columns")
    legacy = [column for column in facts.columns if _is_legacy(column)]
    if not legacy:
        return kept()
    return lost(f"{len(legacy)} legacy columns are left: {names_of(legacy)}", 1 + 2 * len(legacy))


def _is_legacy(column: DeclaredColumn) -> bool:
    return column.deprecated or _LEGACY.fullmatch(column.name.lower()) is not None
