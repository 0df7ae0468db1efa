"""What speaks for a relationship, in words and numbers, and what it was told by in the main."""

from headrace_server.core.relationships.features import Features
from headrace_server.core.relationships.graph import Scored
from headrace_server.model.relationship import DetectionMethod, Relationship, RelationshipType

#: how clear a name, or how whole an inclusion, has to be for one that judges by rules
_CLEAR, _WHOLE = 0.75, 0.999
#: surprise of an inclusion that chance does not bring about: about 20 values
_NO_CHANCE = 3.0


def by_rules(features: Features) -> float:
    """How likely a candidate is by plain rules, where the model is not asked; 0 to 1."""
    clear = max(features.names_table, features.names_column)
    if clear >= _CLEAR and features.name_lead >= 0 and not features.child_is_key:
        return 0.9 if features.inclusion >= _WHOLE else 0.8
    alone = features.rivals == 0 and features.surprise >= _NO_CHANCE
    if alone and features.inclusion >= _WHOLE and not features.child_is_key:
        return 0.8 if features.coverage >= 0.5 or features.child_marked else 0.6  # noqa: PLR2004
    return 0.3 if features.inclusion >= _WHOLE else 0.1


def relationship(each: Scored, *, use_ai: bool) -> Relationship:
    """A candidate that was chosen, told in full."""
    pair = each.candidate
    return Relationship(
        pair.table.name,
        (pair.column.name,),
        pair.to_table.name,
        (pair.to_column.name,),
        RelationshipType.ONE_TO_ONE if pair.column.unique else RelationshipType.MANY_TO_ONE,
        round(each.probability, 4),
        DetectionMethod.AI_INFERENCE if use_ai else _method(each.features),
        evidence=tuple(_sentences(each)),
    )


def _method(features: Features) -> DetectionMethod:
    clear = max(features.names_table, features.names_column)
    return DetectionMethod.NAME_MATCH if clear >= _CLEAR else DetectionMethod.VALUE_INCLUSION


def _sentences(each: Scored) -> list[str]:
    pair, features = each.candidate, each.features
    child, parent = pair.column, pair.to_column
    target = f"{pair.to_table.name}.{parent.name}"
    extent = "all values" if pair.exact else "some values"
    found = (
        f"{pair.inclusion:.1%} of {child.distinct} different values are in {target}"
        f" ({extent} looked up), which has {parent.distinct}, each once"
    )
    said = [found, f"{features.coverage:.1%} of the values of {target} are used"]
    if features.names_table >= _CLEAR:
        said.append(f"the name {child.name} names the table {pair.to_table.name}")
    elif features.names_column >= _CLEAR:
        said.append(f"the name {child.name} is like {parent.name}")
    if features.rivals == 0:
        said.append("no other unique column has all its values")
    if child.nulls:
        share = child.nulls / max(1, pair.table.rows)
        said.append(f"{share:.1%} of the rows refer to nothing")
    if pair.table.name == pair.to_table.name:
        said.append("the table refers to itself")
    if each.said_elsewhere is not None:
        said.append(f"the configured model gives it {each.said_elsewhere:.0%}")
    return said
