"""The queries that sources stand for."""

from headrace_server.db import datamarts as mart_rows
from headrace_server.db.engine import ControlStore
from headrace_server.model.errors import (
    FieldViolation,
    InvalidFieldError,
    InvalidQueryError,
    NotFoundError,
)
from headrace_server.model.export import ExportSource, SourceType
from headrace_server.warehouse.base import Warehouse
from headrace_server.warehouse.guarding.query import GuardedQuery
from headrace_server.warehouse.guarding.quotes import quoted

#: where names without a schema are looked for, in this order
_SCHEMAS = ("analytics", "public")


class SourceQueries:
    """Finds what sources name, and lets the guard read what users wrote."""

    def __init__(self, store: ControlStore) -> None:
        self._store = store

    async def read(
        self, tenant_id: str, warehouse: Warehouse, source: ExportSource, field: str
    ) -> GuardedQuery:
        """The query of a source.

        Raises NotFoundError for a datamart or table that is not there, InvalidQueryError that names
        the field for a query that the guard refuses.
        """
        if source.type is SourceType.QUERY:
            return await _guarded(warehouse, source.query, field)
        relation = await self._relation(tenant_id, warehouse, source)
        name = ".".join(quoted(part, '"') for part in relation)
        return await _guarded(warehouse, f"SELECT * FROM {name}", field)  # noqa: S608  # quoted

    async def _relation(
        self, tenant_id: str, warehouse: Warehouse, source: ExportSource
    ) -> tuple[str, str]:
        """Schema and name in the warehouse; of a datamart in versions those of the newest."""
        schemas = (source.schema,) if source.schema else _SCHEMAS
        for schema in schemas:
            async with self._store.read() as connection:
                mart = await mart_rows.find(connection, tenant_id, schema, source.name)
            if mart is not None:
                return schema, mart.name
            if await _is_table(warehouse, schema, source.name):
                return schema, source.name
        what = "datamart" if source.type is SourceType.DATAMART else "table"
        raise NotFoundError(what, f"{' or '.join(schemas)}.{source.name}")


async def _is_table(warehouse: Warehouse, schema: str, name: str) -> bool:
    try:
        await warehouse.describe_table(schema, name)
    except NotFoundError:
        return False
    return True


async def _guarded(warehouse: Warehouse, sql: str, field: str) -> GuardedQuery:
    try:
        return await warehouse.guarded(sql)
    except InvalidQueryError as error:
        raise in_field(error, field) from error


def in_field(error: InvalidFieldError, field: str) -> InvalidFieldError:
    """The same error with the name that the field has in the request."""
    words = error.message.removeprefix("sql: ")
    metadata = {**error.metadata, "field": field}
    return type(error)(f"{field}: {words}", FieldViolation(field, words), **metadata)
