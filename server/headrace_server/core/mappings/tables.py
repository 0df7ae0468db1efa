"""table: addresses: the tables of the tenant's warehouse."""

import re
from collections.abc import Sequence

from headrace_server.connectors.base import (
    MAX_BYTES,
    Call,
    ConnectorError,
    Output,
    TemporaryError,
)
from headrace_server.core.mappings.table_loads import TableLoads
from headrace_server.model.errors import (
    InvalidContractError,
    NotFoundError,
    StorageUnavailableError,
    TooLargeError,
    WrongStateError,
)
from headrace_server.model.mapping import Record
from headrace_server.model.row_counts import all_rejected_text
from headrace_server.model.warehouse import LedgerEntry
from headrace_server.warehouse.registry import Warehouses

#: rows that one mapping carries at most, since they are held in memory
MAX_ROWS = 10_000

_ADDRESS = re.compile(r"table:(?:(?P<schema>[^./\s]+)\.)?(?P<name>[^./\s]+)", re.IGNORECASE)


class TableConnector:
    """Reads tables of the warehouse of whoever asks, and writes those that a contract declares."""

    tries = 3

    def __init__(
        self,
        warehouses: Warehouses,
        loads: TableLoads,
        *,
        max_rows: int = MAX_ROWS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._warehouses = warehouses
        self._loads = loads
        self._max_rows = max_rows
        self._max_bytes = max_bytes

    def check(self, address: str, *, written: bool) -> None:  # noqa: ARG002  # the protocol's
        """Refuse what names no table; which there are is the tenant's matter."""
        table_of(address)

    def host_of(self, address: str) -> None:
        """Set no limits."""

    async def read(self, address: str, call: Call) -> list[Record]:
        """Read all rows of a table. Raises ConnectorError where they are too many."""
        schema, name = table_of(address)
        try:
            async with self._warehouses.use(call.tenant_id) as warehouse:
                rows = await warehouse.read_rows(
                    schema, name, self._max_rows + 1, max_bytes=self._max_bytes
                )
        except NotFoundError as error:
            raise ConnectorError(f"there is no table {schema}.{name}") from error
        except TooLargeError as error:
            raise ConnectorError(
                f"{schema}.{name} has more than the {self._max_bytes} bytes that a mapping carries"
            ) from error
        except StorageUnavailableError as error:
            raise TemporaryError("the warehouse cannot be reached now") from error
        if len(rows) > self._max_rows:
            raise ConnectorError(f"{schema}.{name} has more than {self._max_rows} rows")
        return rows

    async def write(self, address: str, records: Sequence[Record], call: Call) -> Output:
        """Load the records as the rows of a file are loaded, once however often it is called.

        Says how many rows were loaded, rejected and parked. Raises ConnectorError where all were
        rejected: carried again they replace those rejects.
        """
        name = declared_name(address)
        if not records:
            return _counts(0, 0, 0)
        try:
            entry = await self._loads.load(name, records, call)
        except NotFoundError as error:
            raise ConnectorError(f"no contract declares the table {name}") from error
        except (InvalidContractError, WrongStateError) as error:
            raise ConnectorError(f"table {name}: {error.message}") from error
        except StorageUnavailableError as error:
            raise TemporaryError("the warehouse cannot take rows now") from error
        return _answer(name, entry)


def table_of(address: str) -> tuple[str, str]:
    """Return schema and name of a table: address. Raises ConnectorError."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise ConnectorError("a table is addressed as table:schema.name")
    return found["schema"] or "public", found["name"]


def declared_name(address: str) -> str:
    """Return the name that a contract gives the table of an address. Raises ConnectorError."""
    schema, name = table_of(address)
    return name if schema == "public" else f"{schema}.{name}"


def _answer(name: str, entry: LedgerEntry) -> Output:
    if entry.rows_rejected == entry.rows_read:
        told = all_rejected_text(entry.rows_read)
        raise ConnectorError(f"table {name}: {told}; ListRejects says why")
    return _counts(entry.rows_loaded, entry.rows_rejected, entry.rows_parked)


def _counts(loaded: int, rejected: int, parked: int) -> Output:
    return {"rows_loaded": loaded, "rows_rejected": rejected, "rows_parked": parked}
