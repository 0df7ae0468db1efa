"""Datamarts on PostgreSQL: materialized views, tables and views that only read as queries do.

All of them are made as the role of queries, whose rights they have from then on. Where rows are
refreshed concurrently nobody waits for them, and each snapshot sees its own.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from headrace_server.model.contract import Column, ColumnType, Table
from headrace_server.model.datamart import BuiltRows, Datamart, MartType, Relation
from headrace_server.model.errors import InvalidQueryError
from headrace_server.model.query import QueryColumn
from headrace_server.warehouse import materialized
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.marts import MartAccess, Report, SqlMarts
from headrace_server.warehouse.marts_faults import saying_depended_on, saying_faults, sqlstate_of
from headrace_server.warehouse.patience import change_patiently
from headrace_server.warehouse.postgres_exchange import exchange_rows, put_in_place
from headrace_server.warehouse.postgres_words import PostgresWords
from headrace_server.warehouse.reading_postgres import PostgresReading
from headrace_server.warehouse.sql import execute, quote, rows

#: seconds in which a relation is made or dropped, readers waited for
_MAKING_SECONDS = 30
#: SQLSTATE of a view whose columns would change
_OTHER_COLUMNS = "42P16"
#: functions of the user's that run with the rights of whoever made them
_FIND_DEFINERS = (
    "SELECT p.proname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
    " WHERE p.prosecdef AND n.nspname NOT LIKE 'pg\\_%' AND p.proname = ANY(:names)"
)
_SETTINGS = (
    "SET LOCAL search_path = public",
    "SET LOCAL standard_conforming_strings = on",
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL work_mem = '64MB'",
    "SET LOCAL jit = off",
    "SET LOCAL client_connection_check_interval = '2s'",
)


class PostgresMarts(SqlMarts):
    """A database on a PostgreSQL server; refreshes have connections of their own."""

    def __init__(
        self, access: MartAccess, words: PostgresWords, engine: AsyncEngine, reader: PostgresReading
    ) -> None:
        super().__init__(access)
        self._postgres = words
        self._engine = engine
        self._reader = reader

    async def _described(self, query: GuardedQuery) -> tuple[QueryColumn, ...]:
        """The rights of functions; what else is wrong is told when the relation is made."""
        async with self._access.reading() as connection:
            found = await rows(connection, _FIND_DEFINERS, names=list(query.functions))
        if found:
            raise InvalidQueryError.at(
                f"{found[0].proname}() is SECURITY DEFINER: datamarts only call functions that run"
                " with the rights of their callers",
                None,
                None,
            )
        return ()

    async def _make(
        self,
        connection: AsyncConnection,
        mart: Datamart,
        query: GuardedQuery,
        columns: tuple[QueryColumn, ...],
    ) -> None:
        await _set(connection, _MAKING_SECONDS)
        role = await self._role(connection)
        word = mart.type.value.replace("_", " ")
        aside = _aside(mart)
        end = "" if mart.type is MartType.VIEW else " WITH NO DATA"
        await self._make_as(connection, role, f"CREATE {word} {aside} AS ", query, end)
        if mart.type is MartType.TABLE and role is not None:
            await execute(connection, f"ALTER TABLE {aside} OWNER TO CURRENT_USER")
        await _put(connection, word, aside, mart.relation)

    async def _make_as(
        self,
        connection: AsyncConnection,
        role: str | None,
        create: str,
        query: GuardedQuery,
        end: str = "",
        *,
        seconds: float = _MAKING_SECONDS,
    ) -> None:
        """Make a relation in our schema as the role of queries."""
        if role is not None:
            await execute(connection, f"SET LOCAL ROLE {role}")
        with saying_faults(query, seconds, before=len(create)):
            await connection.exec_driver_sql(f"{create}{query.sql}{end}")
        await execute(connection, "RESET ROLE")

    async def _role(self, connection: AsyncConnection) -> str | None:
        """The role of queries, which may make relations in our schema for them."""
        role = await self._reader.role()
        if role is not None:
            [(may,)] = await rows(
                connection,
                "SELECT has_schema_privilege(CAST(:role AS name), 'headrace_marts', 'CREATE')",
                role=role,
            )
            if not may:
                await execute(connection, f"GRANT USAGE, CREATE ON SCHEMA headrace_marts TO {role}")
        return role

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
        """See `Marts.refresh`."""
        await self.create(mart, query)
        await self._end_older(mart, fence)
        role = await self._reader.role()
        async with self._building(mart, fence, query, seconds) as connection:
            if mart.type is MartType.TABLE:
                await self._refill(connection, mart, query, role, seconds, concurrent=concurrent)
                found = materialized.Refreshed()
            else:
                view = materialized.MaterializedMart(
                    connection,
                    mart,
                    query,
                    role,
                    self._make_as,
                    await self._column_names(connection, mart),
                )
                found = await view.refresh(concurrent=concurrent)
            await execute(connection, f"ANALYZE {found.stored or _target(mart.relation)}")
            count = await self._counted(connection, mart.relation)
            size = await _size(connection, found.stored or _target(mart.relation))
            await report(count)
            return BuiltRows(count, size, found.key, found.note)

    async def _end_older(self, mart: Datamart, fence: int) -> None:
        """End the sessions in which older attempts still build, since nobody waits for them."""
        async with self._access.writing() as connection:
            await execute(
                connection,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND starts_with(application_name, :prefix)"
                " AND CAST(split_part(application_name, ':', 3) AS BIGINT) < :fence",
                prefix=f"headrace-mart:{mart.datamart_id}:",
                fence=fence,
            )

    @asynccontextmanager
    async def _building(
        self, mart: Datamart, fence: int, query: GuardedQuery, seconds: float
    ) -> AsyncIterator[AsyncConnection]:
        with saying_faults(query, seconds):
            async with self._engine.begin() as connection:
                await execute(
                    connection,
                    "SELECT set_config('application_name', :name, TRUE)",
                    name=f"headrace-mart:{mart.datamart_id}:{fence}",
                )
                await self._raise_fence(connection, mart, fence)
                await _set(connection, seconds)
                yield connection

    async def _column_names(self, connection: AsyncConnection, mart: Datamart) -> list[str]:
        columns = await self._words.columns(connection, mart.schema, mart.name)
        return [column.name for column in columns]

    async def _refill(
        self,
        connection: AsyncConnection,
        mart: Datamart,
        query: GuardedQuery,
        role: str | None,
        seconds: float,
        *,
        concurrent: bool,
    ) -> None:
        """Fill a table anew: its rows are made aside, and take the place of those before."""
        aside = _aside(mart)
        create = f"CREATE TABLE {aside} AS "
        await self._make_as(connection, role, create, query, seconds=seconds)
        await execute(connection, f"ALTER TABLE {aside} OWNER TO CURRENT_USER")
        plain = f"headrace_marts.{mart.datamart_id}"
        before = await self._words.columns(connection, mart.schema, mart.name)
        after = await self._words.columns(connection, "headrace_marts", mart.datamart_id)
        table = Table(
            name=f"{mart.schema}.{mart.name}",
            columns=tuple(Column(each.name, ColumnType.STRING) for each in after),
            primary_key=(),
        )
        if before != after:
            await execute(connection, f"ANALYZE {aside}")
            place = partial(
                put_in_place, connection, table.name, plain, _target(mart.relation), aside
            )
            with saying_depended_on(mart.relation):
                await change_patiently(connection, mart.relation, place)
        elif concurrent:
            await exchange_rows(connection, self._postgres, table, aside)
            await execute(connection, f"DROP TABLE {aside}")
        else:
            await self._postgres.exchange(connection, table, plain)

    async def point(self, mart: Datamart) -> None:
        """See `Marts.point`."""
        name = mart.names[-1]
        view, select = _target(name), f"SELECT * FROM {_target(mart.relation)}"
        async with self._access.defining() as connection:
            await _set(connection, _MAKING_SECONDS)
            if await self._found(connection, name) == mart.datamart_id:
                return
            with saying_depended_on(name):
                await change_patiently(
                    connection, name, lambda: _put_view(connection, view, select)
                )
            await self._register(connection, name, mart.datamart_id)

    async def _drop(self, connection: AsyncConnection, relation: Relation, mart_id: str) -> None:
        await _set(connection, _MAKING_SECONDS)
        target = _target(relation)
        with saying_depended_on(relation):
            for kind in await _kinds(connection, relation):
                await execute(connection, f"DROP {kind} {target}")
            if not await self._others_of(connection, relation, mart_id):
                hidden = f"headrace_marts.{quote(mart_id)}"
                await execute(connection, f"DROP MATERIALIZED VIEW IF EXISTS {hidden}")

    async def _others_of(
        self, connection: AsyncConnection, relation: Relation, mart_id: str
    ) -> bool:
        """Whether a datamart is read by another name too."""
        found = await rows(
            connection,
            "SELECT 1 FROM headrace.marts WHERE mart_id = :mart_id"
            " AND (schema_name, table_name) <> (:schema, :name)",
            mart_id=mart_id,
            schema=relation[0],
            name=relation[1],
        )
        return bool(found)


async def _set(connection: AsyncConnection, seconds: float) -> None:
    """Have a transaction read as queries do, and end in time."""
    for setting in _SETTINGS:
        await execute(connection, setting)
    await execute(connection, f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}")


async def _put_view(connection: AsyncConnection, view: str, select: str) -> None:
    """Make a view, or put it in the place of one of that name."""
    try:
        async with connection.begin_nested():
            await execute(connection, f"CREATE OR REPLACE VIEW {view} AS {select}")
    except DBAPIError as error:
        if sqlstate_of(error) != _OTHER_COLUMNS:
            raise
        await execute(connection, f"DROP VIEW {view}")
        await execute(connection, f"CREATE VIEW {view} AS {select}")


async def _put(connection: AsyncConnection, word: str, aside: str, relation: Relation) -> None:
    """Move a relation from our schema to where it belongs."""
    schema, name = relation
    await execute(connection, f"ALTER {word} {aside} RENAME TO {quote(name)}")
    await execute(
        connection, f"ALTER {word} headrace_marts.{quote(name)} SET SCHEMA {quote(schema)}"
    )


async def _kinds(connection: AsyncConnection, relation: Relation) -> list[str]:
    """What a relation is, if it is there."""
    found = await rows(
        connection,
        "SELECT CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'v' THEN 'VIEW'"
        " ELSE 'TABLE' END FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = :schema AND c.relname = :name",
        schema=relation[0],
        name=relation[1],
    )
    return [row[0] for row in found]


async def _size(connection: AsyncConnection, target: str) -> int:
    [(size,)] = await rows(
        connection,
        "SELECT pg_total_relation_size(CAST(:target AS regclass))",
        target=target.replace("\\:", ":"),
    )
    return int(size)


def _target(relation: Relation) -> str:
    return f"{quote(relation[0])}.{quote(relation[1])}"


def _aside(mart: Datamart) -> str:
    return f"headrace_marts.{quote(mart.datamart_id)}"
