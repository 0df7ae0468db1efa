"""Templates in the texts of steps: `{{ name }}`, expressions and a short list of filters.

Nothing that loops, calls or assigns is a template here, so that its size bounds what it may cost:
statements are refused when a pipeline is created, and values keep to the limits below when it runs.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from headrace_server.core.pipelines.filters import FILTERS, Sql, is_plain, shown, size_of
from headrace_server.core.pipelines.operators import OPERATORS, applied
from headrace_server.model.json_values import trouble_with

#: characters of one text that holds templates, and of what it becomes
LONGEST_TEXT, LONGEST_RESULT = 100_000, 1_000_000
#: parts of the expressions of one text
_MOST_NODES = 500
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.List,
    nodes.Tuple,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.CondExpr,
    nodes.Concat,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Neg,
    nodes.Pos,
)
_MARKED = re.compile(r"\{[{%#]")
_REMARKS = re.compile(r"\A(?:\{#.*?#\})+|(?:\{#.*?#\})+\Z", re.DOTALL)


class BadTemplateError(Exception):
    """A template that is none, or that cannot be filled; says why."""


class _Joining(NodeTransformer):
    """Has `~` done by the filter `join`, which makes nothing large."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802  # as jinja2 calls it
        self.generic_visit(node)
        listed = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(listed, "join", [], [], None, None, lineno=node.lineno)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Values have their members and nothing else: no method of Python can be reached."""

    intercepted_binops = frozenset(OPERATORS)

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Mapping | list | str):
            try:
                return obj[argument]
            except (LookupError, TypeError):
                return self.undefined(obj=obj, name=argument)
        return self.undefined(obj=obj, name=argument)

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,
    ) -> str:
        joining = _Joining().visit(source).set_environment(self)
        return super()._generate(joining, name, filename, defer_init)

    def call_binop(self, _context: Any, operator: str, left: Any, right: Any) -> Any:
        return applied(operator, left, right, LONGEST_RESULT)


def _environment(finalize: Any) -> _Sandbox:
    made = _Sandbox(undefined=StrictUndefined, finalize=finalize, keep_trailing_newline=True)
    made.filters = dict(FILTERS)
    made.tests = {}
    made.globals = {}
    return made


def _in_sql(value: Any) -> str:
    """Return a value as SQL takes it. Raises BadTemplateError for a text that might be more."""
    if isinstance(value, Sql) or is_plain(value):
        return shown(value)
    raise BadTemplateError("a value of other characters is written {{ name | sql }} in SQL")


_TEXT = _environment(shown)
_SQL = _environment(_in_sql)


def holds_template(text: str) -> bool:
    """Whether a text is more than what it says."""
    return _MARKED.search(text) is not None


def names_of(text: str) -> frozenset[str]:
    """Return the names that a text uses. Raises BadTemplateError where it is no template."""
    if not holds_template(text):
        return frozenset()
    return frozenset(meta.find_undeclared_variables(_parsed(text)))


def fill(text: str, values: Mapping[str, Any], *, sql: bool = False) -> str:
    """Return a text with its templates filled. Raises BadTemplateError.

    In SQL a value must be a number, a moment or a text of harmless characters, unless the filter
    `sql` or `sql_name` wrote it.
    """
    if not holds_template(text):
        return text
    _parsed(text)
    with _told():
        pieces = _compiled(text, sql=sql).generate(values)
        return _joined(_parted(pieces) if sql else pieces)


def fill_value(text: str, values: Mapping[str, Any]) -> Any:
    """Return what a text becomes: of a lone `{{ x }}` the value itself. Raises BadTemplateError."""
    if not holds_template(text):
        return text
    if not _is_lone(_parsed(text)):
        return fill(text, values)
    with _told():
        return _checked(_expression(_REMARKS.sub("", text)[2:-2].strip("-+"))(**values))


@lru_cache(maxsize=512)
def _parsed(text: str) -> nodes.Template:
    """Return the tree of a text whose every part is allowed. Raises BadTemplateError."""
    if len(text) > LONGEST_TEXT:
        raise BadTemplateError(f"it is longer than {LONGEST_TEXT} characters")
    with _told():
        tree = _TEXT.parse(text)
        found = list(_walked(tree))
    if len(found) > _MOST_NODES:
        raise BadTemplateError(f"its templates have more than {_MOST_NODES} parts")
    for node in found:
        _check(node)
    return tree


def _walked(node: nodes.Node) -> Iterator[nodes.Node]:
    for child in node.iter_child_nodes():
        yield child
        yield from _walked(child)


def _check(node: nodes.Node) -> None:
    if isinstance(node, nodes.Call):
        raise BadTemplateError("nothing can be called; use a filter, such as {{ name | upper }}")
    if isinstance(node, nodes.Const) and (trouble := trouble_with(node.value)):
        raise BadTemplateError(f"it holds {trouble}")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        known = ", ".join(sorted(FILTERS))
        raise BadTemplateError(f"there is no filter {node.name!r}, only {known}")
    if not isinstance(node, (*_ALLOWED, nodes.Keyword, nodes.Slice)):
        what = type(node).__name__.lower()
        raise BadTemplateError(f"it may hold expressions only: {{{{ name }}}}, no {what}")


def _is_lone(tree: nodes.Template) -> bool:
    """Whether a text is one expression and nothing beside it."""
    (output,) = tree.body if len(tree.body) == 1 else (None,)
    return (
        isinstance(output, nodes.Output)
        and len(output.nodes) == 1
        and not isinstance(output.nodes[0], nodes.TemplateData)
    )


@lru_cache(maxsize=512)
def _compiled(text: str, *, sql: bool) -> Any:
    return (_SQL if sql else _TEXT).from_string(text)


@lru_cache(maxsize=512)
def _expression(source: str) -> Any:
    return _TEXT.compile_expression(source, undefined_to_none=False)


def _parted(pieces: Iterator[str]) -> Iterator[str]:
    """Yield pieces of SQL. Raises BadTemplateError where two of them would make a comment."""
    before = ""
    for piece in pieces:
        if before.endswith("-") and piece.startswith("-"):
            raise BadTemplateError("two dashes begin a comment in SQL: put a space between them")
        before = piece or before
        yield piece


def _joined(pieces: Iterator[str]) -> str:
    found, length = [], 0
    for piece in pieces:
        length += len(piece)
        if length > LONGEST_RESULT:
            raise BadTemplateError(f"it becomes longer than {LONGEST_RESULT} characters")
        found.append(piece)
    text = "".join(found)
    if trouble := trouble_with(text):
        raise BadTemplateError(f"it becomes {trouble}")
    return text


def _checked(value: Any) -> Any:
    """Return a value of JSON as it is; of others, such as days, the text."""
    if isinstance(value, StrictUndefined):
        shown(value)  # raises what says which name it is
    if not isinstance(value, dict | list | str | bool | int | float | None):
        return shown(value)
    if size_of(value) > LONGEST_RESULT:
        raise BadTemplateError(f"it becomes longer than {LONGEST_RESULT} characters")
    if trouble := trouble_with(value):
        raise BadTemplateError(f"it becomes {trouble}")
    return value


@contextmanager
def _told() -> Iterator[None]:
    """Turn what goes wrong with a template into words."""
    try:
        yield
    except TemplateSyntaxError as error:
        raise BadTemplateError(f"line {error.lineno}: {error.message}") from error
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise BadTemplateError(str(error)) from error
    except (RecursionError, SyntaxError, MemoryError) as error:  # of what Python compiles
        raise BadTemplateError("its expressions are nested too deeply") from error
