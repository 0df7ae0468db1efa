"""What every tenant's database does for datamarts; marts_postgres.py and marts_sqlite.py do it."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.datamart import BuiltRows, Datamart, Relation
from headrace_server.model.errors import AlreadyExistsError
from headrace_server.model.query import QueryColumn
from headrace_server.warehouse import bookkeeping
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.guarding.quotes import quoted
from headrace_server.warehouse.sql import execute, rows

#: hears of the rows that were written so far; what it raises ends the refresh
Report = Callable[[int], Awaitable[None]]


class Marts(ABC):
    """The relations of datamarts. Every method may raise StorageUnavailableError."""

    @abstractmethod
    async def create(self, mart: Datamart, query: GuardedQuery) -> None:
        """Make the relation of a datamart, without rows, unless it is there.

        Raises AlreadyExistsError where the name is that of anything else, InvalidQueryError for
        what the database finds wrong.
        """

    @abstractmethod
    async def refresh(
        self,
        mart: Datamart,
        query: GuardedQuery,
        fence: int,
        *,
        concurrent: bool,
        seconds: float,
        report: Report,
    ) -> BuiltRows:
        """Put the rows that the query has now in the place of the datamart's, which is no VIEW.

        Readers see all rows of before or all rows of after.

        It runs with the rights of queries, and is ended in the database after the seconds, or when
        this is cancelled. A number of the fence that is below one that came already raises
        StaleAttemptError. Raises InvalidQueryError and QueryTimeoutError; the rows are those of
        before then.
        """

    @abstractmethod
    async def point(self, mart: Datamart) -> None:
        """Have the name of a version's versions stand for this one.

        Raises AlreadyExistsError where the name is that of anything else, WrongStateError where
        others depend on columns that this one has not.
        """

    @abstractmethod
    async def drop(self, relations: Sequence[Relation]) -> None:
        """Drop datamarts that are there, all or none; those first that read others.

        Raises WrongStateError where something else depends on one.
        """

    @abstractmethod
    async def arrivals(self, tables: Collection[Relation]) -> dict[str, int]:
        """How many chunks of rows came into tables so far, by `s.t`, or `t` of `public`."""


@dataclass(frozen=True, slots=True)
class MartAccess:
    """How a warehouse lets its datamarts at its transactions; see `Transactions`."""

    words: Dialect
    reading: Callable[[], AbstractAsyncContextManager[AsyncConnection]]
    writing: Callable[[], AbstractAsyncContextManager[AsyncConnection]]
    defining: Callable[[], AbstractAsyncContextManager[AsyncConnection]]


class SqlMarts(Marts):
    """What both engines share."""

    def __init__(self, access: MartAccess) -> None:
        self._access = access
        self._words = access.words

    @abstractmethod
    async def _described(self, query: GuardedQuery) -> tuple[QueryColumn, ...]:
        """Check a query as far as that needs no transaction; its columns, where they are needed."""

    @abstractmethod
    async def _make(
        self,
        connection: AsyncConnection,
        mart: Datamart,
        query: GuardedQuery,
        columns: tuple[QueryColumn, ...],
    ) -> None:
        """Make the relation, which is not there."""

    @abstractmethod
    async def _drop(self, connection: AsyncConnection, relation: Relation, mart_id: str) -> None:
        """Drop a relation, if it is there, and what belongs to it."""

    async def create(self, mart: Datamart, query: GuardedQuery) -> None:
        """See `Marts.create`."""
        columns = await self._described(query)
        async with self._access.defining() as connection:
            found = await self._found(connection, mart.relation)
            if found == mart.datamart_id:
                return
            if found is not None:
                # It was left by one whose end was cut off: names are given to one at a time.
                await self._drop(connection, mart.relation, found)
            await self._words.create_schema(connection, _name(mart.relation))
            await self._make(connection, mart, query, columns)
            await self._register(connection, mart.relation, mart.datamart_id)

    async def _found(self, connection: AsyncConnection, relation: Relation) -> str | None:
        """Whose datamart a name is; None where it is free. Raises AlreadyExistsError."""
        if not await self._words.is_taken(connection, _name(relation)):
            return None
        found = await self._mart_at(connection, relation)
        if found is None:
            raise AlreadyExistsError("table", _name(relation))
        return found

    async def _mart_at(self, connection: AsyncConnection, relation: Relation) -> str | None:
        found = await rows(
            connection,
            f"SELECT mart_id FROM {self._words.system(bookkeeping.MARTS)}"
            " WHERE schema_name = :schema AND table_name = :name",
            schema=relation[0],
            name=relation[1],
        )
        return found[0].mart_id if found else None

    async def _register(
        self, connection: AsyncConnection, relation: Relation, mart_id: str
    ) -> None:
        """Note that a relation is a datamart's."""
        await execute(
            connection,
            f"INSERT INTO {self._words.system(bookkeeping.MARTS)} VALUES (:schema, :name, :mart_id)"
            " ON CONFLICT (schema_name, table_name) DO UPDATE SET mart_id = excluded.mart_id",
            schema=relation[0],
            name=relation[1],
            mart_id=mart_id,
        )

    async def drop(self, relations: Sequence[Relation]) -> None:
        """See `Marts.drop`."""
        async with self._access.defining() as connection:
            for relation in relations:
                mart_id = await self._mart_at(connection, relation)
                if mart_id is None:
                    continue
                await self._drop(connection, relation, mart_id)
                await execute(
                    connection,
                    f"DELETE FROM {self._words.system(bookkeeping.MARTS)}"
                    " WHERE schema_name = :schema AND table_name = :name",
                    schema=relation[0],
                    name=relation[1],
                )

    async def arrivals(self, tables: Collection[Relation]) -> dict[str, int]:
        """See `Marts.arrivals`."""
        names = sorted({ledger_name(table) for table in tables})
        async with self._access.reading() as connection:
            return await bookkeeping.arrivals(connection, self._words, names)

    @asynccontextmanager
    async def _fenced(self, mart: Datamart, fence: int) -> AsyncIterator[AsyncConnection]:
        """A transaction of a refresh. Raises StaleAttemptError where a newer one has come."""
        async with self._access.writing() as connection:
            await self._raise_fence(connection, mart, fence)
            yield connection

    async def _raise_fence(self, connection: AsyncConnection, mart: Datamart, fence: int) -> None:
        await bookkeeping.raise_fence(
            connection, self._words, f"datamart:{mart.datamart_id}", fence
        )

    async def _counted(self, connection: AsyncConnection, relation: Relation) -> int:
        target = self._words.target(_name(relation))
        [(count,)] = await rows(connection, f"SELECT count(*) FROM {target}")
        return int(count)


def _name(relation: Relation) -> str:
    """As `Dialect.target` takes it."""
    return f"{relation[0]}.{relation[1]}"


def ledger_name(table: Relation) -> str:
    """As the ledger names tables: `s.t`, or `t` of `public`."""
    return table[1] if table[0] == "public" else _name(table)


def select_all(relation: Relation) -> str:
    """The query of all rows of a datamart, as a user would write it."""
    return f"SELECT * FROM {_quoted(relation)}"


def _quoted(relation: Relation) -> str:
    return ".".join(quoted(each, '"') for each in relation)
