"""New datamarts, and new versions of them: checked, recorded, made."""

import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from headrace_server.core.datamarts.lineage import Lineage
from headrace_server.core.datamarts.refreshes import Refreshes
from headrace_server.core.row_counting import rows_of
from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.schedules.times import check
from headrace_server.db import datamarts as mart_rows
from headrace_server.db.datamarts import SCHEDULE_KIND
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.db.wakeups import DATAMARTS, Wakeups
from headrace_server.model.datamart import (
    Cause,
    Datamart,
    MartStatus,
    MartType,
    NewDatamart,
    Refresh,
    RefreshStrategy,
    Relation,
    Version,
)
from headrace_server.model.errors import (
    AlreadyExistsError,
    FieldViolation,
    InvalidFieldError,
    InvalidQueryError,
    QueryTimeoutError,
    QuotaExceededError,
)
from headrace_server.model.tenant import Principal
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.marts import select_all
from headrace_server.warehouse.registry import Warehouses

#: datamarts of one tenant
MOST_MARTS = 1000
#: bytes of the longest name
_LONGEST_NAME = 63
#: seconds in which the rows of a new VIEW are counted, else they are not
_COUNTING_SECONDS = 5
_RETRY_AFTER = 60.0


class Definitions:
    """Makes datamarts."""

    def __init__(
        self,
        store: ControlStore,
        refreshes: Refreshes,
        schedules: Schedules,
        warehouses: Warehouses,
        wakeups: Wakeups,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._refreshes = refreshes
        self._schedules = schedules
        self._warehouses = warehouses
        self._wakeups = wakeups
        self._clock = clock

    async def create(
        self, caller: Principal, new: NewDatamart, version: Version | None = None
    ) -> Datamart:
        """Make a datamart, which has no rows unless it is a VIEW.

        Raises InvalidFieldError, which names the field; InvalidQueryError for the query;
        AlreadyExistsError where a table or a datamart has the name; QuotaExceededError.
        """
        _check(new)
        async with self._warehouses.use(caller.tenant_id) as warehouse:
            try:
                return await self._create(caller, new, version, warehouse)
            except InvalidQueryError as error:
                raise _of_query(error) from error

    async def create_version(
        self, caller: Principal, new: NewDatamart, version: Version
    ) -> tuple[Datamart, Refresh]:
        """Make a version, which is refreshed at once. Raises what `create` raises."""
        if len(new.name) > _LONGEST_NAME:
            raise InvalidFieldError.of(
                "version", f"must make a name of at most {_LONGEST_NAME} letters: {new.name!r}"
            )
        mart = await self.create(caller, new, version)
        async with self._store.begin() as connection:
            refresh = await self._refreshes.begin(connection, mart.datamart_id, Cause.REQUEST)
        self._refreshes.announce(refresh)
        return mart, refresh

    async def _create(
        self, caller: Principal, new: NewDatamart, version: Version | None, warehouse: Warehouse
    ) -> Datamart:
        query = await warehouse.guarded(new.query)
        mart = _datamart(caller, new, version, _sources(query.tables, query.dialect), self._clock())
        async with self._store.begin() as connection:
            await mart_rows.lock_tenant(connection, mart.tenant_id)
            await self._check_place(connection, mart)
            await mart_rows.insert(connection, mart)
            if new.schedule is not None:
                await self._schedule(connection, mart, new)
        try:
            await warehouse.marts.create(mart, query)
            if mart.type is MartType.VIEW:
                await self._count(warehouse, mart)
        except BaseException:
            async with self._store.begin() as connection:
                await self._schedules.clear(
                    connection, mart.tenant_id, SCHEDULE_KIND, mart.datamart_id
                )
                await mart_rows.delete(connection, mart.datamart_id)
            raise
        self._wakeups.notify(DATAMARTS)
        self._schedules.announce()
        async with self._store.read() as connection:
            return await mart_rows.find_in_any_tenant(connection, mart.datamart_id) or mart

    async def _schedule(self, connection: Connection, mart: Datamart, new: NewDatamart) -> None:
        assert new.schedule is not None  # noqa: S101  # the caller has seen to that
        await self._schedules.set(
            connection, mart.tenant_id, SCHEDULE_KIND, mart.datamart_id, new.schedule
        )
        await mart_rows.update(
            connection,
            mart.datamart_id,
            schedule_id=str(uuid.uuid4()),
            schedule_concurrent=new.concurrent,
        )

    async def _check_place(self, connection: Connection, mart: Datamart) -> None:
        """Raise an error where a datamart cannot be among those of its tenant."""
        marts = await mart_rows.of_tenant(connection, mart.tenant_id)
        if len(marts) >= MOST_MARTS:
            raise QuotaExceededError(
                f"a tenant has at most {MOST_MARTS} datamarts: delete some",
                limit="datamarts",
                retry_after=_RETRY_AFTER,
            )
        taken = {each.relation for each in marts}
        shared = {name for each in marts for name in each.names[1:]}
        for name in mart.names:
            if name in taken or (name in shared and name == mart.relation):
                raise AlreadyExistsError("datamart", f"{name[0]}.{name[1]}")
        if way := Lineage(marts).path_to(mart.names, mart.sources):
            through = " reads ".join(f"{schema}.{name}" for schema, name in way)
            raise InvalidFieldError.of("query", f"a datamart cannot read itself: {through}")

    async def _count(self, warehouse: Warehouse, mart: Datamart) -> None:
        """Count the rows of a view, where that takes no longer than somebody waits.

        What it reads may not have been refreshed yet.
        """
        count = 0
        with suppress(QueryTimeoutError, InvalidQueryError):
            count = await rows_of(warehouse, select_all(mart.relation), _COUNTING_SECONDS)
        async with self._store.begin() as connection:
            await mart_rows.update(
                connection, mart.datamart_id, rows_count=count, status=MartStatus.READY.value
            )


def _check(new: NewDatamart) -> None:
    """Raise InvalidFieldError for what makes no sense, by itself or together."""
    if new.schedule is not None:
        check(new.schedule, cron_field="schedule")
    if new.schema.startswith(("headrace", "pg_")) or new.schema == "information_schema":
        raise InvalidFieldError.of("schema", f"{new.schema!r} is reserved: choose another name")
    if new.schedule is not None and new.strategy is not RefreshStrategy.SCHEDULED:
        raise InvalidFieldError.of(
            "refresh_strategy", "must be SCHEDULED, or not given, where a schedule is given"
        )
    if new.type is MartType.VIEW and new.strategy is not RefreshStrategy.ON_DEMAND:
        raise InvalidFieldError.of(
            "refresh_strategy", "must be ON_DEMAND for a VIEW, which keeps no rows"
        )


def _datamart(
    caller: Principal,
    new: NewDatamart,
    version: Version | None,
    sources: tuple[Relation, ...],
    now: datetime,
) -> Datamart:
    return Datamart(
        datamart_id=str(uuid.uuid4()),
        tenant_id=caller.tenant_id,
        schema=new.schema,
        name=new.name,
        query=new.query,
        type=new.type,
        strategy=new.strategy,
        concurrent=new.concurrent,
        description=new.description,
        metadata=new.metadata,
        sources=sources,
        status=MartStatus.CREATED,
        rows=0,
        size_bytes=0,
        last_refresh=None,
        error=None,
        unique_key=(),
        created_at=now,
        version=version,
    )


def _sources(tables: tuple[Relation, ...], dialect: str) -> tuple[Relation, ...]:
    """What a query reads; SQLite takes names in whatever case for the same."""
    if dialect != "sqlite":
        return tables
    return tuple(sorted({(schema.lower(), name.lower()) for schema, name in tables}))


def _of_query(error: InvalidQueryError) -> InvalidQueryError:
    """The error with the name that the field has in requests for datamarts."""
    violations = [FieldViolation("query", each.description) for each in error.violations]
    message = error.message.replace("sql:", "query:", 1)
    return InvalidQueryError(message, *violations, **(error.metadata | {"field": "query"}))
