"""Which tables a query may read."""

import re

#: https://www.postgresql.org/docs/current/catalogs.html: what tells of tables, and holds no values
_CATALOGS = """
pg_attrdef pg_attribute pg_cast pg_class pg_collation pg_constraint pg_depend pg_description
pg_enum pg_index pg_indexes pg_inherits pg_matviews pg_namespace pg_operator pg_proc pg_range
pg_sequence pg_tables pg_timezone_abbrevs pg_timezone_names pg_type pg_views
"""
#: https://www.sqlite.org/schematab.html
_SQLITE_SCHEMA = frozenset({"sqlite_schema", "sqlite_master"})
#: tables that tell of the file itself, our tables among the rest
_SQLITE_INNER = frozenset({"dbstat", "bytecode", "tables_used"})
_OURS = re.compile(r"headrace($|[._])", re.IGNORECASE)


def why_hidden(dialect: str, schema: str, name: str) -> str | None:
    """Why a table may not be read; None where it may. Names are as the database keeps them."""
    if _OURS.match(schema) or (schema == "public" and name.lower().startswith("headrace.")):
        return "is Headrace's own bookkeeping"
    hidden = _hidden_sqlite if dialect == "sqlite" else _hidden_postgres
    return hidden(schema, name)


def _hidden_postgres(schema: str, name: str) -> str | None:
    if schema == "pg_catalog" and name in _CATALOGS.split():
        return None
    if schema.startswith("pg_"):
        return "is the server's own; what tells of tables is in information_schema"
    return None


def _hidden_sqlite(schema: str, name: str) -> str | None:
    lower = name.lower()
    if schema != "public" or lower in _SQLITE_SCHEMA:
        return None
    if lower.startswith("pragma_"):
        return "is a PRAGMA: that looks at the database itself, or changes it"
    if lower.startswith("sqlite_") or lower in _SQLITE_INNER:
        return "is SQLite's own"
    return None
