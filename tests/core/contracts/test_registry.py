import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.tenants import Tenants
from headrace_server.db.engine import ControlStore
from headrace_server.db.wakeups import Wakeups
from headrace_server.model.commerce import COMMERCE
from headrace_server.model.contract import Column, ColumnType, Contract, Table
from headrace_server.model.errors import InvalidContractError, InvalidFieldError, NotFoundError
from headrace_server.model.page import PageRequest
from headrace_server.model.tenant import Principal, Scope

_ACME = Principal("acme", frozenset({Scope.WRITE}), None)
_GLOBEX = Principal("globex", frozenset({Scope.WRITE}), None)
_NOW = datetime(2026, 1, 1, 12, 30, 0, 123456, tzinfo=UTC)
_NOTE = Column("note", ColumnType.STRING, nullable=True)


@pytest.fixture
async def contracts(store: ControlStore) -> Contracts:
    tenants = Tenants(store, Wakeups())
    for name in ("acme", "globex"):
        await tenants.create(name)
    return Contracts(store, lambda: _NOW)


def _contract(name: str, *table_names: str) -> Contract:
    columns = (Column("id", ColumnType.UUID), Column("n", ColumnType.INTEGER, minimum="1"))
    return Contract(name, tuple(Table(table, columns, ("id",)) for table in table_names))


def _wider(contract: Contract) -> Contract:
    def with_note(table: Table) -> Table:
        return replace(table, columns=(*table.columns, _NOTE))

    return replace(contract, tables=tuple(map(with_note, contract.tables)))


async def test_commerce_is_in_every_tenant(contracts: Contracts) -> None:
    for caller in (_ACME, _GLOBEX):
        assert await contracts.get(caller, "commerce") == COMMERCE
        assert await contracts.get(caller, "commerce", 1) == COMMERCE
        assert (await contracts.list(caller, PageRequest())).items == (COMMERCE,)
    catalog = await contracts.catalog("acme")
    assert dict(catalog) == {table.name: table for table in COMMERCE.tables}
    assert await contracts.contract_of("acme", "orders") == "commerce"
    assert await contracts.contract_of("acme", "nothing") is None


async def test_a_contract_is_registered_as_it_is(contracts: Contracts) -> None:
    given = replace(_contract("shop", "shops", "staff"), version=7, builtin=True)
    registered = await contracts.register(_ACME, given)
    assert registered == replace(given, version=1, builtin=False, created_at=_NOW)
    assert await contracts.get(_ACME, "shop") == registered
    assert await contracts.get(_ACME, "shop", 1) == registered
    assert (await contracts.catalog("acme"))["shops"] == given.tables[0]
    assert await contracts.contract_of("acme", "staff") == "shop"


async def test_the_same_again_changes_nothing(contracts: Contracts) -> None:
    first = await contracts.register(_ACME, _contract("shop", "shops", "staff"))
    again = await contracts.register(_ACME, _contract("shop", "staff", "shops"))
    assert again == first
    assert await contracts.register(_ACME, replace(COMMERCE, builtin=False)) == COMMERCE
    assert (await contracts.list(_ACME, PageRequest())).items == (COMMERCE, first)


async def test_a_change_makes_the_next_version_and_keeps_the_old(contracts: Contracts) -> None:
    first = await contracts.register(_ACME, _contract("shop", "shops"))
    await contracts.catalog("acme")
    second = await contracts.register(_ACME, _wider(first))
    assert second.version == 2
    assert await contracts.get(_ACME, "shop") == second
    assert await contracts.get(_ACME, "shop", 1) == first
    assert (await contracts.catalog("acme"))["shops"] == second.tables[0]
    # Going back would drop a column that may hold data.
    with pytest.raises(InvalidContractError):
        await contracts.register(_ACME, first)


async def test_commerce_may_be_widened_by_a_tenant(contracts: Contracts) -> None:
    wider = await contracts.register(_ACME, _wider(COMMERCE))
    assert (wider.version, wider.builtin, wider.created_at) == (2, False, _NOW)
    assert await contracts.get(_ACME, "commerce") == wider
    assert await contracts.get(_ACME, "commerce", 1) == COMMERCE
    assert (await contracts.catalog("acme"))["orders"] == wider.tables[2]
    assert (await contracts.list(_ACME, PageRequest())).items == (wider,)
    assert (await contracts.catalog("globex"))["orders"] == COMMERCE.tables[2]
    with pytest.raises(InvalidContractError):
        await contracts.register(_ACME, replace(COMMERCE, tables=COMMERCE.tables[:1]))


