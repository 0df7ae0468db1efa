"""Which columns may well tell the rows of a query apart."""

from collections.abc import Sequence

from sqlglot import exp

from headrace_server.warehouse.guarding.grammar import GRAMMARS

#: columns that are tried one by one, and that make a key together at most
_MOST_TRIED, _MOST_TOGETHER = 16, 32


def candidate_keys(sql: str, dialect: str, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Sets of columns to try as a key: those of GROUP BY, each by itself, all together."""
    grouped = group_columns(sql, dialect, columns)
    found = [grouped] if grouped else []
    found += [(column,) for column in columns[:_MOST_TRIED]]
    if 1 < len(columns) <= _MOST_TOGETHER:
        found.append(tuple(columns))
    return list(dict.fromkeys(found))


def group_columns(sql: str, dialect: str, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns of a result by which it is grouped; empty where some are not in the result."""
    tree = GRAMMARS[dialect]().parser().parse(GRAMMARS[dialect]().tokenize(sql), sql)[0]
    if not isinstance(tree, exp.Select):
        return ()
    group = tree.args.get("group")
    if group is None or not group.expressions or _has_sets(group):
        return ()
    results = dict(zip(map(_written, tree.selects), columns, strict=False))
    named = {
        each.alias_or_name: column for each, column in zip(tree.selects, columns, strict=False)
    }
    found = [
        _at(each, columns) or results.get(_written(each)) or named.get(each.name)
        for each in group.expressions
    ]
    return tuple(dict.fromkeys(filter(None, found))) if all(found) else ()


def _has_sets(group: exp.Expr) -> bool:
    return any(group.args.get(name) for name in ("grouping_sets", "cube", "rollup"))


def _written(node: exp.Expr) -> str:
    return str(node.unalias().sql())


def _at(node: exp.Expr, columns: Sequence[str]) -> str | None:
    """The column whose number stands for it."""
    number = int(node.name) if node.is_int else 0
    return columns[number - 1] if 0 < number <= len(columns) else None
