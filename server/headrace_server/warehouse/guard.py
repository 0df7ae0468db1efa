"""The guard of SQL that users write: lets queries pass that read the user's tables, and no more.

It parses (sqlglot) rather than looking for words. The second wall is `reading`: whatever passes
runs on a connection that could do no harm either. sqlglot is large: whoever only hands queries on
imports `guarding.query` alone.
"""

from collections.abc import Collection, Iterator

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import Token, TokenType

from headrace_server.model.errors import InvalidQueryError
from headrace_server.warehouse.guarding import functions
from headrace_server.warehouse.guarding.grammar import GRAMMARS, PARTS, QUERIES
from headrace_server.warehouse.guarding.names import why_hidden
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.guarding.quotes import quoted
from headrace_server.warehouse.guarding.scopes import folded, is_part_of_query, kept
from headrace_server.warehouse.guarding.words import check_depth, refusal, written

#: bytes of a query
MOST_BYTES = 100 * 1024
#: words of a query: what takes long to read
_MOST_WORDS = 20_000

#: constructs that people may well try, in words; others are named by their kind
_WORDS: dict[type[exp.Expr], str] = {
    exp.Into: "SELECT INTO makes a table: a query only reads",
    exp.Lock: "FOR UPDATE and FOR SHARE lock rows: a query only reads",
    exp.Parameter: "parameters stand for nothing here: write the value itself",
    exp.Placeholder: "parameters stand for nothing here: write the value itself",
    exp.SessionParameter: "parameters stand for nothing here: write the value itself",
}


def guarded(sql: str, dialect: str, *, own_functions: Collection[str] = ()) -> GuardedQuery:
    """Read a query in the words of "postgresql" or "sqlite".

    `own_functions` are the names of functions that the user made, which may be called too. Raises
    InvalidQueryError, which says what is wrong and where, for all that is not one query that only
    reads tables of the user's. Takes a moment for a long text: run it in a thread.
    """
    if len(sql.encode()) > MOST_BYTES:
        raise InvalidQueryError.at(f"must not exceed {MOST_BYTES} bytes", None, None)
    if "\0" in sql:
        raise InvalidQueryError.at("must hold no NUL character", None, None)
    try:
        return _Reading(sql, dialect, own_functions).query()
    except RecursionError:
        raise InvalidQueryError.at("is nested too deep to be read", None, None) from None


