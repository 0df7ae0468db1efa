"""Joins that follow from relationships, as SQL."""

import re
from collections.abc import Sequence

from headrace_server.model.relationship import Relationship, RelationshipType

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")


def suggested_joins(relationships: Sequence[Relationship], schema: str) -> list[str]:
    """A join for each relationship: "customers JOIN orders ON customers.id = orders.customer_id".

    The table referred to stands first. Those through a junction follow from its own two.
    """
    return [
        _join(each, schema)
        for each in relationships
        if each.type is not RelationshipType.MANY_TO_MANY
    ]


def _join(each: Relationship, schema: str) -> str:
    left, right = _table(each.to_table, schema), _table(each.from_table, schema)
    alias, joined = right, right
    if left == right:
        alias = _quoted(f"{each.from_table}_child")
        joined = f"{right} AS {alias}"
    on = " AND ".join(
        f"{left}.{_quoted(to)} = {alias}.{_quoted(own)}"
        for to, own in zip(each.to_columns, each.from_columns, strict=True)
    )
    return f"{left} JOIN {joined} ON {on}"


def _table(name: str, schema: str) -> str:
    return _quoted(name) if schema == "public" else f"{_quoted(schema)}.{_quoted(name)}"


def _quoted(name: str) -> str:
    return name if _PLAIN.match(name) else '"' + name.replace('"', '""') + '"'
