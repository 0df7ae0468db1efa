"""One materialized view of PostgreSQL that is refreshed, where that can be without anybody waiting.

REFRESH ... CONCURRENTLY needs a unique index. Where no columns make one, the rows are numbered: the
materialized view stands out of sight then, and the datamart is a view of it without the numbers.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from headrace_server.model.datamart import Datamart
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.marts_faults import DEPENDED_ON, sqlstate_of
from headrace_server.warehouse.patience import patiently
from headrace_server.warehouse.sql import columns_of, execute, quote, rows

#: SQLSTATEs of rows that are alike, of entries too long for an index, and of types without an order
_ALIKE = ("23505", "21000")
_NO_INDEX = (*_ALIKE, "54000", "42704")
#: the column of the numbers
_NUMBER = "headrace.row"

#: the columns of an index that REFRESH ... CONCURRENTLY takes
_FIND_KEY = """
SELECT array_agg(a.attname ORDER BY k.place) FROM pg_index AS i
CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = CAST(:target AS regclass) AND i.indisunique AND i.indisvalid AND i.indimmediate
  AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
GROUP BY i.indexrelid ORDER BY i.indexrelid LIMIT 1
"""

#: makes a relation as the role of queries; see `PostgresMarts`
MakeAs = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Refreshed:
    """How a refresh was done."""

    #: the columns by which rows were told apart; empty where they were not, or are numbered
    key: tuple[str, ...] = ()
    #: the relation that holds the rows; empty where it is the datamart's own
    stored: str = ""
    note: str | None = None


class MaterializedMart:
    """One of them, in a transaction."""

    def __init__(
        self,
        connection: AsyncConnection,
        mart: Datamart,
        query: GuardedQuery,
        role: str | None,
        make_as: MakeAs,
        columns: Sequence[str],
    ) -> None:
        self._connection = connection
        self._mart = mart
        self._query = query
        self._role = role
        self._make_as = make_as
        self._columns = columns
        self._target = f"{quote(mart.schema)}.{quote(mart.name)}"
        self._hidden = f"headrace_marts.{quote(mart.datamart_id)}"

    async def refresh(self, *, concurrent: bool) -> Refreshed:
        """Refresh it; the first time nobody can read it before that has ended."""
        kind, populated = await self._state()
        if kind == "v":
            await self._run(self._hidden, concurrent=concurrent)
            return Refreshed(stored=self._hidden)
        if not populated or not concurrent:
            return await self._refresh_plainly(first=not populated)
        key = await self._key() or await self._make_key()
        if not key:
            return await self._number()
        try:
            async with self._connection.begin_nested():
                await self._run(self._target, concurrent=True)
        except DBAPIError as error:
            if sqlstate_of(error) not in _ALIKE:
                raise
            # They were different so far.
            return await self._number()
        return Refreshed(key)

    async def _state(self) -> tuple[str, bool]:
        [(kind, populated)] = await rows(
            self._connection,
            "SELECT CAST(c.relkind AS text), c.relispopulated FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
            " WHERE n.nspname = :schema AND c.relname = :name",
            schema=self._mart.schema,
            name=self._mart.name,
        )
        return kind, populated

    async def _run(self, target: str, *, concurrent: bool) -> None:
        word = " CONCURRENTLY" if concurrent else ""
        await execute(self._connection, f"REFRESH MATERIALIZED VIEW{word} {target}")

    async def _refresh_plainly(self, *, first: bool) -> Refreshed:
        """Refresh it while readers wait, and look for a key to spare them that the next time."""
        try:
            async with self._connection.begin_nested():
                await self._run(self._target, concurrent=False)
        except DBAPIError as error:
            if sqlstate_of(error) not in _NO_INDEX:
                raise
            await self._drop_key()
            await self._run(self._target, concurrent=False)
        key = await self._key() or await self._make_key()
        if first and not key:
            return await self._number(again=False)
        return Refreshed(key)

    async def _key(self) -> tuple[str, ...]:
        found = await rows(self._connection, _FIND_KEY, target=self._target.replace("\\:", ":"))
        return tuple(found[0][0]) if found else ()

    @property
    def _index(self) -> str:
        return f"headrace_{self._mart.datamart_id.replace('-', '')}"

    async def _make_key(self) -> tuple[str, ...]:
        """Make the unique index of the first columns that tell all rows apart, if any do."""
        # Its library is large: only a process that refreshes something loads it.
        from headrace_server.warehouse.marts_keys import candidate_keys  # noqa: PLC0415

        for columns in candidate_keys(self._query.sql, "postgresql", self._columns):
            try:
                async with self._connection.begin_nested():
                    await execute(
                        self._connection,
                        f"CREATE UNIQUE INDEX {quote(self._index)} ON {self._target}"
                        f" ({columns_of(columns)}) NULLS NOT DISTINCT",
                    )
            except DBAPIError as error:
                if sqlstate_of(error) not in _NO_INDEX:
                    raise
            else:
                return columns
        return ()

    async def _drop_key(self) -> None:
        name = f"{quote(self._mart.schema)}.{quote(self._index)}"
        await execute(self._connection, f"DROP INDEX IF EXISTS {name}")

    async def _number(self, *, again: bool = True) -> Refreshed:
        """Number the rows out of sight; where others depend on it, refresh it while readers wait.

        `again` says that the rows are not refreshed yet.
        """
        await self._make_hidden()
        if await self._replace():
            note = "no columns tell its rows apart, so they are numbered out of sight"
            return Refreshed(stored=self._hidden, note=note)
        await execute(self._connection, f"DROP MATERIALIZED VIEW {self._hidden}")
        if again:
            await self._drop_key()
            await self._run(self._target, concurrent=False)
        return Refreshed(
            note="not concurrent: no columns tell its rows apart any more, and others depend on it"
        )

    async def _make_hidden(self) -> None:
        create = (
            f"CREATE MATERIALIZED VIEW {self._hidden} AS"
            f" SELECT row_number() OVER () AS {quote(_NUMBER)}, q.* FROM ("
        )
        end = ") AS q WITH NO DATA"
        await self._make_as(self._connection, self._role, create, self._query, end)
        await self._run(self._hidden, concurrent=False)
        await execute(self._connection, f"CREATE UNIQUE INDEX ON {self._hidden} ({quote(_NUMBER)})")
        # Before anybody has to wait for it.
        await execute(self._connection, f"ANALYZE {self._hidden}")

    async def _replace(self) -> bool:
        """Put a view in the place of the materialized view; False where others depend on it.

        Readers are let by: who would have to wait long goes first.
        """
        try:
            return await patiently(self._connection, self._put_view)
        except DBAPIError as error:
            if sqlstate_of(error) != DEPENDED_ON:
                raise
            return False

    async def _put_view(self) -> None:
        """Drop the materialized view and make a view of that name that has its rights."""
        grants = await rows(
            self._connection,
            "SELECT format('GRANT %s ON %s TO %s', a.privilege_type, CAST(:target AS text),"
            " coalesce(quote_ident(r.rolname), 'PUBLIC')) FROM pg_class AS c"
            " CROSS JOIN aclexplode(c.relacl) AS a LEFT JOIN pg_roles AS r ON r.oid = a.grantee"
            " WHERE c.oid = CAST(:target AS regclass) AND a.grantee <> c.relowner"
            " AND a.privilege_type = 'SELECT'",
            target=self._target.replace("\\:", ":"),
        )
        await execute(self._connection, f"DROP MATERIALIZED VIEW {self._target}")
        await execute(
            self._connection,
            f"CREATE VIEW {self._target} AS SELECT {columns_of(self._columns)} FROM {self._hidden}",
        )
        for (grant,) in grants:
            await self._connection.exec_driver_sql(grant)