class _Reading:
    """One query that is being read."""

    def __init__(self, sql: str, dialect: str, own_functions: Collection[str]) -> None:
        self._sql = sql
        self._dialect = dialect
        self._own_functions = own_functions
        self._grammar = GRAMMARS[dialect]()
        self._tokens = self._words()
        self._numbers = {token.start: n for n, token in enumerate(self._tokens)}
        #: what stands in place of words, by their number
        self._changes: dict[int, str] = {}
        self._tables: set[tuple[str, str]] = set()
        self._functions: set[str] = set()

    def query(self) -> GuardedQuery:
        root = self._parsed()
        for node in root.walk():
            self._check(node)
        self._check_calls()
        text, starts = written(self._sql, self._tokens, self._changes)
        columns = (token.col - (token.end - token.start) for token in self._tokens)
        lines = (token.line for token in self._tokens)
        return GuardedQuery(
            text,
            self._dialect,
            tuple(sorted(self._tables)),
            tuple(sorted(self._functions)),
            tuple(zip(starts, lines, columns, strict=True)),
        )

    def _words(self) -> list[Token]:
        try:
            tokens: list[Token] = self._grammar.tokenize(self._sql)
        except TokenError as error:
            raise InvalidQueryError.at(f"cannot be read: {error}", None, None) from None
        while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
            tokens.pop()
        if not tokens:
            raise InvalidQueryError.at("must be a query, such as SELECT ...", None, None)
        if len(tokens) > _MOST_WORDS:
            raise InvalidQueryError.at(f"must not exceed {_MOST_WORDS} words", None, None)
        for token in tokens:
            if token.token_type == TokenType.SEMICOLON:
                raise refusal("only one query may be given; another begins after the ;", token)
        check_depth(tokens)
        return tokens

    def _parsed(self) -> exp.Expr:
        first = self._tokens[0]
        self._refuse_statements(first)
        try:
            trees = self._grammar.parser().parse(self._tokens, self._sql)
        except ParseError as error:
            found = error.errors[0] if error.errors else {}
            token = self._token_at(found.get("line"), found.get("col"))
            raise refusal(f"cannot be read: {found.get('description') or error}", token) from None
        (root,) = trees
        if not isinstance(root, QUERIES):
            raise refusal(f"must be one query that only reads, not {first.text.upper()}", first)
        return root

    def _refuse_statements(self, first: Token) -> None:
        """Refuse what is no query by its first word: sqlglot says little of some of these."""
        if first.text.upper() not in {"SELECT", "WITH", "VALUES", "TABLE", "("}:
            raise refusal(f"must be one query that only reads, not {first.text.upper()}", first)

    def _token_at(self, line: object, column: object) -> Token | None:
        return next((t for t in self._tokens if (t.line, t.col) == (line, column)), None)

    def _check(self, node: exp.Expr) -> None:
        if not isinstance(node, PARTS):
            what = _WORDS.get(type(node), f"{_kind(node)} is not for queries, which only read")
            raise refusal(what, self._token_of(node))
        if isinstance(node, exp.CTE) and not isinstance(node.this, QUERIES):
            raise refusal(f"{_kind(node.this)} in WITH: a query only reads", self._token_of(node))
        if isinstance(node, exp.In) and node.args.get("field") is not None:
            raise refusal("IN takes a list or a query in parentheses", self._token_of(node))
        if isinstance(node, exp.Table):
            self._check_table(node)
        elif isinstance(node, exp.Column):
            self._drop_schema(node)
        elif isinstance(node, exp.Anonymous):
            self._check_function(node)

    def _check_table(self, node: exp.Table) -> None:
        if node.arg_key == "indexed" or not isinstance(node.this, exp.Identifier):
            return
        if node.args.get("catalog") is not None:
            raise refusal(
                "tables are named table or schema.table, in this database", self._token_of(node)
            )
        schema = node.args.get("db")
        if schema is None and is_part_of_query(node, self._dialect):
            return
        name = kept(node.this, self._dialect)
        self._check_hidden(node, kept(schema, self._dialect) if schema else "", name)
        if schema is not None and self._dialect == "sqlite":
            self._join_name(node, schema)

    def _check_hidden(self, node: exp.Table, schema: str, name: str) -> None:
        if not schema:
            system = self._dialect == "postgresql" and name.startswith("pg_")
            schema = "pg_catalog" if system else "public"
        why = why_hidden(self._dialect, schema, name)
        if why is not None:
            raise refusal(f"the table {name!r} {why}", self._token_of(node))
        self._tables.add((schema, name))

    def _join_name(self, node: exp.Table, schema: exp.Expr) -> None:
        """Make `schema.table` the one name that it is on SQLite, known by the table's name."""
        first, last = self._number_of(schema), self._number_of(node.this)
        name = node.this.name
        whole = name if schema.name.lower() == "public" else f"{schema.name}.{name}"
        alias = "" if node.alias else f" AS {quoted(name, chr(34))}"
        self._changes |= {first: "", first + 1: "", last: quoted(whole, '"') + alias}

    def _drop_schema(self, node: exp.Column) -> None:
        schema = node.args.get("db")
        if node.args.get("catalog") is not None:
            raise refusal("columns are named schema.table.column at most", self._token_of(node))
        if schema is not None and self._dialect == "sqlite":
            number = self._number_of(schema)
            self._changes |= {number: "", number + 1: ""}

    def _check_function(self, node: exp.Anonymous) -> None:
        written_name = node.this
        name = (
            folded(written_name, self._dialect)
            if isinstance(written_name, exp.Identifier)
            else str(written_name).lower()
        )
        token = self._token_of(node)
        if why := functions.why_denied(name):
            raise refusal(f"{name}() may not be called: {why}", token)
        if name not in functions.FUNCTIONS[self._dialect] and name not in self._own_functions:
            raise refusal(f"{name}() is not among the functions that queries may call", token)
        self._check_sizes(name, node.expressions, token)
        self._functions.add(name)

    def _check_sizes(self, name: str, given: list[exp.Expr], token: Token | None) -> None:
        place = functions.SIZED.get(name)
        if place is not None and not all(map(_is_short, given[place : place + 1])):
            raise refusal(
                f"the length that {name}() makes must be a number of at most {functions.LONGEST}",
                token,
            )
        if name in functions.FORMATTING and given:
            text = given[0].name if given[0].is_string else "%*"
            if functions.LONG_WIDTH.search(text):
                raise refusal(
                    f"{name}() takes a text with widths of four digits at most, written out", token
                )

    def _check_calls(self) -> None:
        """Refuse the names of denied functions wherever they stand before a parenthesis."""
        for token, after in zip(self._tokens, self._tokens[1:], strict=False):
            why = functions.why_denied(token.text.lower())
            if why and after.token_type == TokenType.L_PAREN:
                raise refusal(f"{token.text}() may not be called: {why}", token)

    def _number_of(self, name: exp.Expr) -> int:
        return self._numbers[name.meta["start"]]

    def _token_of(self, node: exp.Expr) -> Token | None:
        """The word that a construct begins with; where that is not kept, one within it."""
        key = _kind(node).partition(" ")[0]
        for token in self._tokens:
            if token.text.upper() == key and not isinstance(node, exp.Table | exp.Column):
                return token
        return next((self._tokens[number] for number in self._within(node)), None)

    def _within(self, node: exp.Expr) -> Iterator[int]:
        starts = (each.meta.get("start") for each in node.walk())
        yield from sorted(self._numbers[start] for start in starts if start in self._numbers)


def _kind(node: exp.Expr) -> str:
    """What a construct is called."""
    if isinstance(node, exp.Lock):
        return "FOR"
    return node.key.upper()


def _is_short(node: exp.Expr) -> bool:
    """Whether a length is a number that is not too large."""
    return node.is_int and int(node.name or 0) <= functions.LONGEST
