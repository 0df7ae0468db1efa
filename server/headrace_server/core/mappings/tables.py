"""table: addresses: the tables of the tenant's warehouse, as sources."""

import re
from collections.abc import Sequence

from headrace_server.connectors.base import Call, ConnectorError, Output, TemporaryError
from headrace_server.model.errors import NotFoundError, StorageUnavailableError
from headrace_server.model.mapping import Record
from headrace_server.warehouse.registry import Warehouses

#: rows that one mapping carries at most, since they are held in memory
MAX_ROWS = 10_000

_ADDRESS = re.compile(r"table:(?:(?P<schema>[^./\s]+)\.)?(?P<name>[^./\s]+)", re.IGNORECASE)


class TableConnector:
    """Reads tables of the warehouse of whoever asks."""

    tries = 3

    def __init__(self, warehouses: Warehouses, *, max_rows: int = MAX_ROWS) -> None:
        self._warehouses = warehouses
        self._max_rows = max_rows

    def check(self, address: str, *, written: bool) -> None:
        """Refuse to write: the rows of tables come with files, checked by their contract."""
        table_of(address)
        if written:
            raise ConnectorError("tables cannot be written by mappings; ingest a file instead")

    def host_of(self, address: str) -> None:
        """Set no limits."""

    async def read(self, address: str, call: Call) -> list[Record]:
        """Read all rows of a table. Raises ConnectorError where they are too many."""
        schema, name = table_of(address)
        try:
            async with self._warehouses.use(call.tenant_id) as warehouse:
                rows = await warehouse.read_rows(schema, name, self._max_rows + 1)
        except NotFoundError as error:
            raise ConnectorError(f"there is no table {schema}.{name}") from error
        except StorageUnavailableError as error:
            raise TemporaryError("the warehouse cannot be reached now") from error
        if len(rows) > self._max_rows:
            raise ConnectorError(f"{schema}.{name} has more than {self._max_rows} rows")
        return rows

    async def write(self, address: str, records: Sequence[Record], call: Call) -> Output:  # noqa: ARG002  # the protocol's
        """Refuse."""
        raise ConnectorError("tables cannot be written by mappings")


def table_of(address: str) -> tuple[str, str]:
    """Return schema and name of a table: address. Raises ConnectorError."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ConnectorError("a table is addressed as table:schema.name")
    return found["schema"] or "public", found["name"]
