"""What errors of PostgreSQL mean where datamarts are made, refreshed and dropped."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError

from headrace_server.model.datamart import Relation
from headrace_server.model.errors import InvalidQueryError, WrongStateError
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.reading_postgres import fault_of

#: SQLSTATEs of relations and functions that are not there
_UNKNOWN = ("42P01", "42883")
_HINT = (
    ": materialized views are refreshed with no schema in the search path: name tables in functions"
    " with their schema"
)
#: SQLSTATE of what others depend on
DEPENDED_ON = "2BP01"


def sqlstate_of(error: DBAPIError) -> str:
    """The server's code of an error."""
    return getattr(error.orig, "sqlstate", None) or ""


@contextmanager
def saying_faults(query: GuardedQuery, seconds: float, *, before: int = 0) -> Iterator[None]:
    """Raise errors of ours for those of the server; `before` characters stand before the query."""
    try:
        yield
    except DBAPIError as error:
        cause: Any = error.orig and error.orig.__cause__
        if not isinstance(cause, asyncpg.PostgresError):
            raise
        if cause.sqlstate in _UNKNOWN and query.functions and not cause.position:
            raise InvalidQueryError.at(f"{cause.message}{_HINT}", None, None) from error
        raise fault_of(cause, query, seconds, before=before) from error


@contextmanager
def saying_depended_on(relation: Relation) -> Iterator[None]:
    """Raise WrongStateError where the database keeps others from losing what they depend on."""
    try:
        yield
    except DBAPIError as error:
        if sqlstate_of(error) != DEPENDED_ON:
            raise
        cause: Any = error.orig and error.orig.__cause__
        detail = str(getattr(cause, "detail", None) or error.orig).replace("\n", "; ")
        raise WrongStateError(
            f"{relation[0]}.{relation[1]} is depended on: {detail}: drop that first"
        ) from error
