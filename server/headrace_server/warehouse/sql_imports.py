"""What imports need of a warehouse beside merging; see `Warehouse`."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncEngine

from headrace_server.model.contract import Table
from headrace_server.model.warehouse import Catalog
from headrace_server.warehouse import bookkeeping, drafts
from headrace_server.warehouse.definitions import find_definition, names_after
from headrace_server.warehouse.dialect import Dialect
from headrace_server.warehouse.import_tables import (
    apply_import,
    find_made,
    import_change,
    plain_name,
    standing,
)
from headrace_server.warehouse.transactions import Transactions


class SqlImports(Transactions):
    """Tables that files are imported into."""

    def __init__(self, engine: AsyncEngine, dialect: Dialect) -> None:
        super().__init__(engine, dialect)
        self._imported: set[str] = set()

    async def definition(self, name: str) -> Table | None:
        """See `Warehouse.definition`."""
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            return await find_made(connection, self._words, plain_name(name))

    async def prepare_import(self, table: Table, *, catalog: Catalog) -> Table:
        """See `Warehouse.prepare_import`."""
        table = replace(table, name=plain_name(table.name))
        if table.name in catalog:
            await self.prepare(catalog)
            return catalog[table.name]
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            found = await find_definition(connection, self._words, table.name)
        if found is None or import_change(found, table) is not None:
            async with self._defining() as connection:
                found = await apply_import(connection, self._words, table)
        self._imported.add(table.name)
        return standing(table, found)

    async def _is_imported(self, table: Table) -> bool:
        """Whether imports made the table, so that it may have other types than when it was read.

        It is asked once for each table.
        """
        if table.name.startswith(self._words.draft("")):
            return True
        if table in self._prepared:
            return False
        if table.name in self._imported:
            return True
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            found = await find_definition(connection, self._words, table.name)
        if found is None or not found.imported:
            return False
        self._imported.add(table.name)
        return True

    async def draft(self, table: Table, import_id: str) -> Table:
        """See `Warehouse.draft`."""
        table = replace(table, name=plain_name(table.name))
        async with self._defining() as connection:
            found = await drafts.draft(connection, self._words, table, import_id)
        return standing(table, found)

    async def replace(self, name: str, import_id: str, attempt: int) -> None:
        """See `Warehouse.replace`."""

        async def exchange() -> None:
            async with self._defining() as connection:
                await bookkeeping.raise_fence(connection, self._words, import_id, attempt)
                await drafts.replace_rows(connection, self._words, plain_name(name), import_id)

        await self._trying_again(exchange, replacing=import_id)

    async def drop_draft(self, import_id: str, attempt: int) -> None:
        """See `Warehouse.drop_draft`."""
        async with self._defining() as connection:
            await bookkeeping.raise_fence(connection, self._words, import_id, attempt)
            await drafts.drop(connection, self._words, import_id)

    async def drafts(self) -> list[str]:
        """See `Warehouse.drafts`."""
        await self._prepare_bookkeeping()
        async with self._read() as connection:
            return await names_after(connection, self._words, self._words.draft(""))
