from pathlib import Path

import pytest
from headrace.v1.contract_pb2 import Contract
from hypothesis import given
from hypothesis import strategies as st

from headrace_client.bulk.plan import (
    ancestors_of,
    data_type_of,
    make_plan,
    parents_of,
    stage_of,
    tenant_folders,
)

REFERENCES = {"order_items": ["orders", "products"], "orders": ["customers"]}


def contract(references: dict[str, list[str]], *names: str) -> Contract:
    made = Contract(name="c")
    for name in names:
        table = made.tables.add(name=name)
        for parent in references.get(name, ()):
            table.references.add(table=parent)
    return made


COMMERCE = contract(REFERENCES, "customers", "products", "orders", "order_items")


@pytest.mark.parametrize(
    ("name", "data_type"),
    [
        ("orders_1.ndjson", "orders"),
        ("order_items_2010-12.ndjson", "order_items"),
        ("ORDERS.ndjson.gz", "orders"),
        ("orders-2.ndjson", "orders"),
        ("orders", "orders"),
        ("ordersx.ndjson", None),
        ("SOURCE.md", None),
    ],
)
def test_the_longest_name_that_fits_is_the_type(name: str, data_type: str | None) -> None:
    assert data_type_of(name, ["order", "orders", "order_items"]) == data_type


def test_parents_come_in_earlier_stages(tmp_path: Path) -> None:
    for name in ("order_items_1", "orders_2", "orders_1", "customers_1", "products_1", "README"):
        (tmp_path / f"{name}.ndjson").write_text("{}")
    (tmp_path / ".orders_hidden").touch()
    (tmp_path / "orders_folder").mkdir()
    plan = make_plan(tmp_path, [COMMERCE], None)
    assert [(file.stage, file.path.stem) for file in plan.files] == [
        (1, "customers_1"), (1, "products_1"), (2, "orders_1"), (2, "orders_2"),
        (3, "order_items_1"),
    ]  # fmt: skip
    assert [path.stem for path in plan.skipped] == ["README"]
    assert plan.ancestors["order_items"] == {"orders", "products", "customers"}


NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=4), max_size=6))
def test_any_references_have_stages(references: dict[str, list[str]]) -> None:
    parents = parents_of([contract(references, *references)])
    ancestors = ancestors_of(parents)
    for child, above in parents.items():
        for parent in above & parents.keys():
            if child not in ancestors[parent]:
                assert stage_of(parent, ancestors) < stage_of(child, ancestors)


def test_folders_are_tenants_where_there_are_any(tmp_path: Path) -> None:
    assert tenant_folders(tmp_path, None) == [(None, tmp_path)]
    assert tenant_folders(tmp_path, "acme") == [("acme", tmp_path)]
    for name in ("acme", "blue", ".git"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "orders_1.ndjson").touch()
    (tmp_path / "empty").mkdir()
    assert tenant_folders(tmp_path, None) == [
        ("acme", tmp_path / "acme"), ("blue", tmp_path / "blue"),
    ]  # fmt: skip
    assert tenant_folders(tmp_path, "blue") == [("blue", tmp_path / "blue")]
    (tmp_path / "README.md").touch()
    assert len(tenant_folders(tmp_path, None)) == 2
    (tmp_path / "orders_1.ndjson.gz").touch()
    assert tenant_folders(tmp_path, None) == [(None, tmp_path)]
