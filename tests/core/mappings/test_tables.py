from dataclasses import replace

import pytest

from headrace_server.app import Core
from headrace_server.composition.connections import connectors_of, roots_of
from headrace_server.config import ConfigError
from headrace_server.connectors.base import Call, ConnectorError, TemporaryError
from headrace_server.connectors.http import HttpConnector
from headrace_server.core.mappings.tables import TableConnector, table_of
from headrace_server.model.contract import Column, ColumnType, Contract, Table
from headrace_server.model.errors import StorageUnavailableError
from headrace_server.warehouse.registry import Warehouses

from .conftest import CALLER

CALL = Call("default", "r1", "m1", 1)
TABLE = Table("towns", (Column("name", ColumnType.STRING),), ("name",), ())


@pytest.fixture
async def warehouses(core: Core) -> Warehouses:
    """Those of the core, of which the default tenant's has an empty table `towns`."""
    found = core.loading._warehouses
    async with found.use("default") as warehouse:
        await warehouse.prepare({"towns": TABLE})
    return found


@pytest.mark.parametrize("address", ["table:public.towns", "table:towns", "TABLE:towns"])
async def test_the_rows_of_a_table_are_read(
    core: Core, warehouses: Warehouses, address: str
) -> None:
    connector = TableConnector(warehouses, core.mappings._loads)
    connector.check(address, written=False)
    assert await connector.read(address, CALL) == []


async def test_another_tenants_table_is_not_there(core: Core, warehouses: Warehouses) -> None:
    with pytest.raises(ConnectorError, match=r"there is no table public\.towns") as caught:
        await TableConnector(warehouses, core.mappings._loads).read(
            "table:towns", Call("other", "r1", "m1", 1)
        )
    assert not isinstance(caught.value, TemporaryError)


async def test_too_many_rows_are_refused(core: Core, warehouses: Warehouses) -> None:
    connector = TableConnector(warehouses, core.mappings._loads, max_rows=-1)
    with pytest.raises(ConnectorError, match=r"public\.towns has more than -1 rows"):
        await connector.read("table:towns", CALL)


async def test_a_warehouse_that_is_away_may_come_back(
    core: Core, warehouses: Warehouses, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with warehouses.use("default") as warehouse:

        async def read_rows(*_: object, **__: object) -> None:
            raise StorageUnavailableError("gone")

        monkeypatch.setattr(warehouse, "read_rows", read_rows)
        with pytest.raises(TemporaryError, match="cannot be reached"):
            await TableConnector(warehouses, core.mappings._loads).read("table:towns", CALL)


async def test_a_table_of_too_many_bytes_is_refused(core: Core, warehouses: Warehouses) -> None:
    loads = core.mappings._loads
    records = [{"name": f"{number:03}"} for number in range(100)]
    await core.services.contracts.register(CALLER, Contract("geography", (TABLE,)))
    await TableConnector(warehouses, loads).write("table:towns", records, CALL)
    enough = TableConnector(warehouses, loads, max_bytes=300)
    assert await enough.read("table:towns", CALL) == records
    with pytest.raises(ConnectorError, match=r"more than the 299 bytes") as caught:
        await TableConnector(warehouses, loads, max_bytes=299).read("table:towns", CALL)
    assert not isinstance(caught.value, TemporaryError)


@pytest.mark.parametrize("address", ["table:", "table:a.b.c", "table:a b", "table:a/b", "table:a."])
def test_what_names_no_table_is_refused(address: str) -> None:
    with pytest.raises(ConnectorError, match=r"addressed as table:schema\.name"):
        table_of(address)


async def test_every_scheme_has_its_connector(core: Core, warehouses: Warehouses) -> None:
    http = HttpConnector(allow_private=False)
    config = replace(core.config, allowed_roots="s3://shop/in,memory://")
    connectors = connectors_of(config, http, TableConnector(warehouses, core.mappings._loads))
    assert connectors.schemes == ["file", "http", "https", "memory", "s3", "table"]
    connectors.check("s3://shop/in/a.json", written=True)
    with pytest.raises(ConnectorError, match="below no root"):
        connectors.check("s3://shop/a.json", written=True)
    with pytest.raises(ConnectorError, match="HEADRACE_ALLOWED_ROOTS=gs://"):
        connectors.check("gs://shop/in/a.json", written=True)
    await http.close()


def test_a_root_that_cannot_be_is_said_at_start(core: Core) -> None:
    with pytest.raises(ConfigError, match="allowed_roots: s4: can have no root"):
        roots_of(replace(core.config, allowed_roots="s4://shop"))
