"""Documentation: whether a stranger can use the data."""

from headrace_server.core.readiness.facts import Facts, names_of, told
from headrace_server.core.readiness.rule import DimensionRules, Verdict, kept, lost, not_evaluated
from headrace_server.model.dataset import Dimension

RULES = DimensionRules(Dimension.DOCUMENTATION)

#: characters below which a description says too little
_TELLING = 40


@RULES.rule(6, f"Describe what one row is and what it is for, in {_TELLING} characters or more")
def described(facts: Facts) -> Verdict:
    length = len(facts.declared.description.strip())
    if not length:
        return lost("it has no description")
    if length < _TELLING:
        return lost(f"its description has {length} characters only", 3)
    return kept()


@RULES.rule(8, "Describe the columns that have no description", lowered_by="columns")
def columns_described(facts: Facts) -> Verdict:
    columns = facts.columns
    if not columns:
        return not_evaluated("no column is known", "Declare the columns and describe them")
    bare = [column for column in columns if not told(column.description)]
    if not bare:
        return kept()
    message = f"{len(bare)} of {len(columns)} columns have no description: {names_of(bare)}"
    return lost(message, -(-8 * len(bare) // len(columns)))


@RULES.rule(4, "Link the documentation that tells more")
def documentation_linked(facts: Facts) -> Verdict:
    return kept() if told(facts.declared.documentation_url) else lost("no documentation is linked")


@RULES.rule(2, "Give tags, by which people find it")
def tagged(facts: Facts) -> Verdict:
    return kept() if told(*facts.declared.tags) else lost("it has no tags")
