"""The grammar of queries: each dialect's, with functions by the names that they are written with.

sqlglot knows many functions by classes of its own. Here only those are known whose arguments have
words of their own, such as EXTRACT; the others keep their names, and are looked up.
"""

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.dialects.sqlite import SQLite
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.parsers.sqlite import SQLiteParser

#: functions whose arguments are parted by words
_WITH_WORDS = ("CAST", "EXTRACT", "OVERLAY", "POSITION", "SUBSTRING", "TRIM")


class _PostgresParser(PostgresParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        name: parse
        for name, parse in PostgresParser.FUNCTION_PARSERS.items()
        if name in _WITH_WORDS
    }


class _SqliteParser(SQLiteParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = {}
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {"CAST": SQLiteParser.FUNCTION_PARSERS["CAST"]}


class PostgresGrammar(Postgres):
    """PostgreSQL's."""

    Parser = _PostgresParser


class SqliteGrammar(SQLite):
    """SQLite's."""

    Parser = _SqliteParser


GRAMMARS: dict[str, type[Postgres] | type[SQLite]] = {
    "postgresql": PostgresGrammar,
    "sqlite": SqliteGrammar,
}

#: what a query may be made of; what is not here is refused, whatever it does
PARTS = (
    # families of what computes a value of others
    exp.Binary, exp.Unary, exp.Predicate,
    # queries and their clauses
    exp.Select, exp.SetOperation, exp.Subquery, exp.Values, exp.Tuple, exp.With, exp.CTE,
    exp.RecursiveWithSearch, exp.From, exp.Join, exp.Lateral, exp.Where, exp.Group,
    exp.GroupingSets, exp.Rollup, exp.Cube, exp.Having, exp.Distinct, exp.Order, exp.Ordered,
    exp.Limit, exp.Offset, exp.Fetch, exp.LimitOptions, exp.Window, exp.WindowSpec,
    exp.WithinGroup, exp.Filter, exp.TableSample, exp.IgnoreNulls, exp.RespectNulls, exp.Star,
    # names
    exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Var, exp.ColumnDef,
    exp.TableFromRows,
    # values
    exp.Literal, exp.National, exp.RawString, exp.UnicodeString, exp.ByteString, exp.HexString,
    exp.BitString, exp.Null, exp.Boolean, exp.Case, exp.If, exp.Cast, exp.DataType,
    exp.DataTypeParam, exp.Interval, exp.Array, exp.Bracket, exp.Slice, exp.AtTimeZone,
    exp.Variadic, exp.JSON, exp.JSONPath, exp.JSONPathPart, exp.MatchAgainst, exp.Concat, exp.Sqrt,
    exp.Cbrt, exp.Unnest, exp.Semicolon,
    # functions; those by name are looked up
    exp.Anonymous, exp.Extract, exp.Overlay, exp.StrPosition, exp.Substring, exp.Trim,
    exp.CurrentCatalog, exp.CurrentDate, exp.CurrentSchema, exp.CurrentTime, exp.CurrentTimestamp,
    exp.CurrentUser, exp.CurrentRole, exp.SessionUser, exp.Localtime, exp.Localtimestamp,
)  # fmt: skip
#: queries that may stand alone, and within WITH
QUERIES = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)
