"""The contracts of a tenant: built-in ones and its own, in versions."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from headrace_server.core.contracts.definitions import from_definition, to_definition
from headrace_server.core.contracts.rules import check, places, refuse
from headrace_server.core.contracts.succession import check_successor, is_same
from headrace_server.core.pages import decode_token, page_of
from headrace_server.db import contracts as contract_rows
from headrace_server.db.contracts import ContractRow
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.model.commerce import COMMERCE
from headrace_server.model.contract import Contract
from headrace_server.model.errors import NotFoundError
from headrace_server.model.page import Page, PageRequest
from headrace_server.model.tenant import Principal
from headrace_server.model.warehouse import Catalog

_BUILTIN = {contract.name: contract for contract in (COMMERCE,)}
_MOST_KEPT = 1000


@dataclass(frozen=True, slots=True)
class _Declared:
    """What a tenant's contracts declare together."""

    #: newest version of each contract, by name
    contracts: Mapping[str, Contract]
    #: all of their tables, by name
    catalog: Catalog
    #: name of the contract of each table
    owners: Mapping[str, str]

    @classmethod
    def of(cls, registered: Iterable[Contract]) -> "_Declared":
        """Put what was registered over the built-in contracts."""
        contracts = _BUILTIN | {contract.name: contract for contract in registered}
        pairs = [(table, c.name) for c in contracts.values() for table in c.tables]
        return cls(
            dict(sorted(contracts.items())),
            {table.name: table for table, _ in pairs},
            {table.name: owner for table, owner in pairs},
        )


class Contracts:
    """Contracts, each tenant's apart from the others'."""

    def __init__(
        self, store: ControlStore, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._clock = clock
        # By tenant, with the number of versions registered by then: none is ever dropped.
        self._declared: dict[str, tuple[int, _Declared]] = {}

    async def register(self, caller: Principal, contract: Contract) -> Contract:
        """Register a contract, or its next version; what the newest says already changes nothing.

        Version, builtin and created_at of the argument are ignored. Raises InvalidContractError
        where it contradicts itself, the version before, or another contract's tables.
        """
        check(contract)
        async with self._store.begin() as connection:
            # One registration of a tenant at a time: versions and tables are checked against all.
            await contract_rows.lock(connection, caller.tenant_id)
            declared = await _read(connection, caller.tenant_id)
            newest = declared.contracts.get(contract.name)
            if newest is not None and is_same(newest, contract):
                return newest
            _refuse_taken_tables(contract, declared)
            if newest is not None:
                check_successor(newest, contract)
            version = newest.version + 1 if newest else 1
            definition = to_definition(contract)
            stored = ContractRow(contract.name, version, definition, self._clock())
            await contract_rows.insert(connection, caller.tenant_id, stored)
        return _contract_of(stored)

    async def get(self, caller: Principal, name: str, version: int = 0) -> Contract:
        """Return a contract, the newest version unless one is named. Raises NotFoundError."""
        newest = (await self._known(caller.tenant_id)).contracts.get(name)
        if newest is not None and version in {0, newest.version}:
            return newest
        builtin = _BUILTIN.get(name)
        if builtin is not None and version == builtin.version:
            return builtin
        async with self._store.read() as connection:
            row = await contract_rows.find(connection, caller.tenant_id, name, version)
        if row is None:
            raise NotFoundError("contract", name)
        return _contract_of(row)

    async def list(self, caller: Principal, page: PageRequest) -> Page[Contract]:
        """Return a page of the newest version of each contract, by name, the built-in included.

        Raises InvalidFieldError for a bad page token.
        """
        (after,) = decode_token(page.token, str) if page.token else ("",)
        contracts = (await self._known(caller.tenant_id)).contracts.values()
        left = [contract for contract in contracts if contract.name > str(after)]
        return page_of(left, page.limit, lambda contract: [contract.name])

    async def catalog(self, tenant_id: str) -> Catalog:
        """Return the tables of the newest version of every contract, as registered by now."""
        return (await self._known(tenant_id)).catalog

    async def contract_of(self, tenant_id: str, table: str) -> str | None:
        """Return the name of the contract that declares the table; None where none does."""
        return (await self._known(tenant_id)).owners.get(table)

    async def _known(self, tenant_id: str) -> _Declared:
        async with self._store.read() as connection:
            versions = await contract_rows.count(connection, tenant_id)
            known = self._declared.get(tenant_id)
            if known is not None and known[0] == versions:
                return known[1]
            declared = await _read(connection, tenant_id)
        self._keep(tenant_id, versions, declared)
        return declared

    def _keep(self, tenant_id: str, versions: int, declared: _Declared) -> None:
        self._declared.pop(tenant_id, None)
        self._declared[tenant_id] = (versions, declared)
        if len(self._declared) > _MOST_KEPT:
            del self._declared[next(iter(self._declared))]


async def _read(connection: Connection, tenant_id: str) -> _Declared:
    rows = await contract_rows.list_newest(connection, tenant_id)
    return _Declared.of(map(_contract_of, rows))


def _contract_of(stored: ContractRow) -> Contract:
    return from_definition(
        stored.definition,
        name=stored.name,
        version=stored.version,
        created_at=stored.created_at,
    )


def _refuse_taken_tables(contract: Contract, declared: _Declared) -> None:
    refuse(
        [
            place.finding(".name", f"{place.table.name!r} is declared by contract {owner!r}")
            for place in places(contract)
            for owner in [declared.owners.get(place.table.name, contract.name)]
            if owner != contract.name
        ]
    )
