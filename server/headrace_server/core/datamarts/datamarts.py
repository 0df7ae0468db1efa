"""Datamarts as their callers see them: shown, read, deleted."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

import structlog

from headrace_server.core.datamarts.lineage import Lineage
from headrace_server.core.datamarts.refreshes import Refreshes, find_mart
from headrace_server.core.pages import decode_token, page_of
from headrace_server.core.row_counting import rows_of
from headrace_server.core.schedules.schedules import Schedules
from headrace_server.db import datamart_refreshes as refresh_rows
from headrace_server.db import datamarts as mart_rows
from headrace_server.db.datamarts import SCHEDULE_KIND
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import DATAMARTS, Wakeups
from headrace_server.model.datamart import Datamart, MartType, Relation
from headrace_server.model.errors import NotFoundError, WrongStateError
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.query import QueryBatch, QueryColumn
from headrace_server.model.tenant import Principal
from headrace_server.warehouse.marts import select_all
from headrace_server.warehouse.registry import Warehouses

#: seconds of a preview
_PREVIEW_SECONDS = 30
#: characters of a preview after which no more rows are read, in about
_MOST_CHARACTERS = 8 << 20

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ShownMart:
    """A datamart, and how it stands to others."""

    mart: Datamart
    #: those of its sources that are datamarts
    marts_read: frozenset[Relation]
    #: the datamarts that read it
    dependants: tuple[Relation, ...]


@dataclass(frozen=True, slots=True)
class MartPreview:
    """The first rows of a datamart."""

    mart: Datamart
    columns: tuple[QueryColumn, ...]
    pieces: tuple[QueryBatch, ...]
    total_rows: int


class Datamarts:
    """The datamarts of all tenants."""

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

    async def get(self, caller: Principal, schema: str, name: str) -> ShownMart:
        """Return a datamart, of several versions the newest. Raises NotFoundError."""
        async with self._store.read() as connection:
            mart = await find_mart(connection, caller.tenant_id, schema, name)
            lineage = Lineage(await mart_rows.of_tenant(connection, caller.tenant_id))
        return ShownMart(
            mart,
            frozenset(filter(lineage.is_datamart, mart.sources)),
            tuple(sorted(each.relation for each in lineage.dependants(mart))),
        )

    async def list(
        self, caller: Principal, schema: str, page: PageRequest
    ) -> tuple[Page[ShownMart], int]:
        """Return a page of the datamarts by schema and name, and how many there are."""
        first, last = map(str, decode_token(page.token, str, str)) if page.token else ("", "")
        tenant_id = caller.tenant_id
        async with self._store.read() as connection:
            lineage = Lineage(await mart_rows.of_tenant(connection, tenant_id))
            total = await mart_rows.count(connection, tenant_id, schema)
            found = await mart_rows.page(
                connection, tenant_id, schema, (first, last), page.limit + 1
            )
        shown = [
            ShownMart(mart, frozenset(filter(lineage.is_datamart, mart.sources)), ())
            for mart in found
        ]
        return page_of(shown, page.limit, lambda last: list(last.mart.relation)), total

    async def preview(self, caller: Principal, schema: str, name: str, limit: int) -> MartPreview:
        """Return the first rows of a datamart. Raises NotFoundError, WrongStateError before any."""
        async with self._store.read() as connection:
            mart = await find_mart(connection, caller.tenant_id, schema, name)
        if mart.refresh_required:
            raise WrongStateError(
                f"{schema}.{name} has no rows before it is refreshed", status=mart.status.value
            )
        columns: tuple[QueryColumn, ...] = ()
        pieces: list[QueryBatch] = []
        async with self._warehouses.use(caller.tenant_id) as warehouse:
            query = await warehouse.guarded(select_all(mart.relation))
            length = 0
            answer = warehouse.query(query, most_rows=limit, timeout=_PREVIEW_SECONDS)
            async with aclosing(answer) as found:
                async for piece in found:
                    columns = columns or piece.columns
                    pieces.append(piece)
                    length += _length(piece)
                    if length > _MOST_CHARACTERS:
                        break
            total = mart.rows
            if mart.type is MartType.VIEW:
                total = await rows_of(warehouse, select_all(mart.relation), _PREVIEW_SECONDS)
        return MartPreview(mart, columns, tuple(pieces), total)

    async def delete(
        self, caller: Principal, schema: str, name: str, *, cascade: bool
    ) -> Sequence[Relation]:
        """Delete a datamart, or all versions of a name; returns what was deleted.

        Raises NotFoundError; WrongStateError for the newest of several versions, and, without
        `cascade`, where others read it or it has a schedule.
        """
        async with self._store.read() as connection:
            marts = await mart_rows.of_tenant(connection, caller.tenant_id)
        found = _named(marts, (schema, name))
        readers = Lineage(marts).all_dependants(found)
        if not cascade:
            _refuse_to_break(f"{schema}.{name}", found, readers)
        await self._delete([*readers, *reversed(found)])
        return sorted(mart.relation for mart in (*readers, *found))

    async def drop_expired(self) -> None:
        """Delete the versions, of all tenants, whose time is over, unless others read them."""
        async with self._store.read() as connection:
            expired = await mart_rows.expired(connection, self._clock())
        for mart in expired:
            try:
                await self._drop_unless_read(mart)
            except Exception:  # noqa: BLE001  # others are due too; it is tried again next time
                _log.exception("datamarts.cannot_drop", datamart_id=mart.datamart_id)

    async def _drop_unless_read(self, mart: Datamart) -> None:
        async with self._store.read() as connection:
            marts = await mart_rows.of_tenant(connection, mart.tenant_id)
        if any(mart.relation in each.sources for each in marts):
            _log.info("datamarts.expired_is_read", datamart=mart.name, tenant_id=mart.tenant_id)
            return
        await self._delete([mart])

    async def _delete(self, marts: Sequence[Datamart]) -> None:
        """Delete datamarts of one tenant, those first that read others."""
        for mart in marts:
            await self._cancel(mart)
        relations = [relation for mart in marts for relation in _relations(mart)]
        async with self._warehouses.use(marts[0].tenant_id) as warehouse:
            await warehouse.marts.drop(relations)
        async with self._store.begin() as connection:
            for mart in marts:
                await self._schedules.clear(
                    connection, mart.tenant_id, SCHEDULE_KIND, mart.datamart_id
                )
            await mart_rows.lock_all(connection, [mart.datamart_id for mart in marts])
            for mart in marts:
                await mart_rows.delete(connection, mart.datamart_id)
        self._wakeups.notify(DATAMARTS)

    async def _cancel(self, mart: Datamart) -> None:
        """Cancel the refresh of a datamart that is under way."""
        caller = Principal(mart.tenant_id, frozenset(), None)
        async with self._store.read() as connection:
            refresh = await refresh_rows.find_open(connection, mart.datamart_id)
        if refresh is not None:
            await self._refreshes.cancel(caller, mart.schema, mart.name, refresh.refresh_id)


def _named(marts: Sequence[Datamart], relation: Relation) -> list[Datamart]:
    """The datamart of a name, or all versions of it. Raises NotFoundError, WrongStateError."""
    named = [mart for mart in marts if mart.relation == relation]
    versions = [mart for mart in marts if relation in mart.names]
    if not versions:
        raise NotFoundError("datamart", ".".join(relation))
    for mart in named:
        if mart.version is not None and mart.expires_at is None:
            whole = f"{mart.schema}.{mart.version.versioned_name}"
            raise WrongStateError(
                f"{mart.schema}.{mart.name} is what {whole} stands for: delete {whole}, or create a"
                " newer version first"
            )
    return named or versions


def _refuse_to_break(name: str, marts: Sequence[Datamart], readers: Sequence[Datamart]) -> None:
    """Raise WrongStateError where others read a datamart or it has a schedule."""
    what = [f"{mart.schema}.{mart.name} reads it" for mart in readers]
    what += [f"it is scheduled ({mart.schedule.schedule.cron})" for mart in marts if mart.schedule]
    if what:
        raise WrongStateError(
            f"{name} is still needed: {'; '.join(what)}; give cascade to delete all of that",
            dependants=", ".join(f"{mart.schema}.{mart.name}" for mart in readers),
        )


def _relations(mart: Datamart) -> list[Relation]:
    """What is dropped with a datamart; before the last of several versions their name is."""
    if mart.version is None or mart.expires_at is not None:
        return [mart.relation]
    return [*reversed(mart.names)]


def _length(piece: QueryBatch) -> int:
    return sum(len(value) for row in piece.rows for value in row if isinstance(value, str | bytes))
