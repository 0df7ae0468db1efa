from dataclasses import replace

import pytest

from headrace_server.core.contracts.rules import check
from headrace_server.model.commerce import COMMERCE
from headrace_server.model.contract import (
    Column,
    ColumnType,
    Contract,
    Reference,
    Table,
    UnknownColumns,
)
from headrace_server.model.errors import InvalidContractError

_ID = Column("id", ColumnType.UUID)
_PARENT = Table("parents", (_ID,), ("id",))


def _child(*columns: Column, references: tuple[Reference, ...] = ()) -> Table:
    return Table("children", (_ID, *columns), ("id",), references)


def _faults(*tables: Table) -> list[str]:
    """The fields at fault, each with the path shortened by its beginning."""
    try:
        check(Contract("shop", tables))
    except InvalidContractError as error:
        return [found.field.removeprefix("contract.tables") for found in error.violations]
    return []


def _one_table(*columns: Column, key: tuple[str, ...] = ("id",)) -> Table:
    return Table("things", columns, key)


def test_commerce_passes() -> None:
    check(COMMERCE)


def test_the_error_names_table_column_and_each_violation() -> None:
    column = Column("name", ColumnType.STRING, pattern="(")
    table = _one_table(_ID, column, Column("n", ColumnType.DATE, minimum="x"))
    with pytest.raises(InvalidContractError) as caught:
        check(Contract("shop", (_PARENT, table)))
    error = caught.value
    assert error.metadata == {"table": "things", "column": "name"}
    assert error.message.startswith("contract.tables[1].columns[1].pattern: must be an RE2")
    assert error.message.endswith("(and 1 more)")
    assert [found.field for found in error.violations] == [
        "contract.tables[1].columns[1].pattern",
        "contract.tables[1].columns[2].minimum",
    ]


def test_an_error_about_a_table_names_no_column() -> None:
    with pytest.raises(InvalidContractError) as caught:
        check(Contract("shop", (_PARENT, _PARENT)))
    assert caught.value.metadata == {"table": "parents"}
    assert caught.value.message == "contract.tables[1].name: 'parents' is declared twice"


@pytest.mark.parametrize(
    "name",
    ["", "Things", "1st", "_x", "a b", "a-b", "x" * 64, "headrace_x", "sqlite_x", "pg_x", "a\n"],
)
def test_a_table_name_that_a_database_or_the_service_keeps_is_refused(name: str) -> None:
    assert _faults(replace(_PARENT, name=name)) == ["[0].name"]


@pytest.mark.parametrize(
    "name", ["", "Id", "1st", "a b", "x" * 64, "headrace", "headrace_line", "ctid", "xmin", "a\n"]
)
def test_a_column_name_that_a_database_or_the_service_keeps_is_refused(name: str) -> None:
    assert _faults(_one_table(_ID, Column(name, ColumnType.DATE))) == ["[0].columns[1].name"]


@pytest.mark.parametrize("name", ["x" * 63, "head", "order", "select", "pg_rating", "_x", "xmini"])
def test_other_names_are_free(name: str) -> None:
    assert _faults(_one_table(_ID, Column(name, ColumnType.DATE))) == []


def test_a_column_is_declared_once() -> None:
    assert _faults(_one_table(_ID, _ID)) == ["[0].columns[1].name"]


@pytest.mark.parametrize("type_", ColumnType)
def test_a_key_is_of_a_type_that_compares_exactly(type_: ColumnType) -> None:
    refused = type_ in {ColumnType.JSON, ColumnType.FLOAT}
    assert bool(_faults(_one_table(Column("id", type_)))) is refused


@pytest.mark.parametrize(
    ("key", "faults"),
    [
        (("id", "nr"), []),
        ((), ["[0].primary_key"]),
        (("other",), ["[0].primary_key[0]"]),
        (("id", "id"), ["[0].primary_key[0]", "[0].primary_key[1]"]),
        (("id", "maybe"), ["[0].primary_key[1]"]),
    ],
)
def test_a_key_names_required_columns_once(key: tuple[str, ...], faults: list[str]) -> None:
    number = Column("nr", ColumnType.INTEGER)
    maybe = Column("maybe", ColumnType.INTEGER, nullable=True)
    assert _faults(_one_table(_ID, number, maybe, key=key)) == faults


@pytest.mark.parametrize(("length", "faults"), [(320, []), (321, ["[0].primary_key"])])
def test_a_key_fits_an_index_entry(length: int, faults: list[str]) -> None:
    table = _one_table(
        Column("a", ColumnType.STRING, max_length=320),
        Column("b", ColumnType.STRING, max_length=length),
        Column("c", ColumnType.STRING, max_length=100_000),
        key=("a", "b"),
    )
    assert _faults(table) == faults


def test_a_reference_to_an_unknown_table_is_refused() -> None:
    child = _child(references=(Reference(("id",), "nowhere"),))
    assert _faults(child) == ["[0].references[0].table"]


def test_a_reference_of_unknown_columns_is_refused() -> None:
    child = _child(references=(Reference(("nowhere",), "parents"),))
    assert _faults(_PARENT, child) == ["[1].references[0].columns"]


