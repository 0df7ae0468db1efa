"""Which names of a query are tables, and which are parts of the query itself."""

from sqlglot import exp


def is_part_of_query(table: exp.Table, dialect: str) -> bool:
    """Whether a name is that of a WITH around it, which hides the table of that name.

    One part of a WITH sees those before it; in a recursive one, and on SQLite always, all of them.
    """
    name = folded(table.this, dialect)
    below: exp.Expr = table
    above = table.parent
    while above is not None:
        parts = above.args.get("with_")
        if parts is not None and below is not parts and name in _names(parts.expressions, dialect):
            return True
        if isinstance(above, exp.With) and name in _seen_within(above, below, dialect):
            return True
        below, above = above, above.parent
    return False


def _seen_within(parts: exp.With, place: exp.Expr, dialect: str) -> set[str]:
    """The names that one part of a WITH sees of the others."""
    listed = parts.expressions
    if not parts.args.get("recursive") and dialect != "sqlite":
        listed = listed[: next(n for n, part in enumerate(listed) if part is place)]
    return _names(listed, dialect)


def _names(parts: list[exp.CTE], dialect: str) -> set[str]:
    return {folded(part.args["alias"].this, dialect) for part in parts}


def folded(name: exp.Expr, dialect: str) -> str:
    """A name as the database compares it."""
    text = name.name
    if dialect == "sqlite" or not name.args.get("quoted"):
        return text.lower()
    return text


def kept(name: exp.Expr, dialect: str) -> str:
    """A name as the database keeps it: on SQLite as it is written, in whatever case."""
    return name.name if dialect == "sqlite" else folded(name, dialect)
