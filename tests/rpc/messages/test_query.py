import json
from decimal import Decimal
from uuid import UUID

from google.protobuf.json_format import MessageToDict

from headrace_server.model.query import QueryBatch, QueryColumn, ValueKind, unique_names
from headrace_server.rpc.messages.query import columns_message, rows_messages


def columns(*names: str, kind: ValueKind = ValueKind.ANY) -> list[QueryColumn]:
    return [QueryColumn(name, "text", kind) for name in names]


def test_columns_of_one_name_are_told_apart() -> None:
    assert unique_names(columns("a", "b", "a", "a")) == ["a", "b", "a_2", "a_3"]
    assert unique_names(columns("a", "a", "a_2")) == ["a", "a_3", "a_2"]
    assert unique_names([]) == []


def test_every_kind_has_its_word() -> None:
    every = [QueryColumn("a", "", kind) for kind in ValueKind]
    message = columns_message(unique_names(every), every)
    shown = [column["kind"] for column in MessageToDict(message)["columns"]]
    assert shown == [kind.value for kind in ValueKind]


def test_values_are_shown_without_a_change() -> None:
    values = {
        2**53 + 1: str(2**53 + 1), Decimal("0.1"): 0.1, Decimal("1E-30"): 1e-30,
        Decimal("0.12345678901234567890"): "0.12345678901234567890", b"\x01a": "0161",
        float("nan"): "nan", UUID(int=1): str(UUID(int=1)), True: True, None: None,
    }  # fmt: skip
    for value, shown in values.items():
        (message,) = rows_messages(["a"], columns("a"), QueryBatch((), ((value,),)))
        assert MessageToDict(message.rows[0])["a"] == shown


def test_json_is_json_and_text_that_is_none_is_text() -> None:
    deep = "[" * 5000
    for text, shown in (
        ('{"a": [1, 9007199254740993]}', {"a": [1, "9007199254740993"]}),
        ("{", "{"),
        (deep, deep),
    ):
        batch = QueryBatch((), ((text,),))
        (message,) = rows_messages(["a"], columns("a", kind=ValueKind.JSON), batch)
        assert MessageToDict(message.rows[0])["a"] == shown


def test_messages_are_of_bounded_size() -> None:
    batch = QueryBatch((), tuple(("x" * 300_000,) for _ in range(10)))
    messages = rows_messages(["a"], columns("a"), batch)
    assert [len(message.rows) for message in messages] == [3, 3, 3, 1]
    assert max(len(json.dumps(MessageToDict(message))) for message in messages) < 1_300_000
    assert rows_messages(["a"], columns("a"), QueryBatch()) == []