def test_a_reference_may_be_required_or_not() -> None:
    for nullable in (True, False):
        column = Column("parent_id", ColumnType.UUID, nullable=nullable)
        child = _child(column, references=(Reference(("parent_id",), "parents"),))
        assert _faults(child, _PARENT) == []


def test_a_reference_has_the_types_of_the_parents_key_in_its_order() -> None:
    parent = Table("parents", (_ID, Column("nr", ColumnType.INTEGER)), ("nr", "id"))
    columns = (Column("a", ColumnType.UUID), Column("b", ColumnType.INTEGER))
    right, wrong = Reference(("b", "a"), "parents"), Reference(("a", "b"), "parents")
    assert _faults(parent, _child(*columns, references=(right,))) == []
    assert _faults(parent, _child(*columns, references=(wrong,))) == [
        "[1].references[0].columns[0]",
        "[1].references[0].columns[1]",
    ]


@pytest.mark.parametrize("columns", [("a",), ("a", "b", "c"), ()])
def test_a_reference_has_as_many_columns_as_the_parents_key(columns: tuple[str, ...]) -> None:
    parent = Table("parents", (_ID, Column("nr", ColumnType.UUID)), ("nr", "id"))
    uuids = [Column(name, ColumnType.UUID) for name in "abc"]
    child = _child(*uuids, references=(Reference(columns, "parents"),))
    assert _faults(parent, child) == ["[1].references[0].columns"]


def test_a_reference_names_a_column_once() -> None:
    parent = Table("parents", (_ID, Column("nr", ColumnType.UUID)), ("nr", "id"))
    child = _child(references=(Reference(("id", "id"), "parents"),))
    assert _faults(parent, child) == ["[1].references[0].columns"]


def test_decimals_that_refer_to_each_other_are_written_alike() -> None:
    parent = Table("parents", (Column("id", ColumnType.DECIMAL, scale=2),), ("id",))
    for scale, faults in ((2, []), (3, ["[1].references[0].columns[0]"])):
        column = Column("p", ColumnType.DECIMAL, precision=20, scale=scale)
        child = _child(column, references=(Reference(("p",), "parents"),))
        assert _faults(parent, child) == faults


@pytest.mark.parametrize(
    ("length", "faults"), [(99, []), (100, []), (101, ["[1].references[0].columns[0]"])]
)
def test_a_reference_is_no_longer_than_the_key(length: int, faults: list[str]) -> None:
    parent = Table("parents", (Column("id", ColumnType.STRING, max_length=100),), ("id",))
    column = Column("p", ColumnType.STRING, max_length=length)
    child = _child(column, references=(Reference(("p",), "parents"),))
    assert _faults(parent, child) == faults


def test_a_reference_is_declared_once() -> None:
    reference = Reference(("id",), "parents")
    assert _faults(_PARENT, _child(references=(reference, reference))) == [
        "[1].references[0]",
        "[1].references[1]",
    ]


@pytest.mark.parametrize("nullable", [True, False])
def test_a_table_refers_to_itself_by_a_nullable_column(nullable: bool) -> None:
    column = Column("boss", ColumnType.UUID, nullable=nullable)
    child = _child(column, references=(Reference(("boss",), "children"),))
    assert _faults(child) == ([] if nullable else ["[0].references[0].columns"])


def test_tables_do_not_refer_to_each_other_in_a_circle() -> None:
    def table(name: str, parent: str) -> Table:
        column = Column("up", ColumnType.UUID, nullable=True)
        return Table(name, (_ID, column), ("id",), (Reference(("up",), parent),))

    tables = (_PARENT, table("a", "b"), table("b", "c"), table("c", "a"), table("d", "a"))
    with pytest.raises(InvalidContractError) as caught:
        check(Contract("shop", tables))
    (violation,) = caught.value.violations
    assert violation.field in {f"contract.tables[{index}].references" for index in (1, 2, 3)}
    circle = violation.description.split(": ")[1].split(";")[0].split(" -> ")
    assert circle[0] == circle[-1]
    parents = {"a": "b", "b": "c", "c": "a"}
    assert [parents[name] for name in circle[:-1]] == circle[1:]


_RESCUED = Column("extra", ColumnType.JSON, nullable=True)


@pytest.mark.parametrize(
    ("columns", "name", "right"),
    [
        ([_RESCUED], "extra", True),
        ([_RESCUED], None, False),
        ([_RESCUED], "other", False),
        ([replace(_RESCUED, nullable=False)], "extra", False),
        ([replace(_RESCUED, type=ColumnType.STRING)], "extra", False),
    ],
)
def test_unknown_keys_are_rescued_into_nullable_json(
    columns: list[Column], name: str | None, right: bool
) -> None:
    table = replace(_child(*columns), unknown_columns=UnknownColumns.RESCUE, rescue_column=name)
    assert _faults(table) == ([] if right else ["[0].rescue_column"])


@pytest.mark.parametrize("policy", [UnknownColumns.REJECT, UnknownColumns.DISCARD])
def test_a_rescue_column_goes_with_rescue_only(policy: UnknownColumns) -> None:
    table = replace(_child(_RESCUED), unknown_columns=policy, rescue_column="extra")
    assert _faults(table) == ["[0].rescue_column"]
    assert _faults(replace(table, rescue_column=None)) == []
