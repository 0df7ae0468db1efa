import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from headrace_server.core.contracts.definitions import from_definition, to_definition
from headrace_server.model.commerce import COMMERCE
from headrace_server.model.contract import Column, Contract, Reference, Table

_NOW = datetime(2026, 1, 1, tzinfo=UTC)

_texts = st.text(max_size=10)
_names = st.lists(_texts, max_size=3).map(tuple)
_columns = st.builds(Column, name=_texts, allowed_values=_names)
_tables = st.builds(
    Table,
    name=_texts,
    columns=st.lists(_columns, max_size=3).map(tuple),
    primary_key=_names,
    references=st.lists(st.builds(Reference, _names, _texts), max_size=2).map(tuple),
)


@given(
    st.builds(
        Contract,
        name=_texts,
        tables=st.lists(_tables, max_size=3).map(tuple),
        version=st.integers(1, 9),
        builtin=st.just(False),
        created_at=st.just(_NOW),
    )
)
def test_json_gives_the_contract_back(contract: Contract) -> None:
    stored = json.loads(json.dumps(to_definition(contract)))
    again = from_definition(stored, name=contract.name, version=contract.version, created_at=_NOW)
    assert again == contract


def test_every_rule_is_written_out() -> None:
    (column, *_) = to_definition(COMMERCE)["tables"][0]["columns"]
    assert column == {
        "name": "customer_id",
        "type": "UUID",
        "nullable": False,
        "max_length": 255,
        "precision": 18,
        "scale": 4,
        "minimum": None,
        "maximum": None,
        "pattern": None,
        "allowed_values": [],
    }