@pytest.mark.parametrize(
    "wrong",
    [
        Contract("shop", (Table("shops", (Column("id", ColumnType.JSON),), ("id",)),)),
        replace(COMMERCE, tables=COMMERCE.tables[1:]),
    ],
)
async def test_a_wrong_contract_is_refused_and_leaves_nothing(
    contracts: Contracts, wrong: Contract
) -> None:
    with pytest.raises(InvalidContractError):
        await contracts.register(_ACME, wrong)
    assert (await contracts.list(_ACME, PageRequest())).items == (COMMERCE,)


async def test_a_table_is_declared_by_one_contract_of_a_tenant(contracts: Contracts) -> None:
    await contracts.register(_ACME, _contract("shop", "shops"))
    for taken, owner in (("shops", "shop"), ("orders", "commerce")):
        with pytest.raises(InvalidContractError, match=f"by contract '{owner}'") as caught:
            await contracts.register(_ACME, _contract("other", "free", taken))
        assert caught.value.metadata == {"table": taken}
        assert [found.field for found in caught.value.violations] == ["contract.tables[1].name"]
    await contracts.register(_GLOBEX, _contract("other", "shops"))
    assert await contracts.contract_of("globex", "shops") == "other"


async def test_another_tenants_contract_looks_like_none(contracts: Contracts) -> None:
    await contracts.register(_ACME, _contract("shop", "shops"))
    for name, version in (("shop", 0), ("shop", 1), ("nothing", 0), ("commerce", 2)):
        with pytest.raises(NotFoundError):
            await contracts.get(_GLOBEX, name, version)
    with pytest.raises(NotFoundError):
        await contracts.get(_ACME, "shop", 2)
    assert "shops" not in await contracts.catalog("globex")
    assert (await contracts.list(_GLOBEX, PageRequest())).items == (COMMERCE,)


async def test_contracts_are_listed_by_name_page_by_page(contracts: Contracts) -> None:
    for name in ("zoo", "alps", "bay"):
        await contracts.register(_ACME, _contract(name, f"{name}_table"))
    first = await contracts.list(_ACME, PageRequest(2))
    second = await contracts.list(_ACME, PageRequest(2, first.next_token))
    names = [contract.name for page in (first, second) for contract in page.items]
    assert names == ["alps", "bay", "commerce", "zoo"]
    assert second.next_token == ""
    with pytest.raises(InvalidFieldError):
        await contracts.list(_ACME, PageRequest(token="W10"))  # noqa: S106  # a page token


async def test_the_same_contract_at_once_is_registered_once(contracts: Contracts) -> None:
    shop = _contract("shop", "shops")
    results = await asyncio.gather(*(contracts.register(_ACME, shop) for _ in range(10)))
    assert {result.version for result in results} == {1}


async def test_changes_at_once_make_a_version_each(contracts: Contracts) -> None:
    shop = _contract("shop", "shops")
    await contracts.register(_ACME, shop)

    def with_minimum(number: int) -> Contract:
        id_column, n = shop.tables[0].columns
        columns = (id_column, replace(n, minimum=str(-number)))
        return replace(shop, tables=(replace(shop.tables[0], columns=columns),))

    results = await asyncio.gather(
        *(contracts.register(_ACME, with_minimum(number)) for number in range(10))
    )
    assert sorted(result.version for result in results) == list(range(2, 12))
    for result in results:
        assert await contracts.get(_ACME, "shop", result.version) == result


async def test_one_of_many_takes_a_table(contracts: Contracts) -> None:
    results = await asyncio.gather(
        *(contracts.register(_ACME, _contract(f"shop{n}", "shops")) for n in range(10)),
        return_exceptions=True,
    )
    (winner,) = [result for result in results if isinstance(result, Contract)]
    assert sum(isinstance(result, InvalidContractError) for result in results) == 9
    assert await contracts.contract_of("acme", "shops") == winner.name


async def test_another_servers_registration_is_seen_at_once(
    contracts: Contracts, store: ControlStore
) -> None:
    other = Contracts(store)
    await other.catalog("acme")
    registered = await contracts.register(_ACME, _contract("shop", "shops"))
    assert "shops" in await other.catalog("acme")
    await contracts.register(_ACME, _wider(registered))
    assert (await other.catalog("acme"))["shops"].columns[-1] == _NOTE


async def test_an_unchanged_catalog_is_not_read_again(
    contracts: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace_server.core.contracts.registry._MOST_KEPT", 1)
    first = await contracts.catalog("acme")
    assert await contracts.catalog("acme") is first
    await contracts.catalog("globex")
    assert await contracts.catalog("acme") is not first
